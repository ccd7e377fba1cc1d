/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk.c: the view of a disk at rest: an image that nobody writes. */

#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "disk.h"
#include "error.h"
#include "image.h"
#include "round.h"
#include "view.h"

/* A request is best a multiple of the cluster, since what is smaller maps the
 * cluster once more.  Below 4 KiB, a page, nothing is won by that, and above
 * 64 KiB requests would only become coarse.
 */
#define PREFERRED_MIN ((uint64_t) 4096)
#define PREFERRED_MAX ((uint64_t) 65536)

struct disk {
  pb_view view; /* must be first */
  pb_image *image;

  /* The image's bitmaps that were asked for, by their index there: each is
   * loaded once and kept, so that a block status request is answered from
   * memory, and streams over it stay valid as long as the view.  Loaded ones
   * are read without the lock; it is held while one is loaded, over the I/O
   * of that, so that two first requests do not load the same bitmap twice.
   */
  pthread_mutex_t load_lock;
  size_t nr_bitmaps;
  _Atomic (pb_bitmap *) *bitmaps;
};

static void
disk_free (pb_view *view)
{
  struct disk *disk = (struct disk *) view;

  for (size_t i = 0; disk->bitmaps && i < disk->nr_bitmaps; i++)
    pb_bitmap_free (atomic_load (&disk->bitmaps[i]));
  free (disk->bitmaps);
  pb_image_free (disk->image);
  pthread_mutex_destroy (&disk->load_lock);
  free (view->name);
  free (disk);
}

static int
disk_pread (pb_view *view, void *buffer, size_t count, uint64_t offset)
{
  struct disk *disk = (struct disk *) view;

  return pb_image_pread (disk->image, buffer, count, offset);
}

static int
disk_locate (pb_view *view, uint64_t offset, uint64_t length,
             struct pb_location *location)
{
  struct disk *disk = (struct disk *) view;

  return pb_image_locate (disk->image, offset, length, location);
}

static pb_extents *
disk_extents (pb_view *view, uint64_t offset, uint64_t length)
{
  struct disk *disk = (struct disk *) view;

  return pb_image_map (disk->image, offset, length);
}

static size_t
disk_nr_dirty_maps (const pb_view *view)
{
  return ((const struct disk *) view)->nr_bitmaps;
}

static int
disk_get_dirty_map_info (const pb_view *view, size_t index,
                         struct pb_bitmap_info *info)
{
  return pb_image_get_bitmap_info (((const struct disk *) view)->image, index,
                                   info);
}

/* The place of the bitmap called NAME, or nr_bitmaps. */
static size_t
find_bitmap (const struct disk *disk, const char *name)
{
  struct pb_bitmap_info info;
  size_t i;

  for (i = 0; i < disk->nr_bitmaps; i++)
    if (pb_image_get_bitmap_info (disk->image, i, &info) == 0
        && strcmp (info.name, name) == 0)
      break;
  return i;
}

static pb_bitmap *
get_bitmap (struct disk *disk, const char *name)
{
  size_t i = find_bitmap (disk, name);
  pb_bitmap *bitmap;

  if (i == disk->nr_bitmaps) /* fails, and says what there is */
    return pb_image_load_bitmap (disk->image, name);

  bitmap = atomic_load (&disk->bitmaps[i]);
  if (bitmap)
    return bitmap;

  LOCK_CURRENT_SCOPE (&disk->load_lock);
  bitmap = atomic_load (&disk->bitmaps[i]);
  if (bitmap == NULL) {
    bitmap = pb_image_load_bitmap (disk->image, name);
    atomic_store (&disk->bitmaps[i], bitmap);
  }
  return bitmap;
}

static pb_extents *
disk_dirty_extents (pb_view *view, const char *name, uint64_t offset,
                    uint64_t length)
{
  const pb_bitmap *bitmap = get_bitmap ((struct disk *) view, name);

  return bitmap ? pb_bitmap_extents (bitmap, offset, length) : NULL;
}

static const struct view_ops disk_ops = {
  .free = disk_free,
  .pread = disk_pread,
  .locate = disk_locate,
  .extents = disk_extents,
  .nr_dirty_maps = disk_nr_dirty_maps,
  .get_dirty_map_info = disk_get_dirty_map_info,
  .dirty_extents = disk_dirty_extents,
};

pb_view *
pb_view_open_disk (const char *path, enum pb_format format, unsigned flags)
{
  struct disk *disk = calloc (1, sizeof *disk);

  if (disk == NULL) {
    set_error_errno ("%s", path);
    return NULL;
  }
  pthread_mutex_init (&disk->load_lock, NULL); /* cannot fail on Linux */
  disk->view.ops = &disk_ops;
  disk->view.has_depth = true;

  disk->image = image_open_disk (path, format, flags);
  if (disk->image == NULL) {
    disk_free (&disk->view);
    return NULL;
  }
  disk->nr_bitmaps = pb_image_nr_bitmaps (disk->image);
  disk->bitmaps = calloc (disk->nr_bitmaps + 1, sizeof *disk->bitmaps);
  disk->view.name = strdup (path);
  if (disk->bitmaps == NULL || disk->view.name == NULL) {
    set_error_errno ("%s", path);
    disk_free (&disk->view);
    return NULL;
  }
  disk->view.size = pb_image_get_size (disk->image);
  disk->view.preferred_block_size = min_u64 (
    max_u64 (pb_image_get_cluster_size (disk->image), PREFERRED_MIN),
    PREFERRED_MAX);
  return &disk->view;
}

const pb_image *
disk_view_image (const pb_view *view)
{
  return ((const struct disk *) view)->image;
}
