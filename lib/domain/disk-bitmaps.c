/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk-bitmaps.c: the bitmaps of a disk, in all layers of its backing chain.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk-bitmaps.h"
#include "error.h"

static void
layer_clear (struct disk_layer *layer)
{
  for (size_t i = 0; i < layer->nr_bitmaps; i++) {
    free (layer->bitmaps[i].name);
    free (layer->bitmaps[i].reason);
  }
  free (layer->bitmaps);
  image_identity_clear (&layer->identity);
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

const char *
checkpoint_node_bitmap (const struct checkpoint_node *node, const char *disk)
{
  const struct checkpoint_disk *entry
    = checkpoint_def_find_disk (&node->def, disk);

  if (entry == NULL || entry->kind != CHECKPOINT_DISK_BITMAP)
    return NULL;
  return entry->bitmap ? entry->bitmap : node->def.name;
}

const struct disk_layer *
disk_bitmaps_find_misplaced (const struct disk_bitmaps *bitmaps,
                             const struct checkpoint_node *node)
{
  const struct checkpoint_disk *entry
    = checkpoint_def_find_disk (&node->def, bitmaps->disk);
  const struct disk_layer *lowest = NULL;

  if (entry == NULL || entry->kind != CHECKPOINT_DISK_BITMAP
      || entry->bitmap == NULL)
    return NULL;
  for (size_t i = 0; i < bitmaps->nr_layers; i++)
    if (disk_layer_find (&bitmaps->layers[i], entry->bitmap))
      lowest = &bitmaps->layers[i];
  return lowest && !image_identity_matches (&lowest->identity, &entry->made_in)
           ? lowest
           : NULL;
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

/* NULL is copied to NULL. */
static char *
copy_string (const char *text, bool *failed)
{
  char *copy = text ? strdup (text) : NULL;

  *failed = *failed || (text && copy == NULL);
  return copy;
}

static bool
is_among (const char *name, const char *const *names, size_t count)
{
  for (size_t i = 0; i < count; i++)
    if (strcmp (names[i], name) == 0)
      return true;
  return false;
}

static void
copy_layer (struct disk_layer *copy, const struct disk_layer *layer,
            const char *const *names, size_t count, bool *failed)
{
  copy->path = copy_string (layer->path, failed);
  copy->damage = copy_string (layer->damage, failed);
  if (image_identity_copy (&copy->identity, &layer->identity) == -1)
    *failed = true;
  copy->bitmaps = calloc (layer->nr_bitmaps + 1, sizeof copy->bitmaps[0]);
  *failed = *failed || copy->bitmaps == NULL;
  for (size_t i = 0; copy->bitmaps && i < layer->nr_bitmaps; i++) {
    const struct layer_bitmap *bitmap = &layer->bitmaps[i];
    struct layer_bitmap *new = &copy->bitmaps[copy->nr_bitmaps];

    if (is_among (bitmap->name, names, count))
      continue;
    *new = *bitmap;
    new->name = copy_string (bitmap->name, failed);
    new->reason = copy_string (bitmap->reason, failed);
    copy->nr_bitmaps++;
  }
}

int
disk_bitmaps_without (struct disk_bitmaps *copy,
                      const struct disk_bitmaps *bitmaps,
                      const char *const *names, size_t count)
{
  bool failed = false;

  *copy = (struct disk_bitmaps) { 0 };
  copy->disk = copy_string (bitmaps->disk, &failed);
  copy->layers = calloc (bitmaps->nr_layers + 1, sizeof copy->layers[0]);
  if (copy->layers == NULL)
    failed = true;
  else
    copy->nr_layers = bitmaps->nr_layers;
  for (size_t i = 0; i < copy->nr_layers; i++)
    copy_layer (&copy->layers[i], &bitmaps->layers[i], names, count, &failed);
  if (failed) {
    pb_set_error (ENOMEM, "disk %s: out of memory", bitmaps->disk);
    disk_bitmaps_clear (copy);
    return -1;
  }
  return 0;
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
