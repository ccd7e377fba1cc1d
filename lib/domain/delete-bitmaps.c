/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* delete-bitmaps.c: what becomes of the bitmaps of checkpoints that are
 * deleted.
 *
 * By itself, a bitmap is removed from every layer of its disk's backing chain.
 * Where an older checkpoint's changes are spread over a chain of bitmaps, what
 * the removed one has is merged into the nearest older one that stays.  And
 * where such a chain has a bitmap that cannot be used, its checkpoint is what
 * tells of the gap: it must not go while an older one would then seem whole.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "delete.h"
#include "error.h"

/* The bitmap that NODE has on the disk called DISK, or NULL. */
static const char *
bitmap_on_disk (const struct checkpoint_node *node, const char *disk)
{
  const struct checkpoint_disk *entry
      = checkpoint_def_find_disk (&node->def, disk);

  return entry && entry->kind == CHECKPOINT_DISK_BITMAP ? entry->bitmap : NULL;
}

static bool
deletes_on_disk (const struct deletion *deletion, const char *disk)
{
  for (size_t i = 0; i < deletion->nr_nodes; i++)
    if (bitmap_on_disk (deletion->nodes[i], disk))
      return true;
  return false;
}

/* Could a checkpoint that stays have its changes spread over a chain? */
static bool
may_have_chain (const struct deletion *deletion, const char *disk)
{
  const struct checkpoint_tree *tree = &deletion->domain->content.tree;

  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (!deletion_has (deletion, tree->nodes[i])
        && !tree->nodes[i]->def.independent
        && bitmap_on_disk (tree->nodes[i], disk))
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

/* What STAYS knows of its changes must not become less than it should be: it
 * may well become nothing at all.  Parts that a deletion takes out of a range
 * are merged into it, unless the bitmaps are left alone.
 */
static int
check_one_that_stays (const struct deletion *deletion,
                      const struct disk_bitmaps *bitmaps,
                      const struct checkpoint_node *stays)
{
  struct bitmap_range CLEANUP_BITMAP_RANGE before = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE after = { 0 };
  const struct checkpoint_node *as_it_will_be
      = checkpoint_tree_find (&deletion->after.tree, stays->def.name);

  if (bitmap_range_find (&before, bitmaps, &deletion->domain->content.tree,
                         stays)
          == -1
      || bitmap_range_find (&after, bitmaps, &deletion->after.tree,
                            as_it_will_be)
             == -1)
    return -1;
  if (!after.is_known)
    return 0;
  if (!before.is_known) {
    pb_set_error (ESTALE,
                  "disk %s: checkpoint %s is older, and its changes are not "
                  "known (%s), which would be forgotten; delete it first",
                  bitmaps->disk, stays->def.name, before.reason);
    return -1;
  }
  if (deletion->metadata_only && loses_part (&before, &after)) {
    pb_set_error (EBUSY,
                  "disk %s: the changes since checkpoint %s are in bitmaps of "
                  "what would be forgotten; delete it with its bitmaps, which "
                  "merges them, or delete %s first",
                  bitmaps->disk, stays->def.name, stays->def.name);
    return -1;
  }
  return 0;
}

static int
check_those_that_stay (const struct deletion *deletion,
                       const struct disk_bitmaps *bitmaps)
{
  const struct checkpoint_tree *tree = &deletion->domain->content.tree;

  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (!deletion_has (deletion, tree->nodes[i])
        && bitmap_on_disk (tree->nodes[i], bitmaps->disk)
        && check_one_that_stays (deletion, bitmaps, tree->nodes[i]) == -1)
      return -1;
  return 0;
}

/* The nearest older checkpoint that stays and needs the bitmaps of NODE; NULL
 * where there is none.  Returns -1 on error.
 */
static int
find_heir (const struct deletion *deletion, const struct disk_bitmaps *bitmaps,
           const struct checkpoint_node *node,
           const struct checkpoint_node **heir)
{
  struct checkpoint_node **dependents;
  size_t count;

  *heir = NULL;
  dependents = bitmap_dependents (bitmaps, &deletion->domain->content.tree,
                                  node, &count);
  if (dependents == NULL)
    return -1;
  for (size_t i = 0; i < count && *heir == NULL; i++)
    if (!deletion_has (deletion, dependents[i]))
      *heir = dependents[i];
  free (dependents);
  return 0;
}

/* Does a checkpoint that stays call this bitmap its own as well? */
static bool
is_shared (const struct deletion *deletion, const char *disk,
           const char *bitmap)
{
  const struct checkpoint_tree *tree = &deletion->domain->content.tree;

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const char *other = bitmap_on_disk (tree->nodes[i], disk);

    if (!deletion_has (deletion, tree->nodes[i]) && other
        && strcmp (other, bitmap) == 0)
      return true;
  }
  return false;
}

/* In one layer that has the bitmap of a deleted checkpoint. */
static int
add_layer_actions (const struct disk_bitmaps *bitmaps,
                   const struct disk_layer *layer, const char *bitmap,
                   const char *heir, struct commit *commit)
{
  struct bitmap_action remove = { .kind = BITMAP_ACTION_REMOVE,
                                  .disk = bitmaps->disk,
                                  .path = layer->path,
                                  .bitmap = (char *)bitmap };
  struct bitmap_action merge = { .kind = BITMAP_ACTION_MERGE,
                                 .disk = bitmaps->disk,
                                 .path = layer->path,
                                 .bitmap = (char *)heir,
                                 .source = (char *)bitmap };

  if (heir && commit_add_before (commit, &merge) == -1)
    return -1;
  return commit_add_after (commit, &remove);
}

/* What is gone already counts as deleted. */
static int
add_node_actions (const struct deletion *deletion,
                  const struct domain_disk *disk,
                  const struct disk_bitmaps *bitmaps,
                  const struct checkpoint_node *node, struct commit *commit)
{
  const char *bitmap = bitmap_on_disk (node, disk->name);
  const struct checkpoint_node *heir;

  if (bitmap == NULL || is_shared (deletion, disk->name, bitmap))
    return 0;
  if (find_heir (deletion, bitmaps, node, &heir) == -1)
    return -1;
  for (size_t i = 0; i < bitmaps->nr_layers; i++) {
    const struct disk_layer *layer = &bitmaps->layers[i];

    if (layer->damage) {
      pb_set_error (EIO,
                    "disk %s: %s: its bitmaps are damaged (%s), and cannot be "
                    "removed; see qemu-img check, or leave the bitmaps alone "
                    "(PB_CHECKPOINT_DELETE_METADATA_ONLY)",
                    disk->name, layer->path, layer->damage);
      return -1;
    }
    if (disk_layer_find (layer, bitmap) == NULL)
      continue;
    if (deletion->domain->driver->check_writable (
            disk, layer->path, domain_image_flags (deletion->domain))
            == -1
        || add_layer_actions (bitmaps, layer, bitmap,
                              heir ? bitmap_on_disk (heir, disk->name) : NULL,
                              commit)
               == -1)
      return -1;
  }
  return 0;
}

static int
add_disk_actions (const struct deletion *deletion,
                  const struct domain_disk *disk, struct commit *commit)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };

  if (deletion->domain->driver->inspect (
          disk, domain_image_flags (deletion->domain), &bitmaps)
      == -1) {
    prefix_error ("disk %s", disk->name);
    return -1;
  }
  if (check_those_that_stay (deletion, &bitmaps) == -1)
    return -1;
  for (size_t i = 0; !deletion->metadata_only && i < deletion->nr_nodes; i++)
    if (add_node_actions (deletion, disk, &bitmaps, deletion->nodes[i], commit)
        == -1)
      return -1;
  return 0;
}

int
deletion_add_bitmaps (const struct deletion *deletion, struct commit *commit)
{
  const struct domain_def *def = &deletion->domain->def;

  for (size_t i = 0; i < def->nr_disks; i++) {
    const struct domain_disk *disk = &def->disks[i];

    if (disk->path == NULL || disk->unsupported
        || !deletes_on_disk (deletion, disk->name))
      continue;
    if (deletion->metadata_only && !may_have_chain (deletion, disk->name))
      continue;
    if (add_disk_actions (deletion, disk, commit) == -1)
      return -1;
  }
  return 0;
}
