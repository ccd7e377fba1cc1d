/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reshape.c: a stream of extents in other pieces than it comes in. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cursor.h"
#include "error.h"
#include "extents.h"
#include "round.h"

struct reshape {
  struct cursor input;
  uint64_t granule;    /* of align */
  uint64_t max_length; /* of coalesce */
};

static void
reshape_free (void *opaque)
{
  struct reshape *reshape = opaque;

  pb_extents_free (reshape->input.stream);
  free (reshape);
}

/* Own EXTENTS, or free it and fail. */
static struct reshape *
reshape_new (const char *what, pb_extents *extents)
{
  pb_extents *CLEANUP_EXTENTS input = extents;
  struct reshape *reshape;

  if (!extents)
    return NULL; /* whoever made the NULL has set the error */
  if (!extents_are_untouched (extents)) {
    pb_set_error (EINVAL, "%s: the stream has been read from already", what);
    return NULL;
  }
  reshape = calloc (1, sizeof *reshape);
  if (!reshape) {
    set_error_errno ("%s", what);
    return NULL;
  }
  reshape->input.stream = STEAL (input);
  return reshape;
}

/* Align. */

/* Fold what the input has for the next LENGTH bytes into one state.  DIRTY
 * holds where it holds anywhere, other flags only where they hold throughout.
 */
static int
fold (struct cursor *input, uint64_t length, struct pb_extent *extent)
{
  const uint32_t dirty = PB_EXTENT_DIRTY;
  uint32_t any = 0, all = UINT32_MAX;
  uint64_t piece, done;

  for (done = 0; done < length; done += piece) {
    if (cursor_fill (input) == -1)
      return -1;
    any |= input->extent.flags;
    all &= input->extent.flags;
    if (done == 0)
      extent->depth = input->extent.depth;
    else if (extent->depth != input->extent.depth)
      extent->depth = 0; /* no one layer decides */
    piece = min_u64 (input->extent.length, length - done);
    cursor_take (input, piece);
  }
  extent->length = length;
  extent->flags = (any & dirty) | (all & ~dirty);
  return 0;
}

/* OFFSET is always on a granule.  All the whole granules that the input's next
 * extent covers go on in one piece; a granule in which it ends is folded.
 */
static int
align_status (void *opaque, uint64_t offset, uint64_t end,
              struct pb_extent *extent)
{
  struct reshape *reshape = opaque;
  struct cursor *input = &reshape->input;
  uint64_t granule = reshape->granule, whole;

  if (cursor_fill (input) == -1)
    return -1;
  whole = round_down (input->extent.length, granule);
  if (input->extent.length == end - offset)
    whole = input->extent.length;
  if (whole == 0)
    whole = min_u64 (granule, end - offset);
  return fold (input, whole, extent);
}

pb_extents *
pb_extents_align (pb_extents *extents, uint64_t granule)
{
  static const struct pb_extents_ops ops = {
    .status = align_status,
    .free = reshape_free,
  };
  struct reshape *reshape = reshape_new ("alignment of extents", extents);
  uint64_t start, end;

  if (!reshape)
    return NULL;
  start = pb_extents_get_start (extents);
  end = pb_extents_get_end (extents);
  if (!is_power_of_2 (granule) || !is_aligned (start, granule)) {
    pb_set_error (EINVAL,
                  "alignment of extents: %" PRIu64 " is not a power of two "
                  "that divides the start of the range, 0x%" PRIx64,
                  granule, start);
    reshape_free (reshape);
    return NULL;
  }
  reshape->granule = granule;
  return pb_extents_new (start, end - start, &ops, reshape);
}

/* Coalesce. */

static int
coalesce_status (void *opaque, uint64_t offset, uint64_t end,
                 struct pb_extent *extent)
{
  struct reshape *reshape = opaque;
  struct cursor *input = &reshape->input;
  uint64_t limit = min_u64 (reshape->max_length, end - offset);
  uint64_t piece;

  if (cursor_fill (input) == -1)
    return -1;
  extent->flags = input->extent.flags;
  extent->depth = input->extent.depth;
  do {
    piece = min_u64 (input->extent.length, limit - extent->length);
    extent->length += piece;
    cursor_take (input, piece);
    if (extent->length == limit)
      return 0;

    /* The input has failed: what came before is still true, and the failure
     * is met again by the next call.
     */
    if (cursor_fill (input) == -1)
      return 0;
  } while (input->extent.flags == extent->flags
           && input->extent.depth == extent->depth);
  return 0;
}

pb_extents *
pb_extents_coalesce (pb_extents *extents, uint64_t max_length)
{
  static const struct pb_extents_ops ops = {
    .status = coalesce_status,
    .free = reshape_free,
  };
  struct reshape *reshape = reshape_new ("coalescing of extents", extents);
  uint64_t start, end;

  if (!reshape)
    return NULL;
  start = pb_extents_get_start (extents);
  end = pb_extents_get_end (extents);
  reshape->max_length = max_length ? max_length : UINT64_MAX;
  return pb_extents_new (start, end - start, &ops, reshape);
}

/* Clip. */

static int
clip_status (void *opaque, uint64_t offset, uint64_t end,
             struct pb_extent *extent)
{
  struct reshape *reshape = opaque;
  struct cursor *input = &reshape->input;

  (void) end;
  for (;;) {
    if (cursor_fill (input) == -1)
      return -1;
    if (input->extent.length > offset - input->extent.offset)
      break;
    cursor_take (input, input->extent.length);
  }
  cursor_take (input, offset - input->extent.offset);
  *extent = input->extent;
  cursor_take (input, extent->length);
  return 0;
}

pb_extents *
pb_extents_clip (pb_extents *extents, uint64_t offset, uint64_t length)
{
  static const struct pb_extents_ops ops = {
    .status = clip_status,
    .free = reshape_free,
  };
  struct reshape *reshape = reshape_new ("clipping of extents", extents);
  uint64_t start, end;

  if (!reshape)
    return NULL;
  start = pb_extents_get_start (extents);
  end = pb_extents_get_end (extents);
  if (offset < start || !range_is_inside (offset, length, end)) {
    pb_set_error (EINVAL,
                  "clipping of extents: %" PRIu64 " bytes at offset 0x%" PRIx64
                  " are not inside 0x%" PRIx64 " to 0x%" PRIx64,
                  length, offset, start, end);
    reshape_free (reshape);
    return NULL;
  }
  return pb_extents_new (offset, length, &ops, reshape);
}
