/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* at-rest-range.c: the bitmaps of images at rest, listed and loaded. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "at-rest.h"
#include "bitmap.h"
#include "error.h"
#include "round.h"

int
at_rest_format (const struct domain_disk *disk, enum pb_format *format)
{
  if (disk->unsupported) {
    pb_set_error (ENOTSUP, "%s", disk->unsupported);
    return -1;
  }
  if (disk->path == NULL) {
    pb_set_error (EINVAL, "the drive is empty");
    return -1;
  }
  if (strcmp (disk->format, "qcow2") != 0
      && strcmp (disk->format, "raw") != 0) {
    pb_set_error (ENOTSUP,
                  "%s: format %s is not supported (only qcow2 and raw are)",
                  disk->path, disk->format);
    return -1;
  }
  return pb_format_parse (disk->format, format);
}

static int
read_bitmap (struct layer_bitmap *bitmap, const struct pb_bitmap_info *info)
{
  *bitmap = (struct layer_bitmap) {
    .name = strdup (info->name),
    .granularity = info->granularity,
    .enabled = info->enabled,
    .in_use = info->in_use,
    .reason = info->reason ? strdup (info->reason) : NULL,
  };
  if (bitmap->name && (info->reason == NULL || bitmap->reason))
    return 0;
  set_error_errno ("bitmap %s", info->name);
  return -1;
}

static int
read_layer (struct disk_layer *layer, const pb_image *image, unsigned number)
{
  size_t count = image_layer_nr_bitmaps (image, number);
  const char *damage = image_layer_bitmap_damage (image, number);
  struct pb_bitmap_info info;

  layer->path = strdup (image_layer_path (image, number));
  layer->damage = damage ? strdup (damage) : NULL;
  layer->bitmaps = calloc (count + 1, sizeof layer->bitmaps[0]);
  if (layer->path == NULL || layer->bitmaps == NULL
      || (damage && layer->damage == NULL)) {
    set_error_errno ("%s", image_layer_path (image, number));
    return -1;
  }
  if (image_identity_get (&layer->identity, &image->layers[number]->file)
      == -1)
    return -1;
  while (layer->nr_bitmaps < count) {
    struct layer_bitmap *bitmap = &layer->bitmaps[layer->nr_bitmaps];

    if (image_layer_bitmap_info (image, number, layer->nr_bitmaps, &info)
        == -1)
      return -1;
    layer->nr_bitmaps++;
    if (read_bitmap (bitmap, &info) == -1)
      return -1;
  }
  return 0;
}

int
at_rest_read_bitmaps (struct disk_bitmaps *bitmaps,
                      const struct domain_disk *disk, const pb_image *image)
{
  unsigned depth = pb_image_get_depth (image);

  *bitmaps = (struct disk_bitmaps) {
    .disk = strdup (disk->name),
    .layers = calloc (depth, sizeof bitmaps->layers[0]),
  };
  if (bitmaps->disk == NULL || bitmaps->layers == NULL) {
    set_error_errno ("disk %s", disk->name);
    goto error;
  }
  while (bitmaps->nr_layers < depth) {
    unsigned i = bitmaps->nr_layers++;

    if (read_layer (&bitmaps->layers[i], image, i) == -1)
      goto error;
  }
  return 0;

error:
  disk_bitmaps_clear (bitmaps);
  return -1;
}

int
at_rest_check_unchanged (const struct disk_bitmaps *bitmaps,
                         const struct domain_disk *disk,
                         const pb_image *image)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS now = { 0 };

  if (at_rest_read_bitmaps (&now, disk, image) == -1)
    return -1;
  if (disk_bitmaps_are_equal (&now, bitmaps))
    return 0;
  pb_set_error (EBUSY,
                "%s: its bitmaps have been changed by another process while "
                "they were looked at; try again",
                disk->path);
  return -1;
}

static const struct layer_bitmap *
find_part (const struct disk_bitmaps *bitmaps,
           const struct bitmap_range_part *part)
{
  const struct layer_bitmap *bitmap;

  assert (part->layer < bitmaps->nr_layers);
  bitmap = disk_layer_find (&bitmaps->layers[part->layer], part->bitmap);
  assert (bitmap);
  return bitmap;
}

uint64_t
at_rest_granularity (const struct disk_bitmaps *bitmaps,
                     const struct bitmap_range *range)
{
  uint64_t finest = PB_GRANULARITY_MAX;

  for (size_t i = 0; i < range->nr_parts; i++)
    finest = min_u64 (finest,
                      find_part (bitmaps, &range->parts[i])->granularity);
  return finest;
}

/* A layer can be smaller than one below it.  What the lower one has beyond its
 * end, the disk had lost while that layer was on top: it read as zeroes, if it
 * was there at all.  No bitmap says so.
 */
static int
set_beyond_smallest (pb_bitmap *changes, const pb_image *image,
                     const struct bitmap_range *range)
{
  uint64_t size = pb_bitmap_get_size (changes), smallest = size;

  for (size_t i = 0; i < range->nr_parts; i++)
    for (size_t layer = 0; layer <= range->parts[i].layer; layer++)
      smallest = min_u64 (smallest, image_layer_size (image, layer));
  return pb_bitmap_set (changes, smallest, size - smallest);
}

pb_bitmap *
at_rest_load_range (const pb_image *image, const struct disk_bitmaps *bitmaps,
                    const struct bitmap_range *range)
{
  pb_bitmap *CLEANUP_BITMAP changes
    = pb_bitmap_new (pb_image_get_size (image),
                     at_rest_granularity (bitmaps, range));

  if (changes == NULL)
    return NULL;
  /* One after the other, so that no more than two are in memory. */
  for (size_t i = 0; i < range->nr_parts; i++) {
    const struct bitmap_range_part *part = &range->parts[i];
    pb_bitmap *CLEANUP_BITMAP bitmap
      = image_layer_load_bitmap (image, part->layer, part->bitmap);

    if (bitmap == NULL || pb_bitmap_merge (changes, bitmap) == -1)
      return NULL;
  }
  if (set_beyond_smallest (changes, image, range) == -1)
    return NULL;
  return STEAL (changes);
}
