/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-disks-compare.c: what is in images, held against the model. */

#include "config.h"

#include <json-c/json.h>

#include "bitmap.h"
#include "checkpoint-disks.h"
#include "image.h"
#include "unit.h"

static void
read_bitmap (const pb_image *image, unsigned layer, const char *name,
             struct sectors *set)
{
  pb_bitmap *bitmap = image_layer_load_bitmap (image, layer, name);
  uint64_t size = image_layer_size (image, layer), end, offset = 0;

  CHECK_OK (bitmap);
  *set = (struct sectors) { { 0 } };
  while ((offset = pb_bitmap_next_dirty (bitmap, offset, size))
         != PB_NO_OFFSET) {
    end = pb_bitmap_next_clean (bitmap, offset, size);
    if (end == PB_NO_OFFSET)
      end = size;
    sectors_add (set, size, offset, end - offset, MODEL_SECTOR);
    offset = end;
  }
  pb_bitmap_free (bitmap);
}

/* The layer as the image has it. */
static void
read_layer (const pb_image *image, unsigned layer, struct model_layer *now)
{
  size_t count = image_layer_nr_bitmaps (image, layer);

  now->nr_bitmaps = 0;
  CHECK (image_layer_bitmap_damage (image, layer) == NULL);
  for (size_t i = 0; i < count; i++) {
    struct pb_bitmap_info info;
    struct model_bitmap *bitmap;

    CHECK_OK (image_layer_bitmap_info (image, layer, i, &info) == 0);
    CHECK (strlen (info.name) < MODEL_NAME);
    bitmap
      = model_add_bitmap (now, info.name, info.granularity, info.enabled);
    bitmap->in_use = info.in_use;
    CHECK (info.usable == !info.in_use);
    if (info.usable)
      read_bitmap (image, layer, info.name, &bitmap->set);
  }
}

static bool
compare_layer (const struct model_layer *expected, struct model_layer *now,
               char *text, size_t count)
{
  for (size_t i = 0; i < expected->nr_bitmaps; i++) {
    const struct model_bitmap *a = &expected->bitmaps[i];
    const struct model_bitmap *b = model_find_bitmap (now, a->name);

    if (b == NULL || a->granularity != b->granularity
        || a->enabled != b->enabled || a->in_use != b->in_use
        || (!a->in_use && !sectors_are_equal (&a->set, &b->set))) {
      snprintf (text, count,
                "%s: bitmap %s: expected granularity %" PRIu64 ", enabled %d, "
                "in use %d, %" PRIu64 " bytes; there is %" PRIu64
                ", %d, %d, %" PRIu64,
                expected->path, a->name, a->granularity, a->enabled, a->in_use,
                sectors_bytes (&a->set), b ? b->granularity : 0,
                b ? b->enabled : 0, b ? b->in_use : 0,
                b ? sectors_bytes (&b->set) : 0);
      return false;
    }
  }
  for (size_t i = 0; i < now->nr_bitmaps; i++)
    if (model_find_bitmap ((struct model_layer *) expected,
                           now->bitmaps[i].name)
        == NULL) {
      snprintf (text, count, "%s: bitmap %s should not be there",
                expected->path, now->bitmaps[i].name);
      return false;
    }
  return true;
}

/* Called for each layer, with what the image has of it. */
typedef bool (*layer_function) (struct model_layer *layer,
                                struct model_layer *now, char *text,
                                size_t count);

static bool
for_each_layer (struct model *model, layer_function function, char *text,
                size_t count)
{
  static struct model_layer now;
  bool r = true;

  for (size_t i = 0; i < model->nr_disks; i++) {
    struct model_disk *disk = &model->disks[i];
    pb_image *image;

    if (disk->kind != MODEL_DISK_QCOW2 && disk->kind != MODEL_DISK_READ_ONLY)
      continue;
    image = pb_image_open (disk->layers[0].path, PB_FORMAT_QCOW2, 0);
    CHECK_OK (image);
    CHECK (pb_image_get_depth (image) == disk->nr_layers);
    for (unsigned j = 0; j < disk->nr_layers && r; j++) {
      read_layer (image, j, &now);
      r = function (&disk->layers[j], &now, text, count);
    }
    pb_image_free (image);
  }
  return r;
}

static bool
check_layer (struct model_layer *layer, struct model_layer *now, char *text,
             size_t count)
{
  return compare_layer (layer, now, text, count);
}

bool
disks_compare (const struct model *model, char *text, size_t count)
{
  return for_each_layer ((struct model *) model, check_layer, text, count);
}

static bool
enlarge_layer (struct model_layer *layer, struct model_layer *now, char *text,
               size_t count)
{
  (void) text;
  (void) count;
  for (size_t i = 0; i < layer->nr_bitmaps; i++) {
    struct model_bitmap *bitmap = &layer->bitmaps[i];
    const struct model_bitmap *same = model_find_bitmap (now, bitmap->name);

    if (same && sectors_cover (&same->set, &bitmap->set))
      bitmap->set = same->set;
  }
  return true;
}

void
disks_enlarge (struct model *model)
{
  for_each_layer (model, enlarge_layer, NULL, 0);
}

static bool
take_layer (struct model_layer *layer, struct model_layer *now, char *text,
            size_t count)
{
  (void) text;
  (void) count;
  layer->nr_bitmaps = now->nr_bitmaps;
  memcpy (layer->bitmaps, now->bitmaps, sizeof layer->bitmaps);
  return true;
}

void
disks_resync (struct model *model)
{
  for_each_layer (model, take_layer, NULL, 0);
}

/*** As QEMU sees it. ***/

static json_object *
run_info (const char *path)
{
  char command[MODEL_PATH + 64];
  char *text = NULL;
  size_t used = 0, room = 0, n;
  json_object *object;
  FILE *stream;

  snprintf (command, sizeof command,
            "qemu-img info --backing-chain --output=json %s", path);
  CHECK ((stream = popen (command, "r")) != NULL);
  do {
    room += 65536;
    CHECK ((text = realloc (text, room + 1)) != NULL);
    n = fread (text + used, 1, room - used, stream);
    used += n;
  } while (n > 0);
  CHECK (pclose (stream) == 0);
  text[used] = '\0';
  CHECK ((object = json_tokener_parse (text)) != NULL);
  free (text);
  return object;
}

static bool
has_flag (json_object *flags, const char *name)
{
  for (size_t i = 0; i < json_object_array_length (flags); i++)
    if (strcmp (json_object_get_string (json_object_array_get_idx (flags, i)),
                name)
        == 0)
      return true;
  return false;
}

static json_object *
get_member (json_object *object, const char *key)
{
  return object ? json_object_object_get (object, key) : NULL;
}

/* What qemu-img info says of one layer's bitmaps; it does not tell of what is
 * in them, so that is taken from the model.
 */
static void
read_info (json_object *info, const struct model_layer *expected,
           struct model_layer *now)
{
  json_object *data
    = get_member (get_member (info, "format-specific"), "data");
  json_object *bitmaps = get_member (data, "bitmaps");
  size_t count = bitmaps ? json_object_array_length (bitmaps) : 0;

  now->nr_bitmaps = 0;
  for (size_t i = 0; i < count; i++) {
    json_object *bitmap = json_object_array_get_idx (bitmaps, i);
    json_object *flags = get_member (bitmap, "flags");
    const char *name = json_object_get_string (get_member (bitmap, "name"));
    const struct model_bitmap *same;
    struct model_bitmap *new;

    new = model_add_bitmap (
      now, name, json_object_get_int64 (get_member (bitmap, "granularity")),
      has_flag (flags, "auto"));
    new->in_use = has_flag (flags, "in-use");
    same = model_find_bitmap ((struct model_layer *) expected, name);
    if (same)
      new->set = same->set;
  }
}

bool
disks_compare_with_qemu (const struct model *model, size_t disk, char *text,
                         size_t count)
{
  const struct model_disk *d = &model->disks[disk];
  static struct model_layer now;
  json_object *infos;
  bool r = true;

  if (d->kind != MODEL_DISK_QCOW2)
    return true;
  infos = run_info (d->layers[0].path);
  CHECK (json_object_array_length (infos) == d->nr_layers);
  for (size_t i = 0; i < d->nr_layers && r; i++) {
    read_info (json_object_array_get_idx (infos, i), &d->layers[i], &now);
    r = compare_layer (&d->layers[i], &now, text, count);
  }
  json_object_put (infos);
  return r;
}
