/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap.c: the life of a dirty bitmap. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bitmap.h"
#include "error.h"
#include "round.h"

/* NORESERVE: a bitmap of a large disk is mostly clean, and the part of it that
 * is never written never takes memory.
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
