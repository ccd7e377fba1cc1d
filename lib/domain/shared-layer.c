/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* shared-layer.c: images that are layers of several disks, as the base image
 * of two overlays is.
 */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cleanup.h"
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

static bool
is_same_file (const struct stat *a, const struct stat *b)
{
  return S_ISBLK (a->st_mode) && S_ISBLK (b->st_mode)
           ? a->st_rdev == b->st_rdev
           : a->st_dev == b->st_dev && a->st_ino == b->st_ino;
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
  return is_same_file (st, &other_st);
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

/* The image of a disk that gets a bitmap. */
struct own_image {
  const struct domain_disk *disk;
  bool is_there; /* else its opening says why not */
  struct stat st;
};

static bool
has_same_image (const struct own_image *a, const struct own_image *b)
{
  return strcmp (a->disk->path, b->disk->path) == 0
         || (a->is_there && b->is_there && is_same_file (&a->st, &b->st));
}

int
shared_layer_check_disks (const struct checkpoint_def *checkpoint,
                          const struct domain_def *domain)
{
  struct own_image *CLEANUP_FREE images
    = calloc (checkpoint->nr_disks + 1, sizeof images[0]);
  size_t count = 0;

  if (images == NULL) {
    set_error_errno ("disks");
    return -1;
  }
  for (size_t i = 0; i < checkpoint->nr_disks; i++) {
    struct own_image *image = &images[count];

    if (checkpoint->disks[i].kind != CHECKPOINT_DISK_BITMAP)
      continue;
    image->disk = domain_def_find_disk (domain, checkpoint->disks[i].name);
    assert (image->disk); /* it is aligned */
    if (image->disk->path == NULL)
      continue;
    image->is_there = stat (image->disk->path, &image->st) == 0;
    for (size_t j = 0; j < count; j++)
      if (has_same_image (&images[j], image)) {
        pb_set_error (EINVAL,
                      "disk '%s' and disk '%s' have the same image %s, which "
                      "can have one bitmap '%s' only; exclude one of them "
                      "with checkpoint='no'",
                      images[j].disk->name, image->disk->name,
                      image->disk->path, checkpoint->name);
        return -1;
      }
    count++;
  }
  return 0;
}
