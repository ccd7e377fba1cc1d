/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap.c: the life of a dirty bitmap, and changing ranges of it. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bitmap.h"
#include "error.h"
#include "extents.h"
#include "round.h"

/* NORESERVE: a bitmap of a large disk is mostly clean, and the part of it that
 * is never written takes no memory, nor by reading where the kernel shares one
 * page of zeroes.
 */
static int
map_words (pb_bitmap *bitmap)
{
  void *words;

  if (bitmap->nr_words == 0)
    return 0;
  if (bitmap->nr_words > SIZE_MAX / sizeof (uint64_t))
    goto no_memory;
  words = mmap (NULL, bitmap->nr_words * sizeof (uint64_t),
                PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (words == MAP_FAILED)
    goto no_memory;
  bitmap->words = words;
  return 0;

no_memory:
  errno = ENOMEM;
  set_error_errno ("dirty bitmap of %" PRIu64
                   " bytes, for a disk of %" PRIu64 " bytes",
                   bitmap->nr_words * sizeof (uint64_t), bitmap->size);
  return -1;
}

pb_bitmap *
pb_bitmap_new (uint64_t size, uint64_t granularity)
{
  pb_bitmap *CLEANUP_BITMAP bitmap = NULL;

  if (size > PB_DISK_SIZE_MAX) {
    pb_set_error (EINVAL,
                  "dirty bitmap: disk size %" PRIu64 " is more than %" PRIu64,
                  size, PB_DISK_SIZE_MAX);
    return NULL;
  }
  if (!is_power_of_2 (granularity) || granularity < PB_GRANULARITY_MIN
      || granularity > PB_GRANULARITY_MAX) {
    pb_set_error (EINVAL,
                  "dirty bitmap: granularity %" PRIu64
                  " is not a power of two from %" PRIu64 " to %" PRIu64,
                  granularity, PB_GRANULARITY_MIN, PB_GRANULARITY_MAX);
    return NULL;
  }

  bitmap = calloc (1, sizeof *bitmap);
  if (!bitmap) {
    set_error_errno ("dirty bitmap");
    return NULL;
  }
  bitmap->size = size;
  bitmap->granularity_bits = (unsigned) __builtin_ctzll (granularity);
  bitmap->nr_bits = div_round_up (size, granularity);
  bitmap->nr_words = div_round_up (bitmap->nr_bits, 64);
  if (map_words (bitmap) == -1)
    return NULL;
  return STEAL (bitmap);
}

void
pb_bitmap_free (pb_bitmap *bitmap)
{
  if (!bitmap)
    return;
  if (bitmap->words)
    munmap (bitmap->words, bitmap->nr_words * sizeof (uint64_t));
  free (bitmap);
}

uint64_t
pb_bitmap_get_size (const pb_bitmap *bitmap)
{
  return bitmap->size;
}

uint64_t
pb_bitmap_get_granularity (const pb_bitmap *bitmap)
{
  return UINT64_C (1) << bitmap->granularity_bits;
}

/* The bits of word FIRST / 64 from bit FIRST on, and of word LAST / 64 up to
 * and with bit LAST.
 */
static uint64_t
mask_from (uint64_t first)
{
  return ~UINT64_C (0) << first % 64;
}

static uint64_t
mask_to (uint64_t last)
{
  return ~UINT64_C (0) >> (63 - last % 64);
}

int
pb_bitmap_set (pb_bitmap *bitmap, uint64_t offset, uint64_t length)
{
  uint64_t *words = bitmap->words;
  uint64_t first, last;

  if (check_range ("dirty bitmap", offset, length, bitmap->size) == -1)
    return -1;
  if (length == 0)
    return 0;

  first = offset >> bitmap->granularity_bits;
  last = (offset + length - 1) >> bitmap->granularity_bits;
  if (first / 64 == last / 64) {
    words[first / 64] |= mask_from (first) & mask_to (last);
    return 0;
  }
  words[first / 64] |= mask_from (first);
  memset (&words[first / 64 + 1], 0xff,
          (last / 64 - first / 64 - 1) * sizeof *words);
  words[last / 64] |= mask_to (last);
  return 0;
}

/* A word that is 0 is not written to: its page may not exist yet. */
static void
clear_in_word (uint64_t *word, uint64_t mask)
{
  if (*word & mask)
    *word &= ~mask;
}

int
pb_bitmap_clear (pb_bitmap *bitmap, uint64_t offset, uint64_t length)
{
  uint64_t *words = bitmap->words;
  uint64_t end = offset + length, first, last, i;

  if (check_range ("dirty bitmap", offset, length, bitmap->size) == -1)
    return -1;

  /* From the first granule that starts in the range to the last that ends in
   * it, as bits [first, last + 1).
   */
  first = round_up (offset, pb_bitmap_get_granularity (bitmap))
          >> bitmap->granularity_bits;
  last = end == bitmap->size ? bitmap->nr_bits
                             : end >> bitmap->granularity_bits;
  if (first >= last)
    return 0;
  last--;

  if (first / 64 == last / 64) {
    clear_in_word (&words[first / 64], mask_from (first) & mask_to (last));
    return 0;
  }
  clear_in_word (&words[first / 64], mask_from (first));
  for (i = first / 64 + 1; i < last / 64; i++)
    clear_in_word (&words[i], ~UINT64_C (0));
  clear_in_word (&words[last / 64], mask_to (last));
  return 0;
}
