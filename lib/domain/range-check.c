/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* range-check.c: a change of the tree, held against what each checkpoint that
 * stays says of its changes.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "error.h"
#include "range-check.h"

const char *
checkpoint_node_bitmap (const struct checkpoint_node *node, const char *disk)
{
  const struct checkpoint_disk *entry
    = checkpoint_def_find_disk (&node->def, disk);

  return entry && entry->kind == CHECKPOINT_DISK_BITMAP ? entry->bitmap : NULL;
}

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

int
range_check (const struct disk_bitmaps *bitmaps,
             const struct checkpoint_tree *before,
             const struct checkpoint_tree *after, unsigned flags)
{
  for (size_t i = 0; i < after->nr_nodes; i++) {
    const struct checkpoint_node *node = after->nodes[i];
    const struct checkpoint_node *as_it_is
      = checkpoint_tree_find (before, node->def.name);
    struct bitmap_range CLEANUP_BITMAP_RANGE old = { 0 };
    struct bitmap_range CLEANUP_BITMAP_RANGE new = { 0 };

    if (as_it_is == NULL
        || checkpoint_node_bitmap (as_it_is, bitmaps->disk) == NULL
        || checkpoint_node_bitmap (node, bitmaps->disk) == NULL)
      continue;
    if (bitmap_range_find (&old, bitmaps, before, as_it_is) == -1
        || bitmap_range_find (&new, bitmaps, after, node) == -1
        || check_ranges (bitmaps->disk, node->def.name, &old, &new, flags)
             == -1)
      return -1;
  }
  return 0;
}
