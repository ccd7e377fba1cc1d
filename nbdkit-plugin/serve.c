/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* serve.c: answers to read and block status requests. */

#include "config.h"

#include <inttypes.h>

#include "plugin.h"

/* -D pullback.extents=1: show every extent that is given to nbdkit. */
NBDKIT_DLL_PUBLIC int pullback_debug_extents;

/* An answer may cover less than was asked for, so that a badly fragmented
 * disk neither makes a client wait long nor a reply grow large.  So many
 * extents of a view are looked at for one answer.
 */
#define EXTENTS_MAX 16384

static void
report_error (const struct export *export)
{
  nbdkit_error ("disk %s: %s", export->disk->name, pb_get_error ());
  nbdkit_set_error (pb_get_errno ());
}

int
serve_pread (struct export *export, void *buffer, uint32_t count,
             uint64_t offset)
{
  if (pb_view_pread (export->disk->view, buffer, count, offset) == -1) {
    report_error (export);
    return -1;
  }
  return 0;
}

/* What an NBD client is told of an extent of the disk. */
static uint32_t
allocation_type (uint32_t flags)
{
  uint32_t type = 0;

  if (flags & PB_EXTENT_ZERO)
    type |= NBDKIT_EXTENT_ZERO;
  if (flags & PB_EXTENT_HOLE)
    type |= NBDKIT_EXTENT_HOLE;
  return type;
}

/* What it is told of an extent of a dirty map: data where it is dirty.  Where
 * it is clean the export still has the disk's bytes, but a copy that keeps
 * holes leaves them alone.  Never ZERO: clean bytes need not be zero, and a
 * client would overwrite the older backup below with zeroes.
 */
static uint32_t
dirty_type (uint32_t flags)
{
  return flags & PB_EXTENT_DIRTY ? 0 : NBDKIT_EXTENT_HOLE;
}

/* What is known of [offset, end), being put together from equal neighbours. */
struct run {
  uint64_t offset, end;
  uint32_t type;
};

/* The view's streams end where the request does, and so no extent exceeds it:
 * nbdkit 1.32 stops at an assertion when one does not fit 32 bits
 * (CVE-2025-47711).
 */
static int
add_run (const struct run *run, struct nbdkit_extents *extents)
{
  if (pullback_debug_extents)
    nbdkit_debug ("pullback: extent 0x%" PRIx64 " length 0x%" PRIx64
                  " type %" PRIu32,
                  run->offset, run->end - run->offset, run->type);
  return nbdkit_add_extent (extents, run->offset, run->end - run->offset,
                            run->type);
}

/* Move the stream's extents to EXTENTS: all of them, or only the first, as
 * EXPORT's kind means them.
 */
static int
add_extents (const struct export *export, pb_extents *stream, bool only_first,
             struct nbdkit_extents *extents)
{
  uint64_t start = pb_extents_get_start (stream);
  struct run run = { start, start, 0 };
  struct pb_extent extent;
  int r = 0;

  for (unsigned n = 0; n < EXTENTS_MAX; n++) {
    r = pb_extents_next (stream, &extent);
    if (r != 1)
      break;

    uint32_t type = export->map ? dirty_type (extent.flags)
                                : allocation_type (extent.flags);
    if (run.end > run.offset && type != run.type) {
      if (add_run (&run, extents) == -1)
        return -1;
      if (only_first)
        return 0;
      run.offset = run.end;
    }
    run.end = extent.offset + extent.length;
    run.type = type;
  }
  /* An error after some extents is met again by the request that starts
   * there.
   */
  if (r == -1 && run.end == start) {
    report_error (export);
    return -1;
  }
  return add_run (&run, extents);
}

int
serve_extents (struct export *export, uint32_t count, uint64_t offset,
               uint32_t flags, struct nbdkit_extents *extents)
{
  pb_view *view = export->disk->view;
  pb_extents *stream;
  int r;

  if (export->map)
    stream = pb_view_dirty_extents (view, export->map, offset, count);
  else
    stream = pb_view_extents (view, offset, count);
  if (stream == NULL) {
    report_error (export);
    return -1;
  }
  r = add_extents (export, stream, flags & NBDKIT_FLAG_REQ_ONE, extents);
  pb_extents_free (stream);
  return r;
}
