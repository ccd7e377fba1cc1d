/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressed-cluster.c: reads of compressed clusters. */

#include "config.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "compressed-cluster.h"
#include "decompress.h"
#include "error.h"

/* As many as threads are likely to decompress at once; each keeps its input
 * buffer (less than two clusters) and the tables of its algorithm.
 */
#define POOL_MAX 16

struct decompressor_pool {
  pthread_mutex_t lock; /* over all below */
  unsigned count;
  struct decompressor *idle[POOL_MAX];
};

struct decompressor_pool *
decompressor_pool_new (void)
{
  struct decompressor_pool *pool = calloc (1, sizeof *pool);

  if (pool == NULL) {
    set_error_errno ("decompression");
    return NULL;
  }
  pthread_mutex_init (&pool->lock, NULL);
  return pool;
}

void
decompressor_pool_free (struct decompressor_pool *pool)
{
  if (pool == NULL)
    return;
  for (unsigned i = 0; i < pool->count; i++)
    decompressor_free (pool->idle[i]);
  pthread_mutex_destroy (&pool->lock);
  free (pool);
}

static struct decompressor *
take_decompressor (struct decompressor_pool *pool)
{
  {
    LOCK_CURRENT_SCOPE (&pool->lock);
    if (pool->count > 0)
      return pool->idle[--pool->count];
  }
  return decompressor_new ();
}

static void
return_decompressor (struct decompressor_pool *pool,
                     struct decompressor *decompressor)
{
  {
    LOCK_CURRENT_SCOPE (&pool->lock);
    if (pool->count < POOL_MAX) {
      pool->idle[pool->count++] = decompressor;
      return;
    }
  }
  decompressor_free (decompressor);
}

static int
read_and_decompress (const struct compressed_clusters *clusters,
                     struct decompressor *decompressor, uint64_t descriptor,
                     void *buffer, size_t size)
{
  uint64_t offset;
  size_t length;
  void *input;

  compressed_cluster_place (descriptor, clusters->cluster_bits, &offset,
                            &length);
  input = decompressor_input (decompressor, length);
  if (input == NULL)
    return -1;
  /* The last sector may be cut by the end of the file. */
  if (file_pread_padded (clusters->file, input, length, offset) == -1)
    return -1;
  if (decompress (decompressor, clusters->type, input, length, buffer, size)
      == -1) {
    prefix_error ("%s: compressed cluster at offset 0x%" PRIx64,
                  clusters->file->name, offset);
    return -1;
  }
  return 0;
}

/* A block_fill: SOURCE is a struct compressed_clusters. */
static int
fill_cluster (const void *source, uint64_t descriptor, void *buffer,
              size_t size)
{
  const struct compressed_clusters *clusters = source;
  struct decompressor *decompressor = take_decompressor (clusters->pool);
  int r;

  if (decompressor == NULL)
    return -1;
  r = read_and_decompress (clusters, decompressor, descriptor, buffer, size);
  return_decompressor (clusters->pool, decompressor);
  return r;
}

int
compressed_cluster_read (const struct compressed_clusters *clusters,
                         uint64_t descriptor, void *buffer, size_t count,
                         size_t skip)
{
  size_t size = (size_t) 1 << clusters->cluster_bits;
  struct block_ref ref;

  if (count == size)
    return fill_cluster (clusters, descriptor, buffer, size);
  if (block_cache_get (clusters->cache, clusters, descriptor, size,
                       fill_cluster, &ref)
      == -1)
    return -1;
  memcpy (buffer, (const char *) ref.data + skip, count);
  block_cache_put (&ref);
  return 0;
}
