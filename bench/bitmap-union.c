/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-union.c: how fast dirty bitmaps are united, scanned and merged,
 * beside memcpy of the same bytes in the same run.
 *
 * Each row is the median of several pairs of runs, one of ours and one of
 * memcpy, taken in turns so that whatever else the machine does hits both.
 * Prints rows of a Markdown table.
 */

#include "config.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bitmap.h"
#include "pullback.h"

#define GIB (UINT64_C (1) << 30)
#define DISK_SIZE (64 * 1024 * GIB)
#define GRANULARITY UINT64_C (65536)
#define NR_BITMAPS 32
#define PAIRS 5

struct bench {
  pb_bitmap *bitmaps[NR_BITMAPS]; /* random: half of their bits are dirty */
  pb_bitmap *last_dirty;          /* clean but for its last granule */
  pb_bitmap *last_clean;
  pb_bitmap *coarse;              /* random, of 16 times the granularity */
  uint8_t *buffer;
  size_t bytes; /* of one bitmap, and of the buffer */
  uint64_t result;
};

struct row {
  const char *name;
  void (*run) (struct bench *bench);
  unsigned copies; /* how many bitmaps memcpy has to copy for it */
  const char *target;
};

static void
die (const char *what)
{
  fprintf (stderr, "bitmap-union: %s: %s\n", what, pb_get_error ());
  exit (1);
}

static void *
allocate (size_t bytes)
{
  void *p = malloc (bytes);

  if (!p) {
    fprintf (stderr, "bitmap-union: not enough memory\n");
    exit (1);
  }
  return p;
}

static double
now (void)
{
  struct timespec ts;

  clock_gettime (CLOCK_MONOTONIC, &ts);
  return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* xorshift64: the same bits in every run. */
static void
fill_random (void *buffer, size_t bytes)
{
  static uint64_t state = 88172645463325252;
  uint64_t *words = buffer;
  size_t i;

  for (i = 0; i < bytes / sizeof *words; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    words[i] = state;
  }
}

static pb_bitmap *
random_bitmap (uint64_t granularity, uint8_t *scratch)
{
  pb_bitmap *bitmap = pb_bitmap_new (DISK_SIZE, granularity);
  size_t bytes;

  if (!bitmap)
    die ("pb_bitmap_new");
  bytes = pb_bitmap_serialized_size (bitmap);
  fill_random (scratch, bytes);
  if (pb_bitmap_deserialize (bitmap, scratch, bytes, 0) == -1)
    die ("pb_bitmap_deserialize");
  return bitmap;
}

/* All of it is set first, so that its memory is there. */
static pb_bitmap *
uniform_bitmap (bool dirty)
{
  pb_bitmap *bitmap = pb_bitmap_new (DISK_SIZE, GRANULARITY);
  uint64_t last = DISK_SIZE - GRANULARITY;

  if (!bitmap || pb_bitmap_set (bitmap, 0, DISK_SIZE) == -1
      || pb_bitmap_clear (bitmap, dirty ? last : 0,
                          dirty ? GRANULARITY : last)
           == -1)
    die ("making a bitmap");
  return bitmap;
}

static void
prepare (struct bench *bench)
{
  unsigned i;

  bench->bytes = DISK_SIZE / GRANULARITY / 8;
  bench->buffer = allocate (bench->bytes);
  for (i = 0; i < NR_BITMAPS; i++)
    bench->bitmaps[i] = random_bitmap (GRANULARITY, bench->buffer);
  bench->coarse = random_bitmap (16 * GRANULARITY, bench->buffer);
  bench->last_dirty = uniform_bitmap (false);
  bench->last_clean = uniform_bitmap (true);
}

static void
clean_up (struct bench *bench)
{
  unsigned i;

  for (i = 0; i < NR_BITMAPS; i++)
    pb_bitmap_free (bench->bitmaps[i]);
  pb_bitmap_free (bench->coarse);
  pb_bitmap_free (bench->last_dirty);
  pb_bitmap_free (bench->last_clean);
  free (bench->buffer);
}

static void
run_union (struct bench *bench)
{
  pb_bitmap *all = pb_bitmap_union (
    (const pb_bitmap *const *) bench->bitmaps, NR_BITMAPS);

  if (!all)
    die ("pb_bitmap_union");
  bench->result += pb_bitmap_test_any (all, 0, DISK_SIZE);
  pb_bitmap_free (all);
}

static void
run_count (struct bench *bench)
{
  bench->result += pb_bitmap_count (bench->bitmaps[0]);
}

static void
run_next_dirty (struct bench *bench)
{
  bench->result += pb_bitmap_next_dirty (bench->last_dirty, 0, DISK_SIZE);
}

static void
run_next_clean (struct bench *bench)
{
  bench->result += pb_bitmap_next_clean (bench->last_clean, 0, DISK_SIZE);
}

static void
merge_into_new (struct bench *bench, uint64_t granularity,
                const pb_bitmap *source)
{
  pb_bitmap *target = pb_bitmap_new (DISK_SIZE, granularity);

  if (!target || pb_bitmap_merge (target, source) == -1)
    die ("pb_bitmap_merge");
  bench->result += pb_bitmap_test_any (target, 0, DISK_SIZE);
  pb_bitmap_free (target);
}

static void
run_expand (struct bench *bench)
{
  merge_into_new (bench, GRANULARITY, bench->coarse);
}

static void
run_fold (struct bench *bench)
{
  merge_into_new (bench, 16 * GRANULARITY, bench->bitmaps[0]);
}

static int
compare (const void *a, const void *b)
{
  const double *x = a, *y = b;

  return *x < *y ? -1 : *x > *y;
}

static double
median (double *values)
{
  qsort (values, PAIRS, sizeof values[0], compare);
  return values[PAIRS / 2];
}

static void
measure (struct bench *bench, const struct row *row)
{
  double ours[PAIRS], copies[PAIRS], ratios[PAIRS], start;
  double gib = (double) bench->bytes * row->copies / GIB;
  unsigned pair, i;

  for (pair = 0; pair < PAIRS; pair++) {
    start = now ();
    row->run (bench);
    ours[pair] = now () - start;

    start = now ();
    for (i = 0; i < row->copies; i++) {
      memcpy (bench->buffer, bench->bitmaps[i]->words, bench->bytes);
      bench->result += bench->buffer[i];
    }
    copies[pair] = now () - start;
    ratios[pair] = ours[pair] / copies[pair];
  }
  printf ("| %s | %.3f s | %.1f GiB/s | %.3f s | %.2f | %s |\n", row->name,
          median (ours), gib / median (ours), median (copies),
          median (ratios), row->target);
}

int
main (void)
{
  static const struct row rows[] = {
    { "union of 32 random bitmaps", run_union, NR_BITMAPS, "1.5" },
    { "count a random bitmap", run_count, 1, "" },
    { "find the one dirty granule, the last", run_next_dirty, 1, "" },
    { "find the one clean granule, the last", run_next_clean, 1, "" },
    { "merge a random bitmap of 1 MiB granules into a new one", run_expand, 1,
      "" },
    { "merge a random bitmap into a new one of 1 MiB granules", run_fold, 1,
      "" },
  };
  struct bench bench = { .result = 0 };
  size_t i;

  prepare (&bench);
  printf ("| bitmaps of a 64 TiB disk, granularity 64 KiB (128 MiB each) "
          "| pullback | | memcpy of the same bytes | ratio | target |\n"
          "|---|---|---|---|---|---|\n");
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++)
    measure (&bench, &rows[i]);
  clean_up (&bench);

  /* Results that are used are results that the compiler must compute. */
  return bench.result == 0;
}
