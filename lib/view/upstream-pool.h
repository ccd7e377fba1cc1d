/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upstream-pool.h: the connections for a disk's data, as many as its readers
 * keep busy.
 *
 * Each costs the server threads, so a disk that nobody reads has the first one
 * only.  There are never more than UPSTREAM_POOL_MAX, and one only where the
 * server does not say that several see the same disk.
 */

#ifndef PULLBACK_UPSTREAM_POOL_H
#define PULLBACK_UPSTREAM_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "nbd-disk.h"

/* One takes no more than 16 requests at a time in QEMU and nbdkit. */
#define UPSTREAM_POOL_MAX 4

struct upstream_pool {
  const struct nbd_disk *disk;
  atomic_uint nr_upstreams;
  struct upstream *upstreams[UPSTREAM_POOL_MAX];
  atomic_uint nr_reading; /* requests under way */
  atomic_uint turn;
  atomic_bool is_full;    /* there will be no more connections */
  pthread_mutex_t growth; /* held over the I/O of connecting */
};

void upstream_pool_init (struct upstream_pool *pool,
                         const struct nbd_disk *disk);

/* The pool has FIRST, the disk's own connection, which it owns from here on. */
void upstream_pool_start (struct upstream_pool *pool, struct upstream *first);

void upstream_pool_clear (struct upstream_pool *pool);

/* upstream_read () over one of the connections; there may be one more then. */
int upstream_pool_read (struct upstream_pool *pool, void *buffer, size_t count,
                        uint64_t offset);

#endif /* PULLBACK_UPSTREAM_POOL_H */
