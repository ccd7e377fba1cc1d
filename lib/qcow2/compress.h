/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compress.h: compress single clusters, as qcow2 stores them. */

#ifndef PULLBACK_QCOW2_COMPRESS_H
#define PULLBACK_QCOW2_COMPRESS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pullback.h"

/* Is LEVEL one that the algorithm has, or 0 for its default? */
int compression_check (enum pb_compression compression, int level);

/* The state of one thread, with its scratch memory. */
struct compressor;

/* The states that are not in use just now.  Threads that write at the same
 * time each take one and give it back, so there are never more of them than
 * there were threads at once.
 */
struct compressors {
  enum pb_compression compression; /* zlib or zstd */
  int level;
  size_t scratch_size;
  pthread_mutex_t lock; /* of the list */
  struct compressor *unused;
};

/* Every compressor has SCRATCH_SIZE bytes of scratch memory.  Many threads may
 * take and give back at once.
 */
void compressors_init (struct compressors *pool,
                       enum pb_compression compression, int level,
                       size_t scratch_size);
void compressors_clear (struct compressors *pool);
struct compressor *compressors_take (struct compressors *pool);
void compressors_give_back (struct compressors *pool,
                            struct compressor *compressor);

uint8_t *compressor_scratch (const struct compressor *compressor);

/* Compress COUNT bytes of a cluster into at most CAPACITY bytes.  Returns how
 * many bytes it took, 0 where they are not enough, or -1 on error.
 */
ssize_t compressor_run (struct compressor *compressor, void *output,
                        size_t capacity, const void *input, size_t count);

#endif /* PULLBACK_QCOW2_COMPRESS_H */
