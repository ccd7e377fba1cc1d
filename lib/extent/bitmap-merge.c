/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-merge.c: what is dirty in any of several bitmaps.
 *
 * The result is made a block at a time: a block is small enough to stay in
 * the cache while every source adds to it, so each source is read from memory
 * once and the result is written once.  Blocks in which no source has a dirty
 * granule are skipped, and words that would not change are not written, so
 * clean areas of the result are neither visited nor given memory.
 *
 * A source whose granules are 2^n times those of the result is expanded, word
 * by word, one whose granules are 2^n times smaller is folded.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "error.h"
#include "round.h"

#define BLOCK_WORDS 2048

struct block {
  uint64_t first; /* the word of the result that words[0] belongs to */
  uint64_t nr_words;
  uint64_t words[BLOCK_WORDS];
};

/* Bits of a word that are apart by 2^n: bit 0, bit 2^n, bit 2 * 2^n... */
static const uint64_t every[] = {
  UINT64_C (0xffffffffffffffff), UINT64_C (0x5555555555555555),
  UINT64_C (0x1111111111111111), UINT64_C (0x0101010101010101),
  UINT64_C (0x0001000100010001), UINT64_C (0x0000000100000001),
  UINT64_C (0x0000000000000001),
};

/* Groups of 2^WIDTH bits that start every 2^STEP bits. */
static inline uint64_t
groups (unsigned width, unsigned step)
{
  return every[step] * ((UINT64_C (1) << (1 << width)) - 1);
}

/* The loops of the next two functions are unrolled so that with a constant N
 * every mask and shift is a constant, too.
 */

/* Make 2^N bits of each of the lowest 64 / 2^N bits of WORD (0 < N < 6).  The
 * upper half of what is still together moves to its place, then the upper
 * halves of the halves, and so on; at last each bit fills its group.
 */
static inline uint64_t
expand_word (uint64_t word, unsigned n)
{
  int width;

  word &= groups (6 - n, 6);
#pragma GCC unroll 6
  for (width = 5 - (int) n; width >= 0; width--)
    word = (word | word << ((1 << (width + n)) - (1 << width)))
           & groups (width, width + n);
  return (word << (1 << n)) - word;
}

/* Make one bit, in the lowest 64 / 2^N, of each 2^N bits of WORD (0 < N < 6):
 * gather each group into its lowest bit, and move these together.
 */
static inline uint64_t
fold_word (uint64_t word, unsigned n)
{
  unsigned width;

#pragma GCC unroll 6
  for (width = 0; width < n; width++)
    word |= word >> (1 << width);
  word &= every[n];
#pragma GCC unroll 6
  for (width = 0; width < 6 - n; width++)
    word = (word | word >> ((1 << (width + n)) - (1 << width)))
           & groups (width + 1, width + 1 + n);
  return word;
}

/* WORD, which is word I of a bitmap, without the bits from END_BIT on. */
static inline uint64_t
keep_before (uint64_t word, uint64_t i, uint64_t end_bit)
{
  if (i < end_bit / 64)
    return word;
  if (i > end_bit / 64)
    return 0;
  return word & ~(~UINT64_C (0) << end_bit % 64);
}

/* The words of BLOCK that lie before END_BIT of the result. */
static inline uint64_t
nr_words_before (const struct block *block, uint64_t end_bit)
{
  uint64_t end = div_round_up (end_bit, 64);

  return end <= block->first ? 0 : min_u64 (block->nr_words,
                                            end - block->first);
}

/* SOURCE has the granularity of the result. */
static void
add_equal (struct block *block, const pb_bitmap *source)
{
  uint64_t nr_words = nr_words_before (block, source->nr_bits), i, j;
  const uint64_t *from = source->words + block->first;

  /* An inner loop of known length is what compilers make vectors of. */
  for (i = 0; nr_words - i >= 8; i += 8)
    for (j = i; j < i + 8; j++)
      block->words[j] |= from[j];
  for (; i < nr_words; i++)
    block->words[i] |= from[i];
}

/* SOURCE has granules 2^N times those of the result.  Of its last one only
 * what lies before END_BIT of the result is on its disk.
 */
static inline void
add_expanded (struct block *block, const pb_bitmap *source, unsigned n,
              uint64_t end_bit)
{
  uint64_t nr_words = nr_words_before (block, end_bit), i, at, word;

  for (i = 0; i < nr_words; i++) {
    at = block->first + i;
    word = source->words[at >> n] >> ((at & ((1 << n) - 1)) * (64 >> n));
    if (word != 0)
      block->words[i] |= keep_before (expand_word (word, n), at, end_bit);
  }
}

/* The same, where each bit of SOURCE makes 2^(N - 6) words of the result. */
static void
add_expanded_bits (struct block *block, const pb_bitmap *source, unsigned n,
                   uint64_t end_bit)
{
  uint64_t nr_words = nr_words_before (block, end_bit), i, at, bit, word;

  for (i = 0; i < nr_words; i++) {
    at = block->first + i;
    bit = at >> (n - 6);
    word = 0 - (source->words[bit / 64] >> bit % 64 & 1);
    block->words[i] |= keep_before (word, at, end_bit);
  }
}

/* SOURCE has granules that 2^N of make one of the result.  Those from END_BIT
 * on (of SOURCE) are beyond the disk of the result.
 */
static inline void
add_folded (struct block *block, const pb_bitmap *source, unsigned n,
            uint64_t end_bit)
{
  uint64_t nr_words = div_round_up (end_bit, 64), i, j, at, word;

  for (i = 0; i < block->nr_words; i++)
    for (j = 0; j < UINT64_C (1) << n; j++) {
      at = (block->first + i) << n | j;
      if (at >= nr_words)
        return;
      word = keep_before (source->words[at], at, end_bit);
      block->words[i] |= fold_word (word, n) << (j * (64 >> n));
    }
}

/* The same, where 2^(N - 6) words of SOURCE make one bit of the result.  The
 * first dirty bit among them decides, and the rest is passed over.
 */
static void
add_folded_words (struct block *block, const pb_bitmap *source, unsigned n,
                  uint64_t end_bit)
{
  uint64_t first = block->first * 64, bit, from, to;

  from = first << n;
  to = min_u64 (end_bit, (first + block->nr_words * 64) << n);
  while ((from = find_bit (source->words, from, to, 0)) < to) {
    bit = from >> n;
    block->words[(bit - first) / 64] |= UINT64_C (1) << bit % 64;
    from = (bit + 1) << n;
  }
}

/* Granules of 2^GRANULARITY_BITS bytes that SIZE bytes touch. */
static uint64_t
granules (uint64_t size, unsigned granularity_bits)
{
  return div_round_up (size, UINT64_C (1) << granularity_bits);
}

static void
add_coarser (struct block *block, const pb_bitmap *source, unsigned n)
{
  unsigned result_bits = source->granularity_bits - n;
  uint64_t end_bit = granules (source->size, result_bits);

  /* Each N has a loop of its own, in which masks and shifts are constants. */
  switch (n) {
  case 1: add_expanded (block, source, 1, end_bit); break;
  case 2: add_expanded (block, source, 2, end_bit); break;
  case 3: add_expanded (block, source, 3, end_bit); break;
  case 4: add_expanded (block, source, 4, end_bit); break;
  case 5: add_expanded (block, source, 5, end_bit); break;
  default: add_expanded_bits (block, source, n, end_bit);
  }
}

static void
add_finer (struct block *block, const pb_bitmap *source, unsigned n,
           uint64_t result_size)
{
  uint64_t end_bit = granules (min_u64 (result_size, source->size),
                               source->granularity_bits);

  switch (n) {
  case 1: add_folded (block, source, 1, end_bit); break;
  case 2: add_folded (block, source, 2, end_bit); break;
  case 3: add_folded (block, source, 3, end_bit); break;
  case 4: add_folded (block, source, 4, end_bit); break;
  case 5: add_folded (block, source, 5, end_bit); break;
  default: add_folded_words (block, source, n, end_bit);
  }
}

static void
add_source (struct block *block, const pb_bitmap *result,
            const pb_bitmap *source)
{
  unsigned to = result->granularity_bits, from = source->granularity_bits;

  if (from == to)
    add_equal (block, source);
  else if (from > to)
    add_coarser (block, source, from - to);
  else
    add_finer (block, source, to - from, result->size);
}

static void
store (pb_bitmap *result, const struct block *block)
{
  uint64_t *words = result->words + block->first, i, word;

  for (i = 0; i < block->nr_words; i++) {
    word = keep_before (block->words[i], block->first + i, result->nr_bits);
    if (word != 0 && (word & ~words[i]) != 0)
      words[i] |= word;
  }
}

/* Start BLOCK where the word for OFFSET is; returns the byte of the disk at
 * which it ends.
 */
static uint64_t
start_block (struct block *block, const pb_bitmap *result, uint64_t offset)
{
  block->first = round_down ((offset >> result->granularity_bits) / 64,
                             BLOCK_WORDS);
  block->nr_words = min_u64 (BLOCK_WORDS, result->nr_words - block->first);
  memset (block->words, 0, block->nr_words * sizeof block->words[0]);
  return (block->first + block->nr_words) * 64 << result->granularity_bits;
}

static int
add_all (pb_bitmap *result, const pb_bitmap *const *sources, size_t count)
{
  /* For each source, its first dirty byte after the blocks that are done. */
  uint64_t *CLEANUP_FREE next = calloc (count, sizeof *next);
  uint64_t lowest, end;
  struct block block;
  size_t i;

  if (!next) {
    set_error_errno ("merging dirty bitmaps");
    return -1;
  }
  for (end = 0;;) {
    lowest = PB_NO_OFFSET;
    for (i = 0; i < count; i++) {
      if (next[i] <= end)
        next[i] = pb_bitmap_next_dirty (sources[i], end, result->size);
      lowest = min_u64 (lowest, next[i]);
    }
    if (lowest == PB_NO_OFFSET)
      return 0;
    end = start_block (&block, result, lowest);
    for (i = 0; i < count; i++)
      if (next[i] < end)
        add_source (&block, result, sources[i]);
    store (result, &block);
  }
}

int
pb_bitmap_merge (pb_bitmap *target, const pb_bitmap *source)
{
  return add_all (target, &source, 1);
}

pb_bitmap *
pb_bitmap_union (const pb_bitmap *const *bitmaps, size_t count)
{
  pb_bitmap *CLEANUP_BITMAP result = NULL;
  uint64_t size = 0, granularity = PB_GRANULARITY_MAX;
  size_t i;

  if (count == 0) {
    pb_set_error (EINVAL, "union of dirty bitmaps: there are none");
    return NULL;
  }
  for (i = 0; i < count; i++) {
    size = max_u64 (size, bitmaps[i]->size);
    granularity
      = min_u64 (granularity, pb_bitmap_get_granularity (bitmaps[i]));
  }
  result = pb_bitmap_new (size, granularity);
  if (!result || add_all (result, bitmaps, count) == -1)
    return NULL;
  return STEAL (result);
}
