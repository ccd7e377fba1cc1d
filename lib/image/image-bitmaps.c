/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-bitmaps.c: the persistent dirty bitmaps of an image. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "format.h"
#include "image.h"

size_t
pb_image_nr_bitmaps (const pb_image *image)
{
  return image->bitmaps.count;
}

int
pb_image_get_bitmap_info (const pb_image *image, size_t index,
                          struct pb_bitmap_info *info)
{
  const struct qcow2_bitmap *bitmap;

  if (index >= image->bitmaps.count) {
    pb_set_error (EINVAL, "%s: there is no bitmap number %zu, only %zu",
                  pb_image_get_path (image), index, image->bitmaps.count);
    return -1;
  }
  bitmap = &image->bitmaps.list[index];
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
set_no_bitmap_error (const pb_image *image, const char *name)
{
  const struct qcow2_bitmaps *bitmaps = &image->bitmaps;
  char list[1024] = "";
  size_t used = 0;

  if (bitmaps->damage) {
    pb_set_error (ESTALE,
                  "%s: bitmap %s: the image's bitmap directory is damaged: %s; "
                  "take a full backup",
                  pb_image_get_path (image), name, bitmaps->damage);
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
                pb_image_get_path (image), name,
                bitmaps->count ? "there are: " : "it has none", list);
}

pb_bitmap *
pb_image_load_bitmap (pb_image *image, const char *name)
{
  const struct layer *layer = image->layers[0];
  const struct qcow2_bitmap *bitmap = NULL;

  for (size_t i = 0; i < image->bitmaps.count && bitmap == NULL; i++) {
    if (strcmp (image->bitmaps.list[i].name, name) == 0)
      bitmap = &image->bitmaps.list[i];
  }
  if (bitmap == NULL) {
    set_no_bitmap_error (image, name);
    return NULL;
  }
  if (bitmap->reason) {
    pb_set_error (ESTALE, "%s: bitmap %s: %s; take a full backup",
                  layer->file.name, name, bitmap->reason);
    return NULL;
  }
  return qcow2_bitmap_load (bitmap, &layer->header, &layer->file);
}
