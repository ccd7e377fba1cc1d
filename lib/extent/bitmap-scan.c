/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-scan.c: what a dirty bitmap says. */

#include "config.h"

#include "bitmap.h"
#include "extents.h"
#include "round.h"

/* Scans look at this many words at a time. */
#define STRIDE 8

static inline bool
stride_is (const uint64_t *words, uint64_t same)
{
  uint64_t difference = 0;
  unsigned i;

  for (i = 0; i < STRIDE; i++)
    difference |= words[i] ^ same;
  return difference == 0;
}

/* The first word in [FIRST, END) that is not SAME, or END. */
static uint64_t
find_word (const uint64_t *words, uint64_t first, uint64_t end, uint64_t same)
{
  while (end - first >= STRIDE && stride_is (words + first, same))
    first += STRIDE;
  while (first < end && words[first] == same)
    first++;
  return first;
}

uint64_t
find_bit (const uint64_t *words, uint64_t first, uint64_t end, uint64_t same)
{
  uint64_t nr_words = div_round_up (end, 64), i = first / 64, difference;

  if (first >= end)
    return end;
  difference = (words[i] ^ same) & ~UINT64_C (0) << first % 64;
  if (difference == 0) {
    i = find_word (words, i + 1, nr_words, same);
    if (i == nr_words)
      return end;
    difference = words[i] ^ same;
  }
  return min_u64 (i * 64 + (uint64_t) __builtin_ctzll (difference), end);
}

static uint64_t
find_offset (const pb_bitmap *bitmap, uint64_t offset, uint64_t end,
             uint64_t same)
{
  uint64_t end_bit, bit;

  end = min_u64 (end, bitmap->size);
  if (offset >= end)
    return PB_NO_OFFSET;
  end_bit = ((end - 1) >> bitmap->granularity_bits) + 1;
  bit = find_bit (bitmap->words, offset >> bitmap->granularity_bits, end_bit,
                  same);
  if (bit == end_bit)
    return PB_NO_OFFSET;
  return max_u64 (bit << bitmap->granularity_bits, offset);
}

uint64_t
pb_bitmap_next_dirty (const pb_bitmap *bitmap, uint64_t offset, uint64_t end)
{
  return find_offset (bitmap, offset, end, 0);
}

uint64_t
pb_bitmap_next_clean (const pb_bitmap *bitmap, uint64_t offset, uint64_t end)
{
  return find_offset (bitmap, offset, end, ~UINT64_C (0));
}

bool
pb_bitmap_test_any (const pb_bitmap *bitmap, uint64_t offset, uint64_t length)
{
  /* A range that goes beyond 2^64 still ends beyond the disk. */
  uint64_t end = offset + min_u64 (length, UINT64_MAX - offset);

  return pb_bitmap_next_dirty (bitmap, offset, end) != PB_NO_OFFSET;
}

bool
pb_bitmap_test_all (const pb_bitmap *bitmap, uint64_t offset, uint64_t length)
{
  if (length == 0)
    return true;
  return range_is_inside (offset, length, bitmap->size)
         && pb_bitmap_next_clean (bitmap, offset, offset + length)
              == PB_NO_OFFSET;
}

/* Counting: bits are first added up in place by carry-save adders, 64 columns
 * a word, so that only one vector in eight has to be counted bit by bit.  This
 * needs no instruction that some machine lacks, and keeps up with memory.
 */

typedef uint64_t vector __attribute__ ((__vector_size__ (16)));
#define VECTOR_WORDS (sizeof (vector) / sizeof (uint64_t))
#define BLOCK_WORDS (8 * VECTOR_WORDS)

static unsigned
count_in_word (uint64_t word)
{
  word -= word >> 1 & UINT64_C (0x5555555555555555);
  word = (word & UINT64_C (0x3333333333333333))
         + (word >> 2 & UINT64_C (0x3333333333333333));
  word = (word + (word >> 4)) & UINT64_C (0x0f0f0f0f0f0f0f0f);
  return (unsigned) (word * UINT64_C (0x0101010101010101) >> 56);
}

static unsigned
count_in_vector (const vector *v)
{
  return count_in_word ((*v)[0]) + count_in_word ((*v)[1]);
}

/* *SUM + A + B, column by column: what is over goes to *CARRY. */
static inline void
add (vector *carry, vector *sum, const vector *a, const vector *b)
{
  vector half = *sum ^ *a;

  *carry = (*sum & *a) | (half & *b);
  *sum = half ^ *b;
}

/* Set bits in NR_WORDS words from an address aligned to a vector. */
static uint64_t
count_bits (const uint64_t *words, uint64_t nr_words)
{
  vector ones = { 0 }, twos = { 0 }, fours = { 0 };
  vector twos_a, twos_b, fours_a, fours_b, eights;
  uint64_t count = 0, i;

  for (i = 0; nr_words - i >= BLOCK_WORDS; i += BLOCK_WORDS) {
    const vector *v = (const void *) (words + i);

    add (&twos_a, &ones, &v[0], &v[1]);
    add (&twos_b, &ones, &v[2], &v[3]);
    add (&fours_a, &twos, &twos_a, &twos_b);
    add (&twos_a, &ones, &v[4], &v[5]);
    add (&twos_b, &ones, &v[6], &v[7]);
    add (&fours_b, &twos, &twos_a, &twos_b);
    add (&eights, &fours, &fours_a, &fours_b);
    count += 8 * count_in_vector (&eights);
  }
  count += 4 * count_in_vector (&fours) + 2 * count_in_vector (&twos)
           + count_in_vector (&ones);
  for (; i < nr_words; i++)
    count += count_in_word (words[i]);
  return count;
}

uint64_t
pb_bitmap_count (const pb_bitmap *bitmap)
{
  uint64_t granularity = pb_bitmap_get_granularity (bitmap), count;

  if (bitmap->size == 0)
    return 0;
  count = count_bits (bitmap->words, bitmap->nr_words)
          << bitmap->granularity_bits;
  if (pb_bitmap_test_any (bitmap, bitmap->size - 1, 1))
    count -= bitmap->nr_bits * granularity - bitmap->size;
  return count;
}

static int
bitmap_status (void *opaque, uint64_t offset, uint64_t end,
               struct pb_extent *extent)
{
  const pb_bitmap *bitmap = opaque;
  uint64_t next = pb_bitmap_next_dirty (bitmap, offset, end);

  if (next == offset) {
    extent->flags = PB_EXTENT_DIRTY;
    next = pb_bitmap_next_clean (bitmap, offset, end);
  }
  extent->length = min_u64 (next, end) - offset;
  return 0;
}

pb_extents *
pb_bitmap_extents (const pb_bitmap *bitmap, uint64_t offset, uint64_t length)
{
  static const struct pb_extents_ops ops = { .status = bitmap_status };

  if (check_range ("dirty bitmap", offset, length, bitmap->size) == -1)
    return NULL;
  return pb_extents_new (offset, length, &ops, (void *) bitmap);
}

static void
bitmap_free (void *opaque)
{
  pb_bitmap_free (opaque);
}

pb_extents *
bitmap_extents_owned (pb_bitmap *bitmap, uint64_t offset, uint64_t length)
{
  static const struct pb_extents_ops ops = { .status = bitmap_status,
                                             .free = bitmap_free };

  if (check_range ("dirty bitmap", offset, length, bitmap->size) == -1) {
    pb_bitmap_free (bitmap);
    return NULL;
  }
  return pb_extents_new (offset, length, &ops, bitmap);
}
