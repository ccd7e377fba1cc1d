/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap.h: how a dirty bitmap lies in memory.
 *
 * One flat array of 64-bit words in anonymous memory of its own, so that
 * areas never touched take none.  Granule n is bit n % 64 of word n / 64; bits
 * beyond the last granule are always 0, so scans and counts need no mask at
 * the end of the disk.
 */

#ifndef PULLBACK_BITMAP_H
#define PULLBACK_BITMAP_H

#include "cleanup.h"
#include "pullback.h"

struct pb_bitmap {
  uint64_t size;             /* bytes of the disk */
  unsigned granularity_bits; /* log2 of bytes a bit */
  uint64_t nr_bits;          /* granules: ceil (size / granularity) */
  uint64_t nr_words;
  uint64_t *words;           /* NULL when nr_words is 0 */
};

/* The first bit in [FIRST, END) that is not as those of SAME, which is 0 or
 * ~0, or END where there is none.
 */
uint64_t find_bit (const uint64_t *words, uint64_t first, uint64_t end,
                   uint64_t same);

/* As pb_bitmap_extents (), but the stream takes BITMAP over, and frees it also
 * where this fails.
 */
pb_extents *bitmap_extents_owned (pb_bitmap *bitmap, uint64_t offset,
                                  uint64_t length);

static inline void
cleanup_bitmap (pb_bitmap **bitmap)
{
  pb_bitmap_free (*bitmap);
}

/* pb_bitmap *CLEANUP_BITMAP b = ...; */
#define CLEANUP_BITMAP CLEANUP (cleanup_bitmap)

#endif /* PULLBACK_BITMAP_H */
