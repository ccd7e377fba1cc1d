/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* drop-disk.c: a disk taken out of checkpoints that cannot say any more what
 * has changed on it.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "cleanup.h"
#include "drop-disk.h"
#include "error.h"
#include "query.h"
#include "range-check.h"

/* What is planned: the tree as it is, and as it will be. */
struct drop {
  const pb_domain *domain;
  const struct domain_disk *disk;
  struct disk_bitmaps bitmaps;
  struct store_content after;
};

/* In the tree that will be. */
static int
drop_from (struct drop *drop, const char *name)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };
  const struct checkpoint_node *node
    = checkpoint_tree_find (&drop->after.tree, name);

  if (checkpoint_def_copy (&def, &node->def) == -1
      || checkpoint_def_set_disk (&def, drop->disk->name, CHECKPOINT_DISK_NO,
                                  NULL)
           == -1)
    return -1;
  return checkpoint_tree_put (&drop->after.tree, &def);
}

/* 1 where the changes since NODE were not known, and would seem to be. */
static int
would_seem_whole (const struct drop *drop, const struct checkpoint_node *node)
{
  struct bitmap_range CLEANUP_BITMAP_RANGE before = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE after = { 0 };
  const struct checkpoint_node *as_it_is
    = checkpoint_tree_find (&drop->domain->content.tree, node->def.name);

  if (bitmap_range_find (&before, &drop->bitmaps, &drop->domain->content.tree,
                         as_it_is)
        == -1
      || bitmap_range_find (&after, &drop->bitmaps, &drop->after.tree, node)
           == -1)
    return -1;
  return !before.is_known && after.is_known;
}

/* Each one that is taken out may be all that kept another one from seeming
 * whole.
 */
static int
drop_those_that_would_seem_whole (struct drop *drop)
{
  const struct checkpoint_tree *after = &drop->after.tree;
  bool again = true;

  while (again) {
    again = false;
    for (size_t i = 0; i < after->nr_nodes; i++) {
      int r = checkpoint_node_bitmap (after->nodes[i], drop->disk->name)
                ? would_seem_whole (drop, after->nodes[i])
                : 0;

      if (r == -1
          || (r == 1 && drop_from (drop, after->nodes[i]->def.name) == -1))
        return -1;
      again |= r == 1;
    }
  }
  return 0;
}

/* Does a checkpoint that keeps the disk call this bitmap its own? */
static bool
is_kept (const struct drop *drop, const char *bitmap)
{
  const struct checkpoint_tree *after = &drop->after.tree;

  for (size_t i = 0; i < after->nr_nodes; i++) {
    const char *own
      = checkpoint_node_bitmap (after->nodes[i], drop->disk->name);

    if (own && strcmp (own, bitmap) == 0)
      return true;
  }
  return false;
}

static int
remove_bitmap (const struct drop *drop, const char *bitmap,
               struct commit *commit)
{
  struct bitmap_action remove = { .kind = BITMAP_ACTION_REMOVE,
                                  .disk = drop->disk->name,
                                  .bitmap = (char *) bitmap };

  if (is_kept (drop, bitmap))
    return 0;
  for (size_t i = 0; i < drop->bitmaps.nr_layers; i++) {
    remove.path = drop->bitmaps.layers[i].path;
    if (disk_layer_find (&drop->bitmaps.layers[i], bitmap) == NULL)
      continue;
    if (drop->domain->driver->check_writable (drop->disk, remove.path,
                                              domain_image_flags (drop->domain))
          == -1
        || commit_add_after (commit, &remove) == -1)
      return -1;
  }
  return 0;
}

/* Each checkpoint that has lost the disk. */
static int
add_to_commit (const struct drop *drop, struct commit *commit)
{
  const struct checkpoint_tree *before = &drop->domain->content.tree;

  for (size_t i = 0; i < before->nr_nodes; i++) {
    const struct checkpoint_node *node = before->nodes[i];
    const struct checkpoint_node *after
      = checkpoint_tree_find (&drop->after.tree, node->def.name);

    if (!checkpoint_node_bitmap (node, drop->disk->name)
        || checkpoint_node_bitmap (after, drop->disk->name))
      continue;
    if (change_put_checkpoint (commit, &after->def) == -1
        || remove_bitmap (drop, checkpoint_node_bitmap (node, drop->disk->name),
                          commit)
             == -1)
      return -1;
  }
  return 0;
}

int
domain_drop_disk (pb_domain *domain, const char *name, const char *disk)
{
  struct commit CLEANUP_COMMIT commit = { 0 };
  struct drop drop = { .domain = domain };
  int r = -1;

  drop.disk = domain_get_image_disk (domain, disk);
  if (drop.disk == NULL)
    return -1;
  if (domain->driver->inspect (drop.disk, domain_image_flags (domain),
                               &drop.bitmaps)
        == 0
      && store_load (&domain->store, &drop.after) == 0
      && drop_from (&drop, name) == 0
      && drop_those_that_would_seem_whole (&drop) == 0
      && change_start (&commit, "taking disk %s out of checkpoint %s", disk,
                       name)
           == 0
      && add_to_commit (&drop, &commit) == 0)
    r = domain_commit (domain, &commit);
  store_content_clear (&drop.after);
  disk_bitmaps_clear (&drop.bitmaps);
  return r;
}
