/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-range.c: which bitmaps say what has changed since a checkpoint, and
 * who needs a bitmap for that.
 *
 * A bitmap that is one of a chain is dealt with in bitmap-chain.c; another one
 * is taken as independent, and then says all by itself, or nothing.
 */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap-range.h"
#include "error.h"

int
bitmap_range_not_known (struct bitmap_range *range, enum pb_finding_kind kind,
                        const char *format, ...)
{
  bool is_chain = range->is_chain;
  va_list args;
  int r;

  bitmap_range_clear (range);
  range->is_chain = is_chain;
  range->kind = kind;
  va_start (args, format);
  r = vasprintf (&range->reason, format, args);
  va_end (args);
  if (r == -1) {
    range->reason = NULL;
    pb_set_error (ENOMEM, "bitmaps of a disk: out of memory");
    return -1;
  }
  return 0;
}

int
bitmap_range_add_part (struct bitmap_range *range, size_t layer,
                       const char *name)
{
  struct bitmap_range_part *parts
    = reallocarray (range->parts, range->nr_parts + 1, sizeof range->parts[0]);
  char *copy = strdup (name);

  if (parts)
    range->parts = parts;
  if (parts == NULL || copy == NULL) {
    set_error_errno ("bitmap %s", name);
    free (copy);
    bitmap_range_clear (range);
    return -1;
  }
  parts[range->nr_parts++]
    = (struct bitmap_range_part) { .layer = layer, .bitmap = copy };
  return 0;
}

int
bitmap_range_judge_damage (struct bitmap_range *range,
                           const struct disk_bitmaps *bitmaps, const char *name)
{
  for (size_t i = 0; i < bitmaps->nr_layers; i++)
    if (bitmaps->layers[i].damage)
      return bitmap_range_not_known (
        range, PB_FINDING_BITMAP_DAMAGED,
        "bitmap %s: the bitmap directory of %s is damaged: %s", name,
        bitmaps->layers[i].path, bitmaps->layers[i].damage);
  return 1;
}

int
bitmap_range_not_known_for (struct bitmap_range *range,
                            const struct disk_layer *layer,
                            const struct layer_bitmap *bitmap)
{
  return bitmap_range_not_known (
    range,
    bitmap->in_use ? PB_FINDING_BITMAP_IN_USE : PB_FINDING_BITMAP_DAMAGED,
    "bitmap %s in %s: %s", bitmap->name, layer->path, bitmap->reason);
}

/*** Independent bitmaps. ***/

/* The layer below the COUNT top ones that has the bitmap as well, or NULL. */
static const struct disk_layer *
find_below (const struct disk_bitmaps *bitmaps, size_t count, const char *name)
{
  for (size_t i = count; i < bitmaps->nr_layers; i++)
    if (disk_layer_find (&bitmaps->layers[i], name))
      return &bitmaps->layers[i];
  return NULL;
}

int
bitmap_range_independent (struct bitmap_range *range,
                          const struct disk_bitmaps *bitmaps, const char *name)
{
  const struct disk_layer *layer;
  const struct layer_bitmap *bitmap;
  size_t count;
  int r;

  *range = (struct bitmap_range) { 0 };
  r = bitmap_range_judge_damage (range, bitmaps, name);
  if (r != 1)
    return r;
  for (count = 0; count < bitmaps->nr_layers; count++) {
    layer = &bitmaps->layers[count];
    bitmap = disk_layer_find (layer, name);
    if (bitmap == NULL)
      break;
    if (bitmap->reason)
      return bitmap_range_not_known_for (range, layer, bitmap);
    if (!bitmap->enabled)
      return bitmap_range_not_known (range, PB_FINDING_BITMAP_DISABLED,
                                     "bitmap %s in %s: it has been disabled",
                                     name, layer->path);
    if (bitmap_range_add_part (range, count, name) == -1)
      return -1;
  }
  layer = find_below (bitmaps, count, name);
  if (layer)
    return bitmap_range_not_known (
      range, PB_FINDING_BITMAP_GAP,
      "bitmap %s: %s has it, but above that %s lacks it", name, layer->path,
      bitmaps->layers[count].path);
  if (count == 0)
    return bitmap_range_not_known (range, PB_FINDING_BITMAP_MISSING,
                                   "bitmap %s: no layer of the disk has it",
                                   name);
  range->is_known = true;
  return 0;
}

int
bitmap_range_find (struct bitmap_range *range,
                   const struct disk_bitmaps *bitmaps,
                   const struct checkpoint_tree *tree,
                   const struct checkpoint_node *node)
{
  const char *name = checkpoint_node_bitmap (node, bitmaps->disk);
  const struct disk_layer *misplaced;

  *range = (struct bitmap_range) { 0 };
  if (name == NULL)
    return bitmap_range_not_known (range, PB_FINDING_BITMAP_MISSING,
                                   "checkpoint %s has no bitmap on this disk",
                                   node->def.name);
  if (checkpoint_node_is_foreign (tree, node))
    return bitmap_range_not_known (range, PB_FINDING_FOREIGN_DOMAIN,
                                   "checkpoint %s is of the domain with uuid "
                                   "%s, and this one is %s",
                                   node->def.name, node->def.domain_uuid,
                                   tree->domain_uuid);
  misplaced = disk_bitmaps_find_misplaced (bitmaps, node);
  if (misplaced)
    return bitmap_range_not_known (
      range, PB_FINDING_IMAGE_REPLACED,
      "bitmap %s was made in %s, and the lowest layer of the disk that has it "
      "is %s: an image that had it too has been replaced, or this is another "
      "disk",
      name, checkpoint_def_find_disk (&node->def, bitmaps->disk)->made_in.path,
      misplaced->path);
  return bitmap_chain_has (bitmaps, node)
           ? bitmap_chain_find (range, bitmaps, tree, node)
           : bitmap_range_independent (range, bitmaps, name);
}

/*** Who needs a bitmap. ***/

static bool
has_part (const struct bitmap_range *range, const char *bitmap)
{
  for (size_t i = 0; i < range->nr_parts; i++)
    if (strcmp (range->parts[i].bitmap, bitmap) == 0)
      return true;
  return false;
}

/* The ancestors of NODE, nearest first, whose range has its bitmap as a part;
 * or, if STRANDED, whose range is not known though they are links of a chain.
 */
static struct checkpoint_node **
list_ancestors (const struct disk_bitmaps *bitmaps,
                const struct checkpoint_tree *tree,
                const struct checkpoint_node *node, bool stranded,
                size_t *count)
{
  const char *name = checkpoint_node_bitmap (node, bitmaps->disk);
  struct checkpoint_node **CLEANUP_FREE list = NULL;
  struct checkpoint_node *ancestor;
  size_t depth = 0;

  *count = 0;
  for (ancestor = node->parent; ancestor; ancestor = ancestor->parent)
    depth++;
  list = calloc (depth + 1, sizeof list[0]);
  if (list == NULL) {
    set_error_errno ("checkpoint %s", node->def.name);
    return NULL;
  }
  for (ancestor = node->parent; name && ancestor; ancestor = ancestor->parent) {
    struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };

    if (bitmap_range_find (&range, bitmaps, tree, ancestor) == -1)
      return NULL;
    if (stranded ? range.is_chain && !range.is_known : has_part (&range, name))
      list[(*count)++] = ancestor;
  }
  return STEAL (list);
}

struct checkpoint_node **
bitmap_dependents (const struct disk_bitmaps *bitmaps,
                   const struct checkpoint_tree *tree,
                   const struct checkpoint_node *node, size_t *count)
{
  return list_ancestors (bitmaps, tree, node, false, count);
}

struct checkpoint_node **
bitmap_stranded (const struct disk_bitmaps *bitmaps,
                 const struct checkpoint_tree *tree,
                 const struct checkpoint_node *node, size_t *count)
{
  return list_ancestors (bitmaps, tree, node, true, count);
}
