/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-blobs.c: where compressed clusters lie in a new qcow2 file. */

#include "config.h"

#include <assert.h>

#include "format.h"
#include "round.h"
#include "writer-blobs.h"

/* A run has as many clusters, but stays near this size. */
#define RUN_CLUSTERS 16
#define RUN_BYTES    (UINT64_C (1) << 20)

/* "Compressed Clusters Descriptor": x = 62 - (cluster_bits - 8), bits 0 to
 * x-1 are the host offset, bits x to 61 the number of additional sectors.
 */
static unsigned
offset_bits (unsigned cluster_bits)
{
  return 62 - (cluster_bits - 8);
}

uint64_t
blobs_offset_limit (unsigned cluster_bits)
{
  return UINT64_C (1) << offset_bits (cluster_bits);
}

uint64_t
blobs_entry (unsigned cluster_bits, uint64_t offset, uint32_t size)
{
  uint64_t sectors = (offset + size - 1) / QCOW2_COMPRESSED_SECTOR
                     - offset / QCOW2_COMPRESSED_SECTOR;

  return QCOW2_L2_COMPRESSED | sectors << offset_bits (cluster_bits) | offset;
}

static uint64_t
cluster_of (const struct blobs *b, uint64_t offset)
{
  return offset >> b->refcounts->cluster_bits;
}

static uint64_t
cluster_size (const struct blobs *b)
{
  return UINT64_C (1) << b->refcounts->cluster_bits;
}

/* No further blob will touch the open cluster: its count is final.  A cluster
 * that none has touched keeps the count that it was taken with.
 */
static int
close_cluster (struct blobs *b)
{
  uint32_t count = b->open_count;

  /* Deflate makes at least 1/1032 of what it is given, zstd 4 bytes for each
   * 128 KiB and a frame header; so even with clusters of 2 MiB there are less
   * than half as many.
   */
  assert (count <= UINT16_MAX);
  b->open_count = 0;
  if (count <= 1)
    return 0;
  return refcounts_set (b->refcounts, cluster_of (b, b->position), count);
}

/* Take another run.  Where it follows the old one, blobs go on across the
 * border; else the rest of the old one, too short for a blob, stays unused.
 */
static int
new_run (struct blobs *b)
{
  uint64_t clusters
    = max_u64 (min_u64 (RUN_CLUSTERS, RUN_BYTES / cluster_size (b)), 1);
  uint64_t start;

  if (refcounts_take (b->refcounts, clusters, &start) == -1)
    return -1;
  if (start != b->end) {
    if (close_cluster (b) == -1)
      return -1;
    b->position = start;
  }
  b->end = start + clusters * cluster_size (b);
  return 0;
}

int
blobs_place (struct blobs *b, uint32_t size, uint64_t *offset)
{
  uint64_t next;

  assert (size > 0 && size < cluster_size (b));
  if (size > b->end - b->position && new_run (b) == -1)
    return -1;

  *offset = b->position;
  next = b->position + size;
  b->open_count++;
  if (cluster_of (b, next) != cluster_of (b, b->position)) {
    bool reaches_next = !is_aligned (next, cluster_size (b));

    if (close_cluster (b) == -1)
      return -1;
    b->open_count = reaches_next;
  }
  b->position = next;
  return 0;
}

int
blobs_finish (struct blobs *b)
{
  uint64_t unused = round_up (b->position, cluster_size (b));

  if (close_cluster (b) == -1)
    return -1;
  for (; unused < b->end; unused += cluster_size (b))
    if (refcounts_set (b->refcounts, cluster_of (b, unused), 0) == -1)
      return -1;
  b->position = b->end;
  return 0;
}
