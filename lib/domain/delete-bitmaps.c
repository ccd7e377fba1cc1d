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
#include "range-check.h"

static bool
deletes_on_disk (const struct deletion *deletion, const char *disk)
{
  for (size_t i = 0; i < deletion->nr_nodes; i++)
    if (checkpoint_node_bitmap (deletion->nodes[i], disk))
      return true;
  return false;
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
    const char *other = checkpoint_node_bitmap (tree->nodes[i], disk);

    if (!deletion_has (deletion, tree->nodes[i]) && other
        && strcmp (other, bitmap) == 0)
      return true;
  }
  return false;
}

/* Without it, a crash would leave the heir's bitmap half of what it is to be.
 */
static enum bitmap_action_undo
undo_of_merge (const struct disk_layer *layer, const char *heir,
               const char *bitmap)
{
  const struct layer_bitmap *target = disk_layer_find (layer, heir);

  if (target == NULL)
    return BITMAP_UNDO_REMOVE;
  return !target->enabled && disk_layer_find (layer, bitmap)->enabled
           ? BITMAP_UNDO_DISABLE
           : BITMAP_UNDO_NOTHING;
}

/* With the bitmap that records, the heir gets to record too, and counts as
 * whole from then on, also where a crash stops everything there.  So that one
 * comes last: the newest of the deleted ones, in the top layer.
 */
static int
add_merges (const struct disk_bitmaps *bitmaps, const char *bitmap,
            const char *heir, struct commit *commit)
{
  struct bitmap_action merge = { .kind = BITMAP_ACTION_MERGE,
                                 .disk = bitmaps->disk,
                                 .bitmap = (char *) heir,
                                 .source = (char *) bitmap };

  for (size_t i = bitmaps->nr_layers; i-- > 0;) {
    const struct disk_layer *layer = &bitmaps->layers[i];

    if (disk_layer_find (layer, bitmap) == NULL)
      continue;
    merge.path = layer->path;
    merge.undo = undo_of_merge (layer, heir, bitmap);
    if (commit_add_before (commit, &merge) == -1)
      return -1;
  }
  return 0;
}

/* From the top one down: what is left in lower layers only is never taken for
 * a whole bitmap.
 */
static int
add_removals (const struct disk_bitmaps *bitmaps, const char *bitmap,
              struct commit *commit)
{
  struct bitmap_action remove = { .kind = BITMAP_ACTION_REMOVE,
                                  .disk = bitmaps->disk,
                                  .bitmap = (char *) bitmap };

  for (size_t i = 0; i < bitmaps->nr_layers; i++) {
    if (disk_layer_find (&bitmaps->layers[i], bitmap) == NULL)
      continue;
    remove.path = bitmaps->layers[i].path;
    if (commit_add_after (commit, &remove) == -1)
      return -1;
  }
  return 0;
}

/* Could the bitmap be changed wherever it is? */
static int
check_layers (const struct deletion *deletion, const struct domain_disk *disk,
              const struct disk_bitmaps *bitmaps, const char *bitmap)
{
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
    if (disk_layer_find (layer, bitmap)
        && deletion->domain->driver->check_writable (
             disk, layer->path, domain_image_flags (deletion->domain))
             == -1)
      return -1;
  }
  return 0;
}

/* Is it the checkpoint's own bitmap, and not an equally named one of another
 * disk?
 */
static int
check_place (const struct disk_bitmaps *bitmaps,
             const struct checkpoint_node *node)
{
  const struct disk_layer *misplaced
    = disk_bitmaps_find_misplaced (bitmaps, node);

  if (misplaced == NULL)
    return 0;
  pb_set_error (
    ESTALE,
    "disk %s: the bitmap of checkpoint %s was made in %s, and that "
    "in %s may be somebody else's; leave the bitmaps alone "
    "(PB_CHECKPOINT_DELETE_METADATA_ONLY)",
    bitmaps->disk, node->def.name,
    checkpoint_def_find_disk (&node->def, bitmaps->disk)->made_in.path,
    misplaced->path);
  return -1;
}

/* What is gone already counts as deleted. */
static int
add_node_actions (const struct deletion *deletion,
                  const struct domain_disk *disk,
                  const struct disk_bitmaps *bitmaps,
                  const struct checkpoint_node *node, struct commit *commit)
{
  const char *bitmap = checkpoint_node_bitmap (node, disk->name);
  const struct checkpoint_node *heir;

  if (bitmap == NULL || is_shared (deletion, disk->name, bitmap))
    return 0;
  if (check_place (bitmaps, node) == -1
      || find_heir (deletion, bitmaps, node, &heir) == -1)
    return -1;
  if (check_layers (deletion, disk, bitmaps, bitmap) == -1
      || (heir
          && add_merges (bitmaps, bitmap,
                         checkpoint_node_bitmap (heir, disk->name), commit)
               == -1))
    return -1;
  return add_removals (bitmaps, bitmap, commit);
}

/* An older checkpoint of a broken chain must not outlive a link of it: once
 * what breaks the chain is put right, the link's changes would be missing, and
 * nothing would tell of that.
 */
static int
check_stranded (const struct deletion *deletion,
                const struct disk_bitmaps *bitmaps,
                const struct checkpoint_node *node)
{
  size_t count;
  struct checkpoint_node **CLEANUP_FREE stranded
    = bitmap_stranded (bitmaps, &deletion->domain->content.tree, node, &count);

  if (stranded == NULL)
    return -1;
  for (size_t i = 0; i < count; i++)
    if (!deletion_has (deletion, stranded[i])) {
      pb_set_error (ESTALE,
                    "disk %s: the changes since the older checkpoint %s are "
                    "spread over a chain of bitmaps that has been broken, and "
                    "would lose those of %s as well; delete %s first",
                    bitmaps->disk, stranded[i]->def.name, node->def.name,
                    stranded[i]->def.name);
      return -1;
    }
  return 0;
}

/* Do those that stay know no less than they should, when the bitmaps of the
 * others are gone?
 */
static int
check_those_that_stay (const struct deletion *deletion,
                       const struct disk_bitmaps *bitmaps)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS left = { 0 };
  const char **CLEANUP_FREE names
    = calloc (deletion->nr_nodes, sizeof names[0]);
  size_t count = 0;

  if (names == NULL) {
    set_error_errno ("disk %s", bitmaps->disk);
    return -1;
  }
  for (size_t i = 0; i < deletion->nr_nodes; i++)
    if (check_stranded (deletion, bitmaps, deletion->nodes[i]) == -1)
      return -1;
  for (size_t i = 0; !deletion->metadata_only && i < deletion->nr_nodes; i++) {
    names[count] = checkpoint_node_bitmap (deletion->nodes[i], bitmaps->disk);
    if (names[count] && !is_shared (deletion, bitmaps->disk, names[count]))
      count++;
  }
  if (disk_bitmaps_without (&left, bitmaps, names, count) == -1)
    return -1;
  return range_check (
    &(struct range_state){ bitmaps, &deletion->domain->content.tree },
    &(struct range_state){ &left, &deletion->after.tree },
    deletion->metadata_only ? 0 : RANGE_CHECK_MERGED);
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
    if (deletion->metadata_only
        && !range_check_is_needed (&deletion->after.tree, disk->name))
      continue;
    if (add_disk_actions (deletion, disk, commit) == -1)
      return -1;
  }
  return 0;
}
