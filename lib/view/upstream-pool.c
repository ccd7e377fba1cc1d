/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upstream-pool.c: the connections for a disk's data. */

#include "config.h"

#include "upstream-pool.h"

/* There is a further connection where each has more requests than these. */
#define BUSY_READS 4

/* A server that has all the clients it wants lets a further connection wait;
 * those that there are do without it.
 */
#define CONNECT_SECONDS 2

void
upstream_pool_init (struct upstream_pool *pool, const struct nbd_disk *disk)
{
  *pool = (struct upstream_pool) { .disk = disk };
  pthread_mutex_init (&pool->growth, NULL); /* cannot fail on Linux */
}

void
upstream_pool_start (struct upstream_pool *pool, struct upstream *first)
{
  pool->upstreams[0] = first;
  pool->nr_upstreams = 1;
  pool->is_full = !pool->disk->is_multi || !pool->disk->has_allocation;
}

void
upstream_pool_clear (struct upstream_pool *pool)
{
  for (unsigned i = 0; i < pool->nr_upstreams; i++)
    upstream_free (pool->upstreams[i]);
  pthread_mutex_destroy (&pool->growth);
}

/* With the lock held.  What went wrong once is not tried again. */
static void
grow (struct upstream_pool *pool)
{
  const struct nbd_disk *disk = pool->disk;
  struct upstream *upstream
    = nbd_disk_connect (disk, disk->export_name, LIBNBD_CONTEXT_BASE_ALLOCATION,
                        CONNECT_SECONDS);

  if (upstream == NULL) {
    pool->is_full = true;
    return;
  }
  pool->upstreams[pool->nr_upstreams] = upstream;
  if (++pool->nr_upstreams == UPSTREAM_POOL_MAX)
    pool->is_full = true;
}

/* One of the readers connects, and the others go on with what there is. */
static void
grow_if_busy (struct upstream_pool *pool, unsigned nr_reading)
{
  if (pool->is_full || nr_reading <= pool->nr_upstreams * BUSY_READS
      || pthread_mutex_trylock (&pool->growth) != 0)
    return;
  if (!pool->is_full && nr_reading > pool->nr_upstreams * BUSY_READS)
    grow (pool);
  pthread_mutex_unlock (&pool->growth);
}

int
upstream_pool_read (struct upstream_pool *pool, void *buffer, size_t count,
                    uint64_t offset)
{
  int r;

  grow_if_busy (pool, ++pool->nr_reading);
  r = upstream_read (pool->upstreams[pool->turn++ % pool->nr_upstreams],
                     buffer, count, offset);
  pool->nr_reading--;
  return r;
}
