/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk-bitmaps.h: the bitmaps of a disk, in all layers of its backing chain,
 * and which of them say what has changed since a checkpoint.
 *
 * Two models of bitmaps are read:
 *
 * - independent: a bitmap records for as long as it exists, and alone says all
 *   that has changed since.  An external snapshot starts an equally named one
 *   in the overlay, so what has changed is the union over the layers, from the
 *   top one down to the last that has it.
 *
 * - a chain: only the newest bitmap records, and what has changed since a
 *   checkpoint is the union of its bitmap and those of all checkpoints between
 *   it and the present.
 *
 * All here are pure functions of what a driver has seen in the images, and of
 * the tree.  Where they doubt, changes are not known: the caller then needs a
 * full backup, which costs time and no data.
 */

#ifndef PULLBACK_DISK_BITMAPS_H
#define PULLBACK_DISK_BITMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "image-identity.h"
#include "pullback.h"
#include "tree.h"

struct layer_bitmap {
  char *name;
  uint64_t granularity;
  bool enabled;
  bool in_use;
  char *reason; /* why it cannot be trusted, or NULL */
};

struct disk_layer {
  char *path; /* of the image */
  struct image_identity identity;
  size_t nr_bitmaps;
  struct layer_bitmap *bitmaps;
  char *damage; /* of all bitmaps in it, or NULL */
};

struct disk_bitmaps {
  char *disk;
  size_t nr_layers; /* [0] is the top one */
  struct disk_layer *layers;
};

void disk_bitmaps_clear (struct disk_bitmaps *bitmaps);
const struct layer_bitmap *disk_layer_find (const struct disk_layer *layer,
                                            const char *name);

/* The bitmap that NODE has on the disk called DISK, or NULL where it leaves the
 * disk out.
 */
const char *checkpoint_node_bitmap (const struct checkpoint_node *node,
                                    const char *disk);

/* The lowest layer that has NODE's bitmap, where that is not the image that it
 * was made in: a layer has been lost, or this is another disk.  Else NULL.
 */
const struct disk_layer *
disk_bitmaps_find_misplaced (const struct disk_bitmaps *bitmaps,
                             const struct checkpoint_node *node);

/* Are they the same, so that a range of the one holds for the other? */
bool disk_bitmaps_are_equal (const struct disk_bitmaps *a,
                             const struct disk_bitmaps *b);

/* Let COPY be as BITMAPS will be when the COUNT bitmaps called NAMES are gone
 * from all its layers.
 */
int disk_bitmaps_without (struct disk_bitmaps *copy,
                          const struct disk_bitmaps *bitmaps,
                          const char *const *names, size_t count);

/* Which bitmaps, of which layers, together say what has changed. */
struct bitmap_range {
  bool is_known;
  enum pb_finding_kind kind; /* where it is not known: what is wrong */
  char *reason;              /* and that as a sentence's end: "bitmap a: the
                              * layer x.qcow2 lacks it" */
  bool is_chain;             /* needs bitmaps of later checkpoints too, also
                              * where it is not known */
  size_t nr_parts;
  struct bitmap_range_part {
    size_t layer; /* index into disk_bitmaps.layers */
    char *bitmap;
  } *parts;
};

void bitmap_range_clear (struct bitmap_range *range);

/* What has changed on the disk since the checkpoint NODE.  Fails only where
 * memory is short; that the changes are not known is an answer.
 */
int bitmap_range_find (struct bitmap_range *range,
                       const struct disk_bitmaps *bitmaps,
                       const struct checkpoint_tree *tree,
                       const struct checkpoint_node *node);

/* The same for a bitmap by itself, by the rule for independent ones: the top
 * layer has it, no layer above one that has it lacks it, and each is enabled
 * and can be trusted.
 */
int bitmap_range_independent (struct bitmap_range *range,
                              const struct disk_bitmaps *bitmaps,
                              const char *name);

/* Checkpoints that need the bitmap of NODE on this disk to know what changed
 * since them: those older ones whose range has it as a part.  A new list of
 * *COUNT, nearest first, freed by the caller.
 */
struct checkpoint_node **
bitmap_dependents (const struct disk_bitmaps *bitmaps,
                   const struct checkpoint_tree *tree,
                   const struct checkpoint_node *node, size_t *count);

/* Older checkpoints whose bitmap on this disk is one of a chain, but whose
 * range is not known: a link of the chain is broken, or it is not known where
 * it goes on.  If NODE and its bitmap went away now, they might come to look
 * whole without what that bitmap recorded (or was to record).  So whoever
 * deletes NODE deletes these as well, before or with it, or refuses.  A list
 * as above.
 */
struct checkpoint_node **
bitmap_stranded (const struct disk_bitmaps *bitmaps,
                 const struct checkpoint_tree *tree,
                 const struct checkpoint_node *node, size_t *count);

static inline void
cleanup_bitmap_range (struct bitmap_range *range)
{
  bitmap_range_clear (range);
}

#define CLEANUP_BITMAP_RANGE CLEANUP (cleanup_bitmap_range)

static inline void
cleanup_disk_bitmaps (struct disk_bitmaps *bitmaps)
{
  disk_bitmaps_clear (bitmaps);
}

#define CLEANUP_DISK_BITMAPS CLEANUP (cleanup_disk_bitmaps)

#endif /* PULLBACK_DISK_BITMAPS_H */
