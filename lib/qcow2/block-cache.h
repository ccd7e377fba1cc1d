/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* block-cache.h: a bounded cache of blocks that are costly to make, shared by
 * many threads.
 *
 * One cache serves all layers of a chain: a block is known by its source (an
 * address that lives as long as the cache) and its place there.  Sources never
 * change, so a block is made once and is right until it is evicted.  While one
 * thread makes a block no lock is held, and others who want the same block
 * wait for it instead of making it again.
 */

#ifndef PULLBACK_BLOCK_CACHE_H
#define PULLBACK_BLOCK_CACHE_H

#include <stddef.h>
#include <stdint.h>

struct block_cache;

/* Make the block at PLACE of SOURCE, SIZE bytes, in BUFFER. */
typedef int (*block_fill) (const void *source, uint64_t place, void *buffer,
                           size_t size);

/* A block in use: it stays as it is until block_cache_put (). */
struct block_ref {
  const void *data;
  struct block_set *set;
  struct block_slot *slot;
};

/* At most SETS * WAYS blocks; a block can lie in one set only.  SETS is a
 * power of two.  Memory for a block is taken when it is first made.
 */
struct block_cache *block_cache_new (unsigned sets, unsigned ways);
void block_cache_free (struct block_cache *cache);

/* A thread that will not wait (nowait.h) gets what is there, or EAGAIN.
 *
 * A thread must not hold one block of a cache while it gets another: that is
 * what lets threads wait for room without ever waiting for each other.
 */
int block_cache_get (struct block_cache *cache, const void *source,
                     uint64_t place, size_t size, block_fill fill,
                     struct block_ref *ref);
void block_cache_put (struct block_ref *ref);

#endif /* PULLBACK_BLOCK_CACHE_H */
