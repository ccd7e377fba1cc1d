/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* range-check.c: a change of the tree, held against what each checkpoint that
 * stays says of its changes.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "error.h"
#include "range-check.h"

bool
range_check_is_needed (const struct checkpoint_tree *after, const char *disk)
{
  for (size_t i = 0; i < after->nr_nodes; i++)
    if (!after->nodes[i]->def.independent
        && checkpoint_node_bitmap (after->nodes[i], disk))
      return true;
  return false;
}

static bool
range_has (const struct bitmap_range *range,
           const struct bitmap_range_part *part)
{
  for (size_t i = 0; i < range->nr_parts; i++)
    if (range->parts[i].layer == part->layer
        && strcmp (range->parts[i].bitmap, part->bitmap) == 0)
      return true;
  return false;
}

/* Does BEFORE have a part that AFTER lacks? */
static bool
loses_part (const struct bitmap_range *before, const struct bitmap_range *after)
{
  for (size_t i = 0; i < before->nr_parts; i++)
    if (!range_has (after, &before->parts[i]))
      return true;
  return false;
}

static int
check_ranges (const char *disk, const char *name,
              const struct bitmap_range *before,
              const struct bitmap_range *after, unsigned flags)
{
  if (!after->is_known)
    return 0;
  if (!before->is_known) {
    if (flags & RANGE_CHECK_MAY_BE_FOUND)
      return 0;
    pb_set_error (ESTALE,
                  "disk %s: the changes since the older checkpoint %s are not "
                  "known (%s), and nothing would tell of that any more; "
                  "delete %s first",
                  disk, name, before->reason, name);
    return -1;
  }
  if (!(flags & RANGE_CHECK_MERGED) && loses_part (before, after)) {
    pb_set_error (EBUSY,
                  "disk %s: the changes since the older checkpoint %s are in "
                  "the bitmaps of this one too, and would be lost to it; "
                  "delete this one with its bitmaps, which merges them, or "
                  "delete %s first",
                  disk, name, name);
    return -1;
  }
  return 0;
}

/* The range of the checkpoint called NAME, which has a bitmap there.  Returns 0
 * where it has not, 1 where it has, or -1.
 */
static int
find_range (const struct range_state *state, const char *name,
            struct bitmap_range *range)
{
  const struct checkpoint_node *node = checkpoint_tree_find (state->tree, name);

  if (node == NULL
      || checkpoint_node_bitmap (node, state->bitmaps->disk) == NULL)
    return 0;
  return bitmap_range_find (range, state->bitmaps, state->tree, node) == -1 ? -1
                                                                            : 1;
}

int
range_check (const struct range_state *before, const struct range_state *after,
             unsigned flags)
{
  for (size_t i = 0; i < after->tree->nr_nodes; i++) {
    const char *name = after->tree->nodes[i]->def.name;
    struct bitmap_range CLEANUP_BITMAP_RANGE old = { 0 };
    struct bitmap_range CLEANUP_BITMAP_RANGE new = { 0 };
    int had = find_range (before, name, &old);
    int has = find_range (after, name, &new);

    if (had == -1 || has == -1)
      return -1;
    if (had && has
        && check_ranges (before->bitmaps->disk, name, &old, &new, flags) == -1)
      return -1;
  }
  return 0;
}

int
range_check_would_seem_whole (const struct range_state *before,
                              const struct range_state *after, const char *name)
{
  struct bitmap_range CLEANUP_BITMAP_RANGE old = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE new = { 0 };
  int had = find_range (before, name, &old);
  int has = find_range (after, name, &new);

  if (had == -1 || has == -1)
    return -1;
  return had && has && !old.is_known && new.is_known;
}
