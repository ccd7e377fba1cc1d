/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-lock.c: the locks by which QEMU keeps two users of an image apart. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>

#include "error.h"
#include "image-lock.h"

#define USES_BASE   100
#define DENIES_BASE 200

/* Bits of a set of permissions, in QEMU's order. */
#define CONSISTENT_READ 1U
#define WRITE           2U
#define WRITE_UNCHANGED 4U
#define RESIZE          8U
#define NR_PERMISSIONS  4

/* What each kind of user does, and what it lets nobody else do.  The sets
 * are those QEMU itself takes for a read-only qcow2 image, and for one that
 * is open for writing; consistent-read is denied by a writer of a new image
 * too, since there is nothing in it yet that would be worth reading.
 */
static const struct {
  unsigned uses, denies;
} sets[] = {
  [IMAGE_LOCK_READER] = { CONSISTENT_READ, WRITE | RESIZE },
  [IMAGE_LOCK_READER_ALLOW_WRITER] = { CONSISTENT_READ, 0 },
  [IMAGE_LOCK_WRITER]
  = { CONSISTENT_READ | WRITE | RESIZE, CONSISTENT_READ | WRITE | RESIZE },
};

static struct flock
one_byte (short type, off_t start)
{
  return (struct flock) {
    .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 1
  };
}

static int
set_bytes (const struct file *file, short type, off_t base, unsigned set)
{
  for (unsigned i = 0; i < NR_PERMISSIONS; i++) {
    struct flock lock = one_byte (type, base + i);

    if ((set & 1U << i) && fcntl (file->fd, F_OFD_SETLK, &lock) == -1)
      return -1;
  }
  return 0;
}

static void
unlock_all (const struct file *file)
{
  set_bytes (file, F_UNLCK, USES_BASE, ~0U);
  set_bytes (file, F_UNLCK, DENIES_BASE, ~0U);
}

/* Which permissions of SET does somebody else hold at BASE?  Asking as if for
 * a write lock finds the read locks of others.  Returns -1 on error.
 */
static int
held_by_others (const struct file *file, off_t base, unsigned set)
{
  unsigned held = 0;

  for (unsigned i = 0; i < NR_PERMISSIONS; i++) {
    struct flock lock = one_byte (F_WRLCK, base + i);

    if (!(set & 1U << i))
      continue;
    if (fcntl (file->fd, F_OFD_GETLK, &lock) == -1)
      return -1;
    if (lock.l_type != F_UNLCK)
      held |= 1U << i;
  }
  return held;
}

static void
set_conflict_error (const struct file *file, enum image_lock_kind kind,
                    unsigned used, unsigned denied)
{
  if (kind == IMAGE_LOCK_WRITER)
    pb_set_error (EBUSY,
                  "%s: is in use (by another process, or as a backing "
                  "file); wait until it is free",
                  file->name);
  else if (used & (WRITE | RESIZE))
    pb_set_error (EBUSY,
                  "%s: is being written by another process (a running virtual "
                  "machine?); shut it down, or back it up through that "
                  "process",
                  file->name);
  else
    pb_set_error (EBUSY,
                  "%s: another process does not let it be read%s; wait until "
                  "it has finished with the file",
                  file->name,
                  denied & CONSISTENT_READ ? " (an output being written?)"
                                           : "");
}

int
image_lock (const struct file *file, enum image_lock_kind kind)
{
  unsigned uses = sets[kind].uses, denies = sets[kind].denies;
  int used, denied;

  /* First take, then look: of two who race for it, both may lose but never
   * both win.
   */
  if (set_bytes (file, F_RDLCK, USES_BASE, uses) == -1
      || set_bytes (file, F_RDLCK, DENIES_BASE, denies) == -1
      || (denied = held_by_others (file, DENIES_BASE, uses)) == -1
      || (used = held_by_others (file, USES_BASE, denies)) == -1) {
    set_error_errno ("%s: cannot lock the image", file->name);
    unlock_all (file);
    return -1;
  }
  if (denied || used) {
    set_conflict_error (file, kind, used, denied);
    unlock_all (file);
    return -1;
  }
  return 0;
}

int
image_lock_check_writer (const struct file *file)
{
  /* What QEMU takes for a qcow2 image that it opens for writing. */
  static const unsigned uses = CONSISTENT_READ | WRITE | RESIZE;
  static const unsigned denies = WRITE | RESIZE;
  int used, denied;

  denied = held_by_others (file, DENIES_BASE, uses);
  used = held_by_others (file, USES_BASE, denies);
  if (denied == -1 || used == -1) {
    set_error_errno ("%s: cannot look at the image's locks", file->name);
    return -1;
  }
  if (used) {
    set_conflict_error (file, IMAGE_LOCK_READER, used, 0);
    return -1;
  }
  if (denied) {
    pb_set_error (EBUSY,
                  "%s: another process reads it and lets nobody write (a "
                  "backup server, or a virtual machine on an overlay of it?); "
                  "wait until it has finished with the file",
                  file->name);
    return -1;
  }
  return 0;
}
