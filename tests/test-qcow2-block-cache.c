/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-qcow2-block-cache.c: blocks made once, kept while they are in use, and
 * evicted; by one thread and by many.
 */

#include "config.h"

#include <pthread.h>
#include <stdatomic.h>

#include "block-cache.h"
#include "error.h"
#include "unit.h"

#define THREADS 8
#define ROUNDS  3000
#define BLOCK   512

static atomic_uint fills, fillers, fillers_seen;
static const char source_a, source_b;

/* Every word of a block tells where it is from. */
static int
fill (const void *source, uint64_t place, void *buffer, size_t size)
{
  uint64_t *words = buffer;
  unsigned now = ++fillers;

  if (now > fillers_seen)
    fillers_seen = now;
  fills++;
  for (size_t i = 0; i < size / sizeof words[0]; i++)
    words[i] = place ^ (uintptr_t) source;
  fillers--;
  return 0;
}

static int
fail_to_fill (const void *source, uint64_t place, void *buffer, size_t size)
{
  (void) source;
  (void) buffer;
  (void) size;
  pb_set_error (EIO, "place %" PRIu64, place);
  return -1;
}

static bool
is_right (const struct block_ref *ref, const void *source, uint64_t place,
          size_t size)
{
  const uint64_t *words = ref->data;

  for (size_t i = 0; i < size / sizeof words[0]; i++) {
    if (words[i] != (place ^ (uintptr_t) source))
      return false;
  }
  return true;
}

static void
use (struct block_cache *cache, const void *source, uint64_t place,
     size_t size)
{
  struct block_ref ref;

  CHECK_OK (block_cache_get (cache, source, place, size, fill, &ref) == 0);
  CHECK (is_right (&ref, source, place, size));
  block_cache_put (&ref);
}

static void
test_least_recently_used_goes (void)
{
  struct block_cache *cache = block_cache_new (1, 2);

  CHECK_OK (cache != NULL);
  fills = 0;
  use (cache, &source_a, 0, BLOCK);
  use (cache, &source_b, 0, BLOCK); /* another source, the same place */
  use (cache, &source_a, 0, BLOCK);
  CHECK (fills == 2);
  use (cache, &source_a, 1, BLOCK); /* evicts b's */
  use (cache, &source_a, 0, BLOCK);
  CHECK (fills == 3);
  use (cache, &source_b, 0, 4 * BLOCK); /* larger than what was there */
  CHECK (fills == 4);
  block_cache_free (cache);
  block_cache_free (NULL);
}

static void
test_failure_is_not_kept (void)
{
  struct block_cache *cache = block_cache_new (1, 1);
  struct block_ref ref;

  CHECK_OK (cache != NULL);
  CHECK_FAILS (block_cache_get (cache, &source_a, 7, BLOCK, fail_to_fill, &ref)
                 == -1,
               EIO, "place 7");
  use (cache, &source_a, 7, BLOCK);
  block_cache_free (cache);
}

/* A cache with fewer slots than threads: they wait for room and for each
 * other's blocks, and each finds its own block all the while it uses it.
 */
static void *
use_at_random (void *opaque)
{
  struct block_cache *cache = opaque;
  static atomic_uint seeds;
  uint64_t state = ++seeds;

  for (unsigned i = 0; i < ROUNDS; i++) {
    struct block_ref ref;
    uint64_t place;

    state = state * UINT64_C (6364136223846793005) + 1442695040888963407;
    place = state >> 60;
    if (state >> 40 & 15)
      use (cache, &source_a, place, BLOCK);
    else
      CHECK (block_cache_get (cache, &source_b, place, BLOCK, fail_to_fill,
                              &ref)
             == -1);
  }
  return NULL;
}

static void
test_many_threads (unsigned sets, unsigned ways)
{
  struct block_cache *cache = block_cache_new (sets, ways);
  pthread_t threads[THREADS];

  CHECK_OK (cache != NULL);
  fillers_seen = 0;
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_create (&threads[i], NULL, use_at_random, cache) == 0);
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);
  CHECK (fillers_seen <= sets * ways);
  block_cache_free (cache);
}

/* Threads that want one block at once make it once. */
static atomic_uint waiting;

static int
fill_slowly (const void *source, uint64_t place, void *buffer, size_t size)
{
  while (waiting < THREADS)
    usleep (1000);
  usleep (10000);
  return fill (source, place, buffer, size);
}

static void *
want_one_block (void *opaque)
{
  struct block_ref ref;

  waiting++;
  CHECK_OK (block_cache_get (opaque, &source_a, 1, BLOCK, fill_slowly, &ref)
            == 0);
  CHECK (is_right (&ref, &source_a, 1, BLOCK));
  block_cache_put (&ref);
  return NULL;
}

static void
test_one_block_is_made_once (void)
{
  struct block_cache *cache = block_cache_new (1, THREADS);
  pthread_t threads[THREADS];

  CHECK_OK (cache != NULL);
  fills = 0;
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_create (&threads[i], NULL, want_one_block, cache) == 0);
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);
  CHECK (fills == 1);
  block_cache_free (cache);
}

int
main (void)
{
  test_least_recently_used_goes ();
  test_failure_is_not_kept ();
  test_many_threads (1, 1);
  test_many_threads (1, 3);
  test_many_threads (4, 2);
  test_one_block_is_made_once ();
  return 0;
}
