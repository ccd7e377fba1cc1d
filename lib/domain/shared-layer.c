/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* shared-layer.c: images that are layers of several disks, as the base image
 * of two overlays is.
 */

#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "disk-bitmaps.h"
#include "driver.h"
#include "error.h"
#include "shared-layer.h"

static bool
has_checkpoint (const struct checkpoint_tree *tree, const char *disk,
                const char *bitmap)
{
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const char *own = checkpoint_node_bitmap (tree->nodes[i], disk);

    if (own && strcmp (own, bitmap) == 0)
      return true;
  }
  return false;
}

/* By what the names lead to: one may be a link to the other. */
static int
is_same_image (const char *path, const struct stat *st, const char *other)
{
  struct stat other_st;

  if (strcmp (path, other) == 0)
    return 1;
  if (stat (other, &other_st) == -1) {
    set_error_errno ("%s", other);
    return -1;
  }
  return S_ISBLK (st->st_mode) && S_ISBLK (other_st.st_mode)
           ? st->st_rdev == other_st.st_rdev
           : st->st_dev == other_st.st_dev && st->st_ino == other_st.st_ino;
}

/* Is the image a layer of OTHER?  Returns as shared_layer_has_owner (). */
static int
is_layer_of (const pb_domain *domain, const struct domain_disk *other,
             const char *path, const struct stat *st)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  int r = 0;

  if (domain->driver->inspect (other, domain_image_flags (domain), &bitmaps)
      == -1)
    return -1;
  for (size_t i = 0; i < bitmaps.nr_layers && r == 0; i++)
    r = is_same_image (path, st, bitmaps.layers[i].path);
  return r;
}

int
shared_layer_has_owner (const pb_domain *domain, const char *disk,
                        const char *path, const char *bitmap)
{
  const struct domain_def *def = &domain->def;
  struct stat st;

  if (stat (path, &st) == -1) {
    set_error_errno ("%s", path);
    return -1;
  }
  for (size_t i = 0; i < def->nr_disks; i++) {
    const struct domain_disk *other = &def->disks[i];
    int r;

    if (strcmp (other->name, disk) == 0 || other->path == NULL
        || other->unsupported
        || !has_checkpoint (&domain->content.tree, other->name, bitmap))
      continue;
    r = is_layer_of (domain, other, path, &st);
    if (r == -1)
      prefix_error ("whether bitmap %s in %s is needed for disk %s too cannot "
                    "be told",
                    bitmap, path, other->name);
    if (r != 0)
      return r;
  }
  return 0;
}
