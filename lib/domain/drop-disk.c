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
#include "shared-layer.h"

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

/* The bitmaps that no checkpoint of the tree that will be has: they go. */
static int
find_left (const struct drop *drop, struct disk_bitmaps *left)
{
  const struct checkpoint_tree *before = &drop->domain->content.tree;
  const char *disk = drop->disk->name;
  const char **CLEANUP_FREE names = calloc (before->nr_nodes, sizeof names[0]);
  size_t count = 0;

  if (names == NULL) {
    set_error_errno ("disk %s", disk);
    return -1;
  }
  for (size_t i = 0; i < before->nr_nodes; i++) {
    names[count] = checkpoint_node_bitmap (before->nodes[i], disk);
    if (names[count] && !is_kept (drop, names[count]))
      count++;
  }
  return disk_bitmaps_without (left, &drop->bitmaps, names, count);
}

/* An older checkpoint whose chain NODE was a link of, and that has the disk
 * still; NULL: none.  Returns -1 on error.
 */
static int
find_stranded (const struct drop *drop, const struct checkpoint_node *node,
               const char **name)
{
  size_t count;
  struct checkpoint_node **CLEANUP_FREE stranded = bitmap_stranded (
    &drop->bitmaps, &drop->domain->content.tree, node, &count);

  if (stranded == NULL)
    return -1;
  for (size_t i = 0; i < count && *name == NULL; i++) {
    const struct checkpoint_node *after
      = checkpoint_tree_find (&drop->after.tree, stranded[i]->def.name);

    if (checkpoint_node_bitmap (after, drop->disk->name))
      *name = after->def.name;
  }
  return 0;
}

/* The same for each that is taken out. */
static int
find_one_that_is_stranded (const struct drop *drop, const char **name)
{
  const struct checkpoint_tree *before = &drop->domain->content.tree;
  const char *disk = drop->disk->name;

  for (size_t i = 0; i < before->nr_nodes && *name == NULL; i++) {
    const struct checkpoint_node *node = before->nodes[i];
    const struct checkpoint_node *after
      = checkpoint_tree_find (&drop->after.tree, node->def.name);

    if (checkpoint_node_bitmap (node, disk)
        && checkpoint_node_bitmap (after, disk) == NULL
        && find_stranded (drop, node, name) == -1)
      return -1;
  }
  return 0;
}

/* The first of those that would seem whole, now or when what has broken their
 * chain is put right; NULL: none.  Returns -1 on error.
 */
static int
find_one_that_would_seem_whole (const struct drop *drop, const char **name)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS left = { 0 };
  const struct range_state before
    = { &drop->bitmaps, &drop->domain->content.tree };
  const struct range_state after = { &left, &drop->after.tree };
  int r = 0;

  *name = NULL;
  if (find_one_that_is_stranded (drop, name) == -1
      || find_left (drop, &left) == -1)
    return -1;
  for (size_t i = 0; r == 0 && *name == NULL && i < after.tree->nr_nodes; i++) {
    r = range_check_would_seem_whole (&before, &after,
                                      after.tree->nodes[i]->def.name);
    if (r == 1)
      *name = after.tree->nodes[i]->def.name;
  }
  return r == -1 ? -1 : 0;
}

/* Each one that is taken out may be all that kept another one from seeming
 * whole.
 */
static int
drop_those_that_would_seem_whole (struct drop *drop)
{
  const char *name;

  do {
    if (find_one_that_would_seem_whole (drop, &name) == -1
        || (name && drop_from (drop, name) == -1))
      return -1;
  } while (name);
  return 0;
}

/* Where another disk shares the layer, and needs the bitmap, it stays. */
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
    int is_needed;

    remove.path = drop->bitmaps.layers[i].path;
    if (disk_layer_find (&drop->bitmaps.layers[i], bitmap) == NULL)
      continue;
    is_needed = shared_layer_has_owner (drop->domain, drop->disk->name,
                                        remove.path, bitmap);
    if (is_needed == -1)
      return -1;
    if (is_needed)
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
