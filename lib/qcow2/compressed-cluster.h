/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressed-cluster.h: reads of compressed clusters, in whole or in part. */

#ifndef PULLBACK_COMPRESSED_CLUSTER_H
#define PULLBACK_COMPRESSED_CLUSTER_H

#include <stddef.h>
#include <stdint.h>

#include "block-cache.h"
#include "file.h"
#include "format.h"

/* Decompressors that are not in use, shared by all layers of a chain. */
struct decompressor_pool;

struct decompressor_pool *decompressor_pool_new (void);
void decompressor_pool_free (struct decompressor_pool *pool);

/* The compressed clusters of one image.  The parts belong to the caller.  Safe
 * for many threads at once.
 */
struct compressed_clusters {
  const struct file *file;
  unsigned cluster_bits;
  unsigned type; /* QCOW2_COMPRESSION_* */
  struct decompressor_pool *pool;
  struct block_cache *cache;
};

/* "Compressed Clusters Descriptor": where the data starts, and how many bytes
 * it may have, being counted in sectors.
 */
static inline void
compressed_cluster_place (uint64_t descriptor, unsigned cluster_bits,
                          uint64_t *offset, size_t *length)
{
  unsigned offset_bits = 62 - (cluster_bits - 8);
  uint64_t more_sectors = (descriptor & (QCOW2_L2_COMPRESSED - 1))
                          >> offset_bits;

  *offset = descriptor & ((UINT64_C (1) << offset_bits) - 1);
  *length = (more_sectors + 1) * QCOW2_COMPRESSED_SECTOR
            - *offset % QCOW2_COMPRESSED_SECTOR;
}

/* Read COUNT bytes from byte SKIP of the cluster on.  A whole cluster goes
 * straight to BUFFER; of a part, the rest is kept for a while, since the next
 * request is likely to want it.
 */
int compressed_cluster_read (const struct compressed_clusters *clusters,
                             uint64_t descriptor, void *buffer, size_t count,
                             size_t skip);

#endif /* PULLBACK_COMPRESSED_CLUSTER_H */
