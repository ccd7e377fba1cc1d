/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-extent-bitmap-memory.c: dirty bitmaps take memory for what was set. */

#include "config.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "bitmap.h"
#include "unit.h"

#define KIB UINT64_C (1024)
#define GIB (KIB * KIB * KIB)

static pb_bitmap *
bitmap_new (uint64_t size, uint64_t granularity)
{
  pb_bitmap *bitmap = pb_bitmap_new (size, granularity);

  CHECK_OK (bitmap != NULL);
  return bitmap;
}

/* The kilobytes of the lines of smaps_rollup that start with one of the words
 * A and B, in bytes.
 */
static uint64_t
memory (const char *a, const char *b)
{
  FILE *smaps = fopen ("/proc/self/smaps_rollup", "r");
  uint64_t kilobytes, sum = 0;
  char line[200];

  CHECK (smaps != NULL);
  while (fgets (line, sizeof line, smaps))
    if ((strncmp (line, a, strlen (a)) == 0
         || strncmp (line, b, strlen (b)) == 0)
        && sscanf (line, "%*s %" SCNu64, &kilobytes) == 1)
      sum += kilobytes;
  CHECK (sum > 0);
  fclose (smaps);
  return sum * KIB;
}

static uint64_t
memory_in_use (void)
{
  return memory ("Anonymous:", "Anonymous:");
}

/* What is not shared with the process that this one is a fork of. */
static uint64_t
memory_of_its_own (void)
{
  return memory ("Private_Clean:", "Private_Dirty:");
}

/* There are kernels that do not share one page of zeroes among all memory that
 * was never written: there it is taken by reading as well.
 */
static bool
reading_takes_memory (void)
{
  uint64_t before = memory_in_use ();
  volatile unsigned char *bytes
    = mmap (NULL, 4 * KIB * KIB, PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  bool result;

  CHECK (bytes != MAP_FAILED);
  for (size_t i = 0; i < 4 * KIB * KIB; i += 512)
    CHECK (bytes[i] == 0);
  result = memory_in_use () >= before + 3 * KIB * KIB;
  CHECK (munmap ((void *) bytes, 4 * KIB * KIB) == 0);
  return result;
}

/* All that can be done with bitmaps of a disk of SIZE bytes that are clean. */
static void
change_a_little (pb_bitmap *fine, pb_bitmap *other, pb_bitmap *coarse,
                 uint64_t size)
{
  uint64_t bytes = pb_bitmap_serialized_size (fine), at;
  static const uint8_t zeroes[65536];

  CHECK_OK (pb_bitmap_set (fine, size / 3, 1) == 0);
  CHECK_OK (pb_bitmap_set (coarse, size - 1, 1) == 0);
  CHECK_OK (pb_bitmap_clear (fine, 0, size / 4) == 0);
  CHECK_OK (pb_bitmap_clear (fine, size / 2, size - size / 2) == 0);
  CHECK (pb_bitmap_count (fine) == 512);
  CHECK_OK (pb_bitmap_merge (other, fine) == 0);
  CHECK_OK (pb_bitmap_merge (fine, coarse) == 0);
  CHECK_OK (pb_bitmap_merge (coarse, fine) == 0);
  CHECK (pb_bitmap_count (other) == 512);
  CHECK (pb_bitmap_count (fine) == 512 + 65536);
  CHECK (pb_bitmap_count (coarse) == 2 * 65536);
  for (at = 0; at < bytes; at += sizeof zeroes)
    CHECK_OK (pb_bitmap_deserialize (other, zeroes, sizeof zeroes, at) == 0);
  CHECK (pb_bitmap_count (other) == 0);
}

/* Where reading takes memory: read all, so that it is there; then a child
 * shares all of it but what it writes.
 */
static void
check_what_is_written (pb_bitmap *fine, pb_bitmap *other, pb_bitmap *coarse,
                       uint64_t size)
{
  pid_t child;
  int status;

  CHECK (pb_bitmap_count (fine) == 0 && pb_bitmap_count (other) == 0
         && pb_bitmap_count (coarse) == 0);
  fflush (stdout);
  child = fork ();
  CHECK (child != -1);
  if (child == 0) {
    uint64_t before = memory_of_its_own ();

    change_a_little (fine, other, coarse, size);
    CHECK (memory_of_its_own () < before + 4 * KIB * KIB);
    _exit (0);
  }
  CHECK (waitpid (child, &status, 0) == child);
  CHECK (status == 0);
}

/* Bitmaps of 32 MiB take memory for their changes only, whatever is done with
 * them.
 */
int
main (void)
{
  const uint64_t size = 128 * GIB;
  pb_bitmap *CLEANUP_BITMAP fine = bitmap_new (size, 512);
  pb_bitmap *CLEANUP_BITMAP other = bitmap_new (size, 512);
  pb_bitmap *CLEANUP_BITMAP coarse = bitmap_new (size, 65536);
  pb_bitmap *CLEANUP_BITMAP both = NULL;
  const pb_bitmap *sources[] = { fine, other, coarse };
  uint64_t before;
  bool is_judged;

  /* Memory would come 2 MiB at a time. */
  CHECK (prctl (PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
  is_judged = !reading_takes_memory ();
  if (!is_judged)
    check_what_is_written (fine, other, coarse, size);
  before = memory_in_use ();
  change_a_little (fine, other, coarse, size);
  both = pb_bitmap_union (sources, 3);
  CHECK_OK (both != NULL);
  CHECK (pb_bitmap_count (both) == 2 * 65536);
  CHECK (!is_judged || memory_in_use () < before + 4 * KIB * KIB);
  return 0;
}
