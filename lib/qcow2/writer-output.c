/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-output.c: the file under its two names, PATH.partial and PATH. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "format.h"
#include "image-lock.h"
#include "writer-header.h"
#include "writer-output.h"

/* How often another process may take the name from under us before we give
 * it the right of way.
 */
#define ATTEMPTS 10

/* What one attempt comes to. */
enum outcome { FAILED = -1, DONE, AGAIN };

static int
set_names (struct output *output, const char *path)
{
  const char *slash = strrchr (path, '/');

  output->path = strdup (path);
  output->folder.name = slash ? strndup (path, slash + 1 - path) : strdup (".");
  if (asprintf (&output->file.name, "%s.partial", path) == -1)
    output->file.name = NULL;
  if (output->path == NULL || output->folder.name == NULL
      || output->file.name == NULL) {
    set_error_errno ("%s", path);
    return -1;
  }
  output->name = output->path + (slash ? slash + 1 - path : 0);
  output->partial_name = output->file.name + (output->name - output->path);
  if (output->name[0] == '\0') {
    pb_set_error (EINVAL, "'%s': is not the name of a file", path);
    return -1;
  }
  return 0;
}

/* A file that somebody has open is not replaced under them.  Most of all not
 * when it is this process that reads it: as a layer, however deep, of the
 * backing chain of the very output that would take its place.
 */
static int
check_is_unused (const struct output *output)
{
  int CLEANUP_CLOSE fd
    = openat (output->folder.fd, output->name,
              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct file old = { .fd = fd, .name = output->path };

  if (fd == -1) {
    set_error_errno ("%s", output->path);
    return -1;
  }
  if (image_lock (&old, IMAGE_LOCK_WRITER) == -1) {
    prefix_error ("cannot replace the output");
    return -1;
  }
  return 0;
}

/* PATH itself is only touched when the output is finished; that it is in the
 * way should be known before the work is done.
 */
static int
check_final_name (const struct output *output)
{
  struct stat st;

  if (fstatat (output->folder.fd, output->name, &st, AT_SYMLINK_NOFOLLOW)
      == -1) {
    if (errno == ENOENT)
      return 0;
    set_error_errno ("%s", output->path);
    return -1;
  }
  if (!output->replace) {
    pb_set_error (EEXIST, "%s: already exists; it is only replaced by force",
                  output->path);
    return -1;
  }
  if (!S_ISREG (st.st_mode)) {
    pb_set_error (EEXIST,
                  "%s: is not a regular file, and is not replaced by one",
                  output->path);
    return -1;
  }
  return check_is_unused (output);
}

/* Does PATH.partial name the file that is open as FILE?  A name can change
 * hands as long as its file is not locked.
 */
static bool
is_partial_name_of (const struct output *output, const struct file *file)
{
  struct stat named, opened;

  return fstatat (output->folder.fd, output->partial_name, &named,
                  AT_SYMLINK_NOFOLLOW)
           == 0
         && fstat (file->fd, &opened) == 0 && named.st_dev == opened.st_dev
         && named.st_ino == opened.st_ino;
}

static int
check_leftover_type (const struct output *output)
{
  struct stat st;

  if (fstatat (output->folder.fd, output->partial_name, &st,
               AT_SYMLINK_NOFOLLOW)
        == 0
      && !S_ISREG (st.st_mode)) {
    pb_set_error (EEXIST,
                  "%s: is in the way, and is not a regular file; remove it",
                  output->file.name);
    return -1;
  }
  return 0;
}

/* May the leftover FILE, which is locked by us, be replaced? */
static int
check_leftover (const struct output *output, const struct file *file)
{
  uint8_t head[QCOW2_HEADER_INCOMPATIBLE + 8];
  struct stat st;

  if (output->replace)
    return 0;
  if (fstat (file->fd, &st) == -1) {
    set_error_errno ("%s", file->name);
    return -1;
  }
  if (st.st_size == 0)
    return 0;
  if (file_pread_padded (file, head, sizeof head, 0) == -1)
    return -1;
  if (writer_header_is_unfinished (head, sizeof head))
    return 0;
  pb_set_error (EEXIST,
                "%s: is in the way, and is not the unfinished output of a "
                "backup; rename it if it is wanted, or remove it",
                file->name);
  return -1;
}

/* Remove what has the name PATH.partial, if it is a leftover. */
static enum outcome
remove_leftover (const struct output *output)
{
  if (check_leftover_type (output) == -1)
    return FAILED;

  /* O_NONBLOCK: not to hang at a pipe that has just come into the way. */
  int CLEANUP_CLOSE fd
    = openat (output->folder.fd, output->partial_name,
              O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  struct file leftover = { .fd = fd, .name = output->file.name };
  if (fd == -1) {
    if (errno == ENOENT)
      return AGAIN;
    set_error_errno ("%s", leftover.name);
    return FAILED;
  }
  if (image_lock (&leftover, IMAGE_LOCK_WRITER) == -1)
    return FAILED;
  if (!is_partial_name_of (output, &leftover))
    return AGAIN;
  if (check_leftover (output, &leftover) == -1)
    return FAILED;

  /* A new file instead of this one emptied: its owner, its mode and whoever
   * has it open are not to be those of a stranger's file.
   */
  if (unlinkat (output->folder.fd, output->partial_name, 0) == -1) {
    set_error_errno ("%s: cannot remove the leftover", leftover.name);
    return FAILED;
  }
  return AGAIN;
}

static enum outcome
try_to_create (struct output *output)
{
  /* What the disk holds is nobody else's business. */
  int fd = openat (output->folder.fd, output->partial_name,
                   O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd == -1 && errno == EEXIST)
    return remove_leftover (output);
  if (fd == -1) {
    set_error_errno ("%s", output->file.name);
    return FAILED;
  }

  output->file.fd = fd;
  if (image_lock (&output->file, IMAGE_LOCK_WRITER) == -1) {
    /* Where another process has it, it is that one's to keep or remove. */
    if (pb_get_errno () != EBUSY)
      unlinkat (output->folder.fd, output->partial_name, 0);
    return FAILED;
  }
  if (is_partial_name_of (output, &output->file))
    return DONE;

  /* Another writer took the empty file for a leftover before it was locked. */
  close (fd);
  output->file.fd = -1;
  return AGAIN;
}

int
output_create (struct output *output, const char *path, bool replace)
{
  enum outcome outcome = AGAIN;

  *output = (struct output) {
    .file = { .fd = -1 }, .folder = { .fd = -1 }, .replace = replace
  };
  if (set_names (output, path) == -1)
    goto error;
  output->folder.fd
    = open (output->folder.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (output->folder.fd == -1) {
    set_error_errno ("%s: cannot open the folder %s", path,
                     output->folder.name);
    goto error;
  }
  if (check_final_name (output) == -1)
    goto error;

  for (unsigned i = 0; i < ATTEMPTS && outcome == AGAIN; i++)
    outcome = try_to_create (output);
  if (outcome == AGAIN)
    pb_set_error (EBUSY, "%s: another process keeps taking this name",
                  output->file.name);
  if (outcome == DONE)
    return 0;

error:
  output_close (output);
  return -1;
}

/* rename, but EEXIST where the new name is there. */
static int
rename_to_free_name (const struct output *output)
{
  int fd = output->folder.fd;

  if (renameat2 (fd, output->partial_name, fd, output->name, RENAME_NOREPLACE)
      == 0)
    return 0;
  if (errno != EINVAL && errno != ENOSYS)
    return -1;

  /* File systems without this flag do have links, of which none is made over
   * a name that is there.
   */
  if (linkat (fd, output->partial_name, fd, output->name, 0) == -1)
    return -1;
  return unlinkat (fd, output->partial_name, 0);
}

int
output_publish (struct output *output)
{
  int fd = output->folder.fd;
  int r = output->replace
            ? renameat (fd, output->partial_name, fd, output->name)
            : rename_to_free_name (output);

  if (r == -1)
    set_error_errno ("%s: cannot be renamed to %s", output->file.name,
                     output->path);
  return r;
}

void
output_remove (struct output *output)
{
  unlinkat (output->folder.fd, output->partial_name, 0);
}

void
output_close (struct output *output)
{
  file_close (&output->file);
  file_close (&output->folder);
  free (output->path);
  output->path = NULL;
  output->name = output->partial_name = NULL;
}
