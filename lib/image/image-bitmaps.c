/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-bitmaps.c: the persistent dirty bitmaps of an image, and of the
 * layers below it. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "format.h"
#include "image.h"

const char *
image_layer_path (const pb_image *image, unsigned layer)
{
  return image->layers[layer]->file.name;
}

uint64_t
image_layer_size (const pb_image *image, unsigned layer)
{
  return image->layers[layer]->size;
}

size_t
image_layer_nr_bitmaps (const pb_image *image, unsigned layer)
{
  return image->layers[layer]->bitmaps.count;
}

const char *
image_layer_bitmap_damage (const pb_image *image, unsigned layer)
{
  return image->layers[layer]->bitmaps.damage;
}

int
image_layer_bitmap_info (const pb_image *image, unsigned layer, size_t index,
                         struct pb_bitmap_info *info)
{
  const struct qcow2_bitmaps *bitmaps = &image->layers[layer]->bitmaps;
  const struct qcow2_bitmap *bitmap;

  if (index >= bitmaps->count) {
    pb_set_error (EINVAL, "%s: there is no bitmap number %zu, only %zu",
                  image_layer_path (image, layer), index, bitmaps->count);
    return -1;
  }
  bitmap = &bitmaps->list[index];
  *info = (struct pb_bitmap_info) {
    .name = bitmap->name,
    .granularity = bitmap->granularity_bits < 64
                     ? UINT64_C (1) << bitmap->granularity_bits
                     : 0,
    .enabled = bitmap->flags & QCOW2_BITMAP_FLAG_AUTO,
    .in_use = bitmap->flags & QCOW2_BITMAP_FLAG_IN_USE,
    .usable = bitmap->reason == NULL,
    .reason = bitmap->reason,
  };
  return 0;
}

static void
set_no_bitmap_error (const struct layer *layer, const char *name)
{
  const struct qcow2_bitmaps *bitmaps = &layer->bitmaps;
  char list[1024] = "";
  size_t used = 0;

  if (bitmaps->damage) {
    pb_set_error (ESTALE,
                  "%s: bitmap %s: the image's bitmap directory is damaged: %s; "
                  "take a full backup",
                  layer->file.name, name, bitmaps->damage);
    return;
  }
  for (size_t i = 0; i < bitmaps->count; i++) {
    int n = snprintf (list + used, sizeof list - used, "%s%s",
                      i ? ", " : "", bitmaps->list[i].name);

    if ((size_t) n >= sizeof list - used) {
      strcpy (list + sizeof list - 4, "...");
      break;
    }
    used += n;
  }
  pb_set_error (ENOENT, "%s: there is no bitmap called %s (%s%s)",
                layer->file.name, name,
                bitmaps->count ? "there are: " : "it has none", list);
}

pb_bitmap *
image_layer_load_bitmap (const pb_image *image, unsigned layer,
                         const char *name)
{
  const struct layer *l = image->layers[layer];
  const struct qcow2_bitmap *bitmap = NULL;

  for (size_t i = 0; i < l->bitmaps.count && bitmap == NULL; i++) {
    if (strcmp (l->bitmaps.list[i].name, name) == 0)
      bitmap = &l->bitmaps.list[i];
  }
  if (bitmap == NULL) {
    set_no_bitmap_error (l, name);
    return NULL;
  }
  if (bitmap->reason) {
    pb_set_error (ESTALE, "%s: bitmap %s: %s; take a full backup",
                  l->file.name, name, bitmap->reason);
    return NULL;
  }
  return qcow2_bitmap_load (bitmap, &l->header, &l->file);
}

size_t
pb_image_nr_bitmaps (const pb_image *image)
{
  return image_layer_nr_bitmaps (image, 0);
}

int
pb_image_get_bitmap_info (const pb_image *image, size_t index,
                          struct pb_bitmap_info *info)
{
  return image_layer_bitmap_info (image, 0, index, info);
}

pb_bitmap *
pb_image_load_bitmap (pb_image *image, const char *name)
{
  return image_layer_load_bitmap (image, 0, name);
}
