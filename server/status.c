/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status.c: what one metadata context says of a range. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nbd-protocol.h"
#include "round.h"
#include "status.h"

/* Extents of the view that one answer looks at: it says less than was asked for
 * rather than keep a client waiting.
 */
#define WORK_MAX 524288

static pb_extents *
open_extents (const struct export *export, const struct context *context,
              uint64_t offset, uint64_t length)
{
  if (context->kind == CONTEXT_DIRTY)
    return pb_view_dirty_extents (export->view, context->map, offset, length);
  return pb_view_extents (export->view, offset, length);
}

static uint32_t
flags_of (enum context_kind kind, const struct pb_extent *extent)
{
  uint32_t flags = 0;

  switch (kind) {
  case CONTEXT_ALLOCATION:
    /* Zeroes are a hole also where a cluster is kept for them, as QEMU says:
     * there are clients that copy zeroes which are none.
     */
    if (extent->flags & PB_EXTENT_ZERO)
      flags |= NBD_STATE_HOLE | NBD_STATE_ZERO;
    break;
  case CONTEXT_DEPTH: /* 0: not allocated in any layer; 1: in the first */
    flags = extent->depth;
    break;
  case CONTEXT_DIRTY:
    if (extent->flags & PB_EXTENT_DIRTY)
      flags |= NBD_STATE_DIRTY;
    break;
  }
  return flags;
}

/* A list starts small, and never has more than MAX: there may be thousands of
 * contexts with a place for two each.
 */
static int
add (struct status *status, uint64_t length, uint32_t flags, uint32_t max)
{
  struct status_descriptor *list = status->list;

  if (status->count == status->allocated) {
    uint32_t allocated
      = min_u64 (status->allocated ? status->allocated * 2 : 16, max);

    list = reallocarray (list, allocated, sizeof *list);
    if (list == NULL) {
      pb_set_error (errno, "block status: %s", strerror (errno));
      return -1;
    }
    status->list = list;
    status->allocated = allocated;
  }
  list[status->count++] = (struct status_descriptor) { length, flags };
  return 0;
}

int
status_get (struct status *status, const struct export *export,
            const struct context *context, uint64_t offset, uint64_t length,
            uint32_t max)
{
  pb_extents *extents = open_extents (export, context, offset, length);
  struct pb_extent extent;
  int r = extents ? 1 : -1;

  for (unsigned n = 0; r == 1 && n < WORK_MAX; n++) {
    r = pb_extents_next (extents, &extent);
    if (r != 1)
      break;
    uint32_t flags = flags_of (context->kind, &extent);
    if (status->count > 0 && status->list[status->count - 1].flags == flags)
      status->list[status->count - 1].length += extent.length;
    else if (status->count == max)
      break;
    else if (add (status, extent.length, flags, max) == -1) {
      r = -1;
      break;
    }
    status->length += extent.length;
  }
  pb_extents_free (extents);
  /* An error after some extents is met again by the request that starts there.
   * EAGAIN is none: another thread does all of it.
   */
  return r == -1 && (status->count == 0 || pb_get_errno () == EAGAIN) ? -1 : 0;
}

void
status_trim (struct status *status, uint64_t length)
{
  uint64_t sum = 0;

  for (uint32_t i = 0; i < status->count; i++) {
    struct status_descriptor *descriptor = &status->list[i];

    descriptor->length = min_u64 (descriptor->length, length - sum);
    sum += descriptor->length;
    if (sum == length)
      status->count = i + 1;
  }
  status->length = sum;
}

void
status_clear (struct status *status)
{
  free (status->list);
  *status = (struct status) { 0 };
}
