/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-model.c: what a domain should be after any sequence of changes.
 */

#include "config.h"

#include <string.h>

#include "checkpoint-model.h"
#include "unit.h"

/*** Sets. ***/

static void
add_sector (struct sectors *set, uint64_t sector)
{
  set->words[sector / 64] |= UINT64_C (1) << sector % 64;
}

void
sectors_add (struct sectors *set, uint64_t size, uint64_t offset,
             uint64_t length, uint64_t granularity)
{
  uint64_t start = offset / granularity * granularity;
  uint64_t end
    = (offset + length + granularity - 1) / granularity * granularity;

  if (end > size)
    end = size;
  for (uint64_t o = start; o < end; o += MODEL_SECTOR)
    add_sector (set, o / MODEL_SECTOR);
}

void
sectors_merge (struct sectors *set, const struct sectors *other, uint64_t size,
               uint64_t granularity)
{
  for (uint64_t o = 0; o < size; o += MODEL_SECTOR)
    if (sectors_has (other, o))
      sectors_add (set, size, o, MODEL_SECTOR, granularity);
}

bool
sectors_has (const struct sectors *set, uint64_t offset)
{
  uint64_t sector = offset / MODEL_SECTOR;

  return set->words[sector / 64] >> sector % 64 & 1;
}

bool
sectors_cover (const struct sectors *set, const struct sectors *other)
{
  for (size_t i = 0; i < sizeof set->words / sizeof set->words[0]; i++)
    if (other->words[i] & ~set->words[i])
      return false;
  return true;
}

bool
sectors_are_equal (const struct sectors *a, const struct sectors *b)
{
  return memcmp (a, b, sizeof *a) == 0;
}

uint64_t
sectors_bytes (const struct sectors *set)
{
  uint64_t count = 0;

  for (size_t i = 0; i < sizeof set->words / sizeof set->words[0]; i++)
    count += __builtin_popcountll (set->words[i]);
  return count * MODEL_SECTOR;
}

/*** Disks. ***/

uint64_t
model_default_granularity (uint64_t cluster_size)
{
  if (cluster_size < 4096)
    return 4096;
  return cluster_size > 65536 ? 65536 : cluster_size;
}

static const struct model_bitmap *
find_bitmap (const struct model_layer *layer, const char *name)
{
  for (size_t i = 0; i < layer->nr_bitmaps; i++)
    if (strcmp (layer->bitmaps[i].name, name) == 0)
      return &layer->bitmaps[i];
  return NULL;
}

struct model_bitmap *
model_find_bitmap (struct model_layer *layer, const char *name)
{
  return (struct model_bitmap *) find_bitmap (layer, name);
}

struct model_bitmap *
model_add_bitmap (struct model_layer *layer, const char *name,
                  uint64_t granularity, bool enabled)
{
  struct model_bitmap *bitmap = &layer->bitmaps[layer->nr_bitmaps++];

  CHECK (layer->nr_bitmaps <= MODEL_BITMAPS);
  *bitmap = (struct model_bitmap) {
    .granularity = granularity ? granularity : model_default_granularity (
                     layer->cluster_size),
    .enabled = enabled,
  };
  strcpy (bitmap->name, name);
  return bitmap;
}

void
model_remove_bitmap (struct model_layer *layer, const char *name)
{
  struct model_bitmap *bitmap = model_find_bitmap (layer, name);

  if (bitmap)
    *bitmap = layer->bitmaps[--layer->nr_bitmaps];
}

void
model_write (struct model *model, size_t disk, uint64_t offset,
             uint64_t length)
{
  struct model_disk *d = &model->disks[disk];

  for (size_t i = 0; i < d->layers[0].nr_bitmaps; i++) {
    struct model_bitmap *bitmap = &d->layers[0].bitmaps[i];

    if (bitmap->enabled && !bitmap->in_use)
      sectors_add (&bitmap->set, d->size, offset, length, bitmap->granularity);
  }
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    sectors_add (&model->checkpoints[i].written[disk], d->size, offset, length,
                 MODEL_SECTOR);
}

/* Walk from the top: it must have the bitmap; once a layer lacks it, no deeper
 * one may have it; each one must record, and not be in use.
 */
bool
model_is_valid (const struct model_disk *disk, const char *name)
{
  size_t count = 0;

  for (size_t i = 0; i < disk->nr_layers; i++) {
    const struct model_bitmap *bitmap = find_bitmap (&disk->layers[i], name);

    if (bitmap == NULL)
      continue;
    if (count != i || !bitmap->enabled || bitmap->in_use)
      return false;
    count++;
  }
  return count > 0;
}

/*** Checkpoints. ***/

struct model_checkpoint *
model_find (const struct model *model, const char *name)
{
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (strcmp (model->checkpoints[i].name, name) == 0)
      return (struct model_checkpoint *) &model->checkpoints[i];
  return NULL;
}

struct model_checkpoint *
model_find_existing (const struct model *model, const char *name)
{
  struct model_checkpoint *checkpoint = model_find (model, name);

  return checkpoint && checkpoint->exists ? checkpoint : NULL;
}

struct model_checkpoint *
model_start (struct model *model, const char *name)
{
  struct model_checkpoint *checkpoint = model_find (model, name);

  if (checkpoint == NULL) {
    CHECK (model->nr_checkpoints < MODEL_CHECKPOINTS);
    checkpoint = &model->checkpoints[model->nr_checkpoints++];
  }
  *checkpoint = (struct model_checkpoint) { .exists = false };
  strcpy (checkpoint->name, name);
  return checkpoint;
}

bool
model_is_ancestor (const struct model *model, const char *ancestor,
                   const char *name)
{
  const struct model_checkpoint *node = model_find_existing (model, name);

  while (node && node->parent[0]) {
    if (strcmp (node->parent, ancestor) == 0)
      return true;
    node = model_find_existing (model, node->parent);
  }
  return false;
}

size_t
model_count_children (const struct model *model, const char *name)
{
  size_t count = 0;

  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (model->checkpoints[i].exists
        && strcmp (model->checkpoints[i].parent, name) == 0)
      count++;
  return count;
}

static void
merge_all_layers (const struct model_disk *disk, const char *name,
                  struct sectors *changes)
{
  for (size_t i = 0; i < disk->nr_layers; i++) {
    const struct model_bitmap *bitmap = find_bitmap (&disk->layers[i], name);

    if (bitmap)
      sectors_merge (changes, &bitmap->set, disk->size, MODEL_SECTOR);
  }
}

/* The union of all bitmaps from the checkpoint to the first one that records
 * now, on the way to the current one (libvirt.md E.6).
 */
static enum model_answer
ask_chain (const struct model *model,
           const struct model_checkpoint *checkpoint, size_t disk,
           struct sectors *changes)
{
  const struct model_disk *d = &model->disks[disk];
  const struct model_checkpoint *path[MODEL_CHECKPOINTS];
  const struct model_checkpoint *node
    = model_find_existing (model, model->current);
  const struct model_bitmap *bitmap;
  size_t count = 0;

  if (!model->is_whole_chain)
    return MODEL_MAYBE;
  for (; node && node != checkpoint;
       node = model_find_existing (model, node->parent))
    path[count++] = node;
  if (node == NULL)
    return MODEL_MAYBE;
  path[count++] = checkpoint;
  while (count > 0) {
    node = path[--count];
    if (!node->has_bitmap[disk])
      continue;
    merge_all_layers (d, node->name, changes);
    bitmap = find_bitmap (&d->layers[0], node->name);
    if (bitmap && bitmap->enabled)
      return MODEL_KNOWN;
  }
  return MODEL_MAYBE;
}

static bool
is_disabled_anywhere (const struct model_disk *disk, const char *name)
{
  for (size_t i = 0; i < disk->nr_layers; i++) {
    const struct model_bitmap *bitmap = find_bitmap (&disk->layers[i], name);

    if (bitmap && !bitmap->enabled)
      return true;
  }
  return false;
}

static bool
may_be_in_a_chain (const struct model *model,
                   const struct model_checkpoint *checkpoint, size_t disk)
{
  return checkpoint->origin != MODEL_INDEPENDENT
         && checkpoint->has_bitmap[disk]
         && is_disabled_anywhere (&model->disks[disk], checkpoint->name);
}

enum model_answer
model_ask (const struct model *model,
           const struct model_checkpoint *checkpoint, size_t disk,
           struct sectors *changes)
{
  const struct model_disk *d = &model->disks[disk];

  *changes = (struct sectors) { { 0 } };
  if (d->kind == MODEL_DISK_EMPTY || d->kind == MODEL_DISK_RAW
      || !checkpoint->has_bitmap[disk])
    return MODEL_UNKNOWN;
  if (may_be_in_a_chain (model, checkpoint, disk))
    return ask_chain (model, checkpoint, disk, changes);
  if (!model_is_valid (d, checkpoint->name))
    return MODEL_UNKNOWN;
  merge_all_layers (d, checkpoint->name, changes);
  return MODEL_KNOWN;
}

bool
model_is_doubtful (const struct model *model)
{
  if (model->is_whole_chain)
    return false;
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    for (size_t disk = 0; disk < model->nr_disks; disk++)
      if (model->checkpoints[i].exists
          && may_be_in_a_chain (model, &model->checkpoints[i], disk))
        return true;
  return false;
}

/* Orphans, and layers with other granularities. */
static size_t
count_bitmap_findings (const struct model *model, size_t disk)
{
  const struct model_disk *d = &model->disks[disk];
  size_t count = 0;

  for (size_t i = 0; i < d->nr_layers; i++)
    for (size_t j = 0; j < d->layers[i].nr_bitmaps; j++) {
      const struct model_bitmap *bitmap = &d->layers[i].bitmaps[j];
      const struct model_checkpoint *owner
        = model_find_existing (model, bitmap->name);
      bool differs = false;

      for (size_t k = 1; i == 0 && k < d->nr_layers; k++) {
        const struct model_bitmap *below
          = find_bitmap (&d->layers[k], bitmap->name);

        differs = differs
                  || (below && below->granularity != bitmap->granularity);
      }
      if (owner == NULL || !owner->has_bitmap[disk])
        count++;
      else if (differs)
        count++;
    }
  return count;
}

size_t
model_count_findings (const struct model *model, bool *exact)
{
  struct sectors changes;
  size_t count = 0;

  *exact = true;
  for (size_t disk = 0; disk < model->nr_disks; disk++) {
    for (size_t i = 0; i < model->nr_checkpoints; i++) {
      const struct model_checkpoint *checkpoint = &model->checkpoints[i];
      enum model_answer answer;

      if (!checkpoint->exists || !checkpoint->has_bitmap[disk])
        continue;
      answer = model_ask (model, checkpoint, disk, &changes);
      if (answer == MODEL_MAYBE)
        *exact = false;
      else if (answer == MODEL_UNKNOWN)
        count++;
    }
    count += count_bitmap_findings (model, disk);
  }
  return count;
}
