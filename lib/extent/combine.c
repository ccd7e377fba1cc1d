/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* combine.c: one stream of extents out of two. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "cursor.h"
#include "error.h"
#include "extents.h"
#include "round.h"

struct pair {
  struct cursor a;
  struct cursor b;

  /* The flags and depth of a stretch that is *A in one and *B in the other. */
  void (*combine) (const struct pb_extent *a, const struct pb_extent *b,
                   struct pb_extent *extent);
};

static void
pair_free (void *opaque)
{
  struct pair *pair = opaque;

  pb_extents_free (pair->a.stream);
  pb_extents_free (pair->b.stream);
  free (pair);
}

/* Own A and B, or free them both and fail. */
static struct pair *
pair_new (const char *what, pb_extents *a, pb_extents *b)
{
  pb_extents *CLEANUP_EXTENTS first = a;
  pb_extents *CLEANUP_EXTENTS second = a == b ? NULL : b;
  struct pair *pair;

  if (!a || !b)
    return NULL; /* whoever made the NULL has set the error */
  if (a == b) {
    pb_set_error (EINVAL, "%s: the two streams are one and the same", what);
    return NULL;
  }
  if (!extents_are_untouched (a) || !extents_are_untouched (b)) {
    pb_set_error (EINVAL, "%s: a stream has been read from already", what);
    return NULL;
  }
  pair = calloc (1, sizeof *pair);
  if (!pair) {
    set_error_errno ("%s", what);
    return NULL;
  }
  pair->a.stream = STEAL (first);
  pair->b.stream = STEAL (second);
  return pair;
}

/* Concatenation. */

static int
concat_status (void *opaque, uint64_t offset, uint64_t end,
               struct pb_extent *extent)
{
  struct pair *pair = opaque;
  struct cursor *cursor
    = offset < pb_extents_get_end (pair->a.stream) ? &pair->a : &pair->b;

  (void) end;
  if (cursor_fill (cursor) == -1)
    return -1;
  *extent = cursor->extent;
  cursor_take (cursor, extent->length);
  return 0;
}

pb_extents *
pb_extents_concat (pb_extents *first, pb_extents *second)
{
  static const struct pb_extents_ops ops = {
    .status = concat_status,
    .free = pair_free,
  };
  struct pair *pair = pair_new ("concatenation of extents", first, second);
  uint64_t start, end;

  if (!pair)
    return NULL;
  start = pb_extents_get_start (first);
  end = pb_extents_get_end (first);
  if (pb_extents_get_start (second) != end) {
    pb_set_error (EINVAL,
                  "concatenation of extents: the first ends at 0x%" PRIx64
                  ", but the second starts at 0x%" PRIx64,
                  end, pb_extents_get_start (second));
    pair_free (pair);
    return NULL;
  }
  end = pb_extents_get_end (second);
  return pb_extents_new (start, end - start, &ops, pair);
}

/* Two streams over one range. */

static int
pair_status (void *opaque, uint64_t offset, uint64_t end,
             struct pb_extent *extent)
{
  struct pair *pair = opaque;

  (void) offset;
  (void) end;
  if (cursor_fill (&pair->a) == -1 || cursor_fill (&pair->b) == -1)
    return -1;
  extent->length = min_u64 (pair->a.extent.length, pair->b.extent.length);
  pair->combine (&pair->a.extent, &pair->b.extent, extent);
  cursor_take (&pair->a, extent->length);
  cursor_take (&pair->b, extent->length);
  return 0;
}

static pb_extents *
combine (const char *what, pb_extents *a, pb_extents *b,
         void (*function) (const struct pb_extent *, const struct pb_extent *,
                           struct pb_extent *))
{
  static const struct pb_extents_ops ops = {
    .status = pair_status,
    .free = pair_free,
  };
  struct pair *pair = pair_new (what, a, b);
  uint64_t start, end;

  if (!pair)
    return NULL;
  start = pb_extents_get_start (a);
  end = pb_extents_get_end (a);
  if (pb_extents_get_start (b) != start || pb_extents_get_end (b) != end) {
    pb_set_error (EINVAL,
                  "%s: one stream is from 0x%" PRIx64 " to 0x%" PRIx64
                  ", the other from 0x%" PRIx64 " to 0x%" PRIx64,
                  what, start, end, pb_extents_get_start (b),
                  pb_extents_get_end (b));
    pair_free (pair);
    return NULL;
  }
  pair->combine = function;
  return pb_extents_new (start, end - start, &ops, pair);
}

static void
dirty_in_either (const struct pb_extent *a, const struct pb_extent *b,
                 struct pb_extent *extent)
{
  extent->flags = (a->flags | b->flags) & PB_EXTENT_DIRTY;
}

static void
dirty_in_both (const struct pb_extent *a, const struct pb_extent *b,
               struct pb_extent *extent)
{
  extent->flags = a->flags & b->flags & PB_EXTENT_DIRTY;
}

static void
dirty_over_allocation (const struct pb_extent *dirty,
                       const struct pb_extent *allocation,
                       struct pb_extent *extent)
{
  uint32_t other_flags = allocation->flags & ~(uint32_t) PB_EXTENT_DIRTY;

  extent->flags = (dirty->flags & PB_EXTENT_DIRTY) | other_flags;
  extent->depth = allocation->depth;
}

pb_extents *
pb_extents_union (pb_extents *a, pb_extents *b)
{
  return combine ("union of extents", a, b, dirty_in_either);
}

pb_extents *
pb_extents_intersection (pb_extents *a, pb_extents *b)
{
  return combine ("intersection of extents", a, b, dirty_in_both);
}

pb_extents *
pb_extents_overlay (pb_extents *dirty, pb_extents *allocation)
{
  return combine ("overlay of extents", dirty, allocation,
                  dirty_over_allocation);
}
