/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk-bitmaps.c: the bitmaps of a disk, in all layers of its backing chain.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "disk-bitmaps.h"

static void
layer_clear (struct disk_layer *layer)
{
  for (size_t i = 0; i < layer->nr_bitmaps; i++) {
    free (layer->bitmaps[i].name);
    free (layer->bitmaps[i].reason);
  }
  free (layer->bitmaps);
  free (layer->path);
  free (layer->damage);
}

void
disk_bitmaps_clear (struct disk_bitmaps *bitmaps)
{
  for (size_t i = 0; i < bitmaps->nr_layers; i++)
    layer_clear (&bitmaps->layers[i]);
  free (bitmaps->layers);
  free (bitmaps->disk);
  *bitmaps = (struct disk_bitmaps) { 0 };
}

const struct layer_bitmap *
disk_layer_find (const struct disk_layer *layer, const char *name)
{
  for (size_t i = 0; i < layer->nr_bitmaps; i++)
    if (strcmp (layer->bitmaps[i].name, name) == 0)
      return &layer->bitmaps[i];
  return NULL;
}

static bool
bitmaps_are_equal (const struct layer_bitmap *a, const struct layer_bitmap *b)
{
  return strcmp (a->name, b->name) == 0 && a->granularity == b->granularity
         && a->enabled == b->enabled && a->in_use == b->in_use
         && (a->reason == NULL) == (b->reason == NULL);
}

static bool
layers_are_equal (const struct disk_layer *a, const struct disk_layer *b)
{
  if (strcmp (a->path, b->path) != 0 || a->nr_bitmaps != b->nr_bitmaps
      || (a->damage == NULL) != (b->damage == NULL))
    return false;
  for (size_t i = 0; i < a->nr_bitmaps; i++)
    if (!bitmaps_are_equal (&a->bitmaps[i], &b->bitmaps[i]))
      return false;
  return true;
}

bool
disk_bitmaps_are_equal (const struct disk_bitmaps *a,
                        const struct disk_bitmaps *b)
{
  if (a->nr_layers != b->nr_layers)
    return false;
  for (size_t i = 0; i < a->nr_layers; i++)
    if (!layers_are_equal (&a->layers[i], &b->layers[i]))
      return false;
  return true;
}

void
bitmap_range_clear (struct bitmap_range *range)
{
  for (size_t i = 0; i < range->nr_parts; i++)
    free (range->parts[i].bitmap);
  free (range->parts);
  free (range->reason);
  *range = (struct bitmap_range) { 0 };
}
