/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* open-view.c: a view of one of a domain's disks, with a map of what changed
 * since each checkpoint.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cleanup.h"
#include "error.h"
#include "query.h"
#include "range-check.h"

static void
free_maps (struct since_map *maps, size_t nr_maps)
{
  for (size_t i = 0; i < nr_maps; i++) {
    free (maps[i].name);
    bitmap_range_clear (&maps[i].range);
  }
  free (maps);
}

/* Checkpoints that never had a bitmap on the disk have no map. */
static int
find_maps (const pb_domain *domain, const struct disk_bitmaps *bitmaps,
           struct since_map *maps, size_t *nr_maps)
{
  const struct checkpoint_tree *tree = &domain->content.tree;

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const struct checkpoint_node *node = tree->nodes[i];
    struct since_map *map = &maps[*nr_maps];

    if (checkpoint_node_bitmap (node, bitmaps->disk) == NULL)
      continue;
    if (asprintf (&map->name, "since:%s", node->def.name) == -1) {
      map->name = NULL;
      set_error_errno ("disk %s", bitmaps->disk);
      return -1;
    }
    (*nr_maps)++;
    if (bitmap_range_find (&map->range, bitmaps, tree, node) == -1)
      return -1;
  }
  return 0;
}

pb_view *
pb_domain_open_view (pb_domain *domain, const char *name, unsigned flags)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  const struct domain_disk *disk;
  struct since_map *maps;
  size_t nr_maps = 0;

  if (check_not_null (__func__, "domain", domain) == -1
      || check_not_null (__func__, "name", name) == -1
      || check_flags (__func__, flags,
                      PB_IMAGE_DATA_FILE | PB_IMAGE_ALLOW_WRITER)
           == -1)
    return NULL;
  flags |= domain_image_flags (domain);

  LOCK_CURRENT_SCOPE (&domain->lock);
  disk = domain_get_image_disk (domain, name);
  if (disk == NULL)
    return NULL;
  if (domain->driver->inspect (disk, flags, &bitmaps) == -1) {
    prefix_error ("disk %s", name);
    return NULL;
  }
  maps = calloc (domain->content.tree.nr_nodes + 1, sizeof *maps);
  if (maps == NULL) {
    set_error_errno ("disk %s", name);
    return NULL;
  }
  if (find_maps (domain, &bitmaps, maps, &nr_maps) == -1) {
    free_maps (maps, nr_maps);
    return NULL;
  }
  return at_rest_view_open (disk, flags, &bitmaps, maps, nr_maps);
}
