/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* at-rest-view.c: the view of a domain's disk at rest, with a map of what has
 * changed since each checkpoint beside the image's own bitmaps.
 */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at-rest.h"
#include "cleanup.h"
#include "disk.h"
#include "driver.h"
#include "error.h"
#include "view.h"

#define SINCE "since:"

struct at_rest_view {
  pb_view view;  /* must be first */
  pb_view *disk; /* bytes, allocation, and the image's bitmaps */
  struct disk_bitmaps bitmaps;
  size_t nr_maps;
  struct since_map *maps;

  /* The image's bitmaps that are listed, by their index in DISK: a bitmap
   * whose name is that of a map is not.
   */
  size_t nr_own;
  size_t *own;

  /* The loaded maps, as in view/disk.c: each is loaded once, with the lock
   * held over the I/O of that, kept, and read without the lock.
   */
  pthread_mutex_t load_lock;
  _Atomic (pb_bitmap *) *loaded;
};

static void
free_maps (struct since_map *maps, size_t nr_maps)
{
  for (size_t i = 0; i < nr_maps; i++) {
    free (maps[i].name);
    bitmap_range_clear (&maps[i].range);
  }
  free (maps);
}

static void
view_free (pb_view *view)
{
  struct at_rest_view *v = (struct at_rest_view *) view;

  for (size_t i = 0; v->loaded && i < v->nr_maps; i++)
    pb_bitmap_free (atomic_load (&v->loaded[i]));
  free (v->loaded);
  free (v->own);
  free_maps (v->maps, v->nr_maps);
  disk_bitmaps_clear (&v->bitmaps);
  pb_view_free (v->disk);
  pthread_mutex_destroy (&v->load_lock);
  free (view->name);
  free (v);
}

static int
view_pread (pb_view *view, void *buffer, size_t count, uint64_t offset)
{
  struct at_rest_view *v = (struct at_rest_view *) view;

  return pb_view_pread (v->disk, buffer, count, offset);
}

static int
view_locate (pb_view *view, uint64_t offset, uint64_t length,
             struct pb_location *location)
{
  struct at_rest_view *v = (struct at_rest_view *) view;

  return pb_view_locate (v->disk, offset, length, location);
}

static pb_extents *
view_extents (pb_view *view, uint64_t offset, uint64_t length)
{
  struct at_rest_view *v = (struct at_rest_view *) view;

  return pb_view_extents (v->disk, offset, length);
}

/* The place of the map called NAME, or nr_maps. */
static size_t
find_map (const struct at_rest_view *v, const char *name)
{
  size_t i;

  for (i = 0; i < v->nr_maps; i++)
    if (strcmp (v->maps[i].name, name) == 0)
      break;
  return i;
}

static size_t
view_nr_dirty_maps (const pb_view *view)
{
  const struct at_rest_view *v = (const struct at_rest_view *) view;

  return v->nr_own + v->nr_maps;
}

static int
view_get_dirty_map_info (const pb_view *view, size_t index,
                         struct pb_bitmap_info *info)
{
  const struct at_rest_view *v = (const struct at_rest_view *) view;
  const struct since_map *map;

  if (index < v->nr_own)
    return pb_view_get_dirty_map_info (v->disk, v->own[index], info);
  map = &v->maps[index - v->nr_own];
  *info = (struct pb_bitmap_info) {
    .name = map->name,
    .granularity = map->range.is_known
                     ? at_rest_granularity (&v->bitmaps, &map->range)
                     : 0,
    .enabled = map->range.is_known, /* it goes on to the present */
    .usable = map->range.is_known,
    .reason = map->range.reason,
  };
  return 0;
}

static const pb_bitmap *
load_map (struct at_rest_view *v, size_t i)
{
  const struct since_map *map = &v->maps[i];
  pb_bitmap *bitmap = atomic_load (&v->loaded[i]);

  if (bitmap)
    return bitmap;
  if (!map->range.is_known) {
    pb_set_error (ESTALE,
                  "%s: what has changed since checkpoint %s is not known: %s; "
                  "take a full backup",
                  v->view.name, map->name + strlen (SINCE),
                  map->range.reason);
    return NULL;
  }
  LOCK_CURRENT_SCOPE (&v->load_lock);
  bitmap = atomic_load (&v->loaded[i]);
  if (bitmap == NULL) {
    bitmap = at_rest_load_range (disk_view_image (v->disk), &v->bitmaps,
                                 &map->range);
    atomic_store (&v->loaded[i], bitmap);
  }
  return bitmap;
}

static void
set_no_checkpoint_error (const struct at_rest_view *v, const char *name)
{
  char *CLEANUP_FREE list = NULL;
  size_t size;
  FILE *stream = open_memstream (&list, &size);

  for (size_t i = 0; stream && i < v->nr_maps; i++)
    fprintf (stream, "%s%s", i > 0 ? ", " : "",
             v->maps[i].name + strlen (SINCE));
  if (stream)
    fclose (stream);
  pb_set_error (ENOENT, "%s: there is no checkpoint called %s (%s%s)",
                v->view.name, name + strlen (SINCE),
                v->nr_maps > 0 ? "there are: " : "the disk has none",
                list ? list : "");
}

static bool
disk_has_bitmap (const struct at_rest_view *v, const char *name)
{
  return disk_layer_find (&v->bitmaps.layers[0], name) != NULL;
}

static pb_extents *
view_dirty_extents (pb_view *view, const char *name, uint64_t offset,
                    uint64_t length)
{
  struct at_rest_view *v = (struct at_rest_view *) view;
  size_t i = find_map (v, name);
  const pb_bitmap *bitmap;

  if (i < v->nr_maps) {
    bitmap = load_map (v, i);
    return bitmap ? pb_bitmap_extents (bitmap, offset, length) : NULL;
  }
  if (strncmp (name, SINCE, strlen (SINCE)) == 0
      && !disk_has_bitmap (v, name)) {
    set_no_checkpoint_error (v, name);
    return NULL;
  }
  return pb_view_dirty_extents (v->disk, name, offset, length);
}

static const struct view_ops ops = {
  .free = view_free,
  .pread = view_pread,
  .locate = view_locate,
  .extents = view_extents,
  .nr_dirty_maps = view_nr_dirty_maps,
  .get_dirty_map_info = view_get_dirty_map_info,
  .dirty_extents = view_dirty_extents,
};

static int
list_own (struct at_rest_view *v)
{
  size_t count = pb_view_nr_dirty_maps (v->disk);
  struct pb_bitmap_info info;

  v->own = calloc (count + 1, sizeof v->own[0]);
  if (v->own == NULL) {
    set_error_errno ("%s", v->view.name);
    return -1;
  }
  for (size_t i = 0; i < count; i++) {
    if (pb_view_get_dirty_map_info (v->disk, i, &info) == -1)
      return -1;
    if (find_map (v, info.name) == v->nr_maps)
      v->own[v->nr_own++] = i;
  }
  return 0;
}

static int
open_parts (struct at_rest_view *v, const struct domain_disk *disk,
            unsigned image_flags, const struct disk_bitmaps *bitmaps)
{
  enum pb_format format;
  const pb_image *image;

  if (at_rest_format (disk, &format) == -1)
    return -1;
  v->view.name = strdup (disk->path);
  v->loaded = calloc (v->nr_maps + 1, sizeof v->loaded[0]);
  if (v->view.name == NULL || v->loaded == NULL) {
    set_error_errno ("%s", disk->path);
    return -1;
  }
  v->disk = pb_view_open_disk (disk->path, format, image_flags);
  if (v->disk == NULL)
    return -1;
  image = disk_view_image (v->disk);
  /* From here on nobody changes the image; but somebody may have since
   * BITMAPS were read.
   */
  if (at_rest_check_unchanged (bitmaps, disk, image) == -1
      || at_rest_read_bitmaps (&v->bitmaps, disk, image) == -1)
    return -1;
  v->view.size = v->disk->size;
  v->view.preferred_block_size = v->disk->preferred_block_size;
  v->view.has_depth = v->disk->has_depth;
  return list_own (v);
}

pb_view *
at_rest_view_open (const struct domain_disk *disk, unsigned image_flags,
                   const struct disk_bitmaps *bitmaps, struct since_map *maps,
                   size_t nr_maps)
{
  struct at_rest_view *v = calloc (1, sizeof *v);

  if (v == NULL) {
    set_error_errno ("disk %s", disk->name);
    free_maps (maps, nr_maps);
    return NULL;
  }
  v->view.ops = &ops;
  v->maps = maps;
  v->nr_maps = nr_maps;
  pthread_mutex_init (&v->load_lock, NULL); /* cannot fail on Linux */
  if (open_parts (v, disk, image_flags, bitmaps) == -1) {
    prefix_error ("disk %s", disk->name);
    view_free (&v->view);
    return NULL;
  }
  return &v->view;
}
