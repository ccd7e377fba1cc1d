/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-range.h: how a range of bitmaps is put together.
 *
 * A function that judges returns 1 where it has nothing against the range; 0
 * where the changes are not known, which the range then says; and -1 where
 * memory is short.
 */

#ifndef PULLBACK_BITMAP_RANGE_H
#define PULLBACK_BITMAP_RANGE_H

#include "disk-bitmaps.h"

/* The changes are not known: RANGE becomes that.  Returns 0 or -1. */
int bitmap_range_not_known (struct bitmap_range *range,
                            enum pb_finding_kind kind, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 3, 4)));

/* The same, because of a bitmap that cannot be trusted. */
int bitmap_range_not_known_for (struct bitmap_range *range,
                                const struct disk_layer *layer,
                                const struct layer_bitmap *bitmap);

/* A damaged directory may have had any bitmap in it.  Returns as said above. */
int bitmap_range_judge_damage (struct bitmap_range *range,
                               const struct disk_bitmaps *bitmaps,
                               const char *name);

/* On failure RANGE is empty. */
int bitmap_range_add_part (struct bitmap_range *range, size_t layer,
                           const char *name);

/* Is the bitmap of NODE one of a chain?  See bitmap-chain.c. */
bool bitmap_chain_has (const struct disk_bitmaps *bitmaps,
                       const struct checkpoint_node *node);

/* What has changed since NODE, whose bitmap is one of a chain. */
int bitmap_chain_find (struct bitmap_range *range,
                       const struct disk_bitmaps *bitmaps,
                       const struct checkpoint_tree *tree,
                       const struct checkpoint_node *node);

#endif /* PULLBACK_BITMAP_RANGE_H */
