/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-refcounts.c: which clusters of a new qcow2 file are taken. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "format.h"
#include "round.h"
#include "writer-refcounts.h"

#define ENTRY_BYTES 2 /* 1 << WRITER_REFCOUNT_ORDER bits */

static uint64_t
entries_per_block (const struct refcounts *rc)
{
  return (UINT64_C (1) << rc->cluster_bits) / ENTRY_BYTES;
}

int
refcounts_init (struct refcounts *rc, const struct file *file,
                unsigned cluster_bits, uint64_t max_bytes)
{
  uint64_t table_reach;

  *rc = (struct refcounts) { .file = file, .cluster_bits = cluster_bits };
  rc->block = calloc (1, (size_t) 1 << cluster_bits);
  if (rc->block == NULL) {
    set_error_errno ("%s: refcount block", file->name);
    return -1;
  }

  /* The refcount table has a largest size, and so has what it can count. */
  table_reach
    = QCOW2_REFTABLE_BYTES_MAX / sizeof *rc->table * entries_per_block (rc);
  rc->limit = min_u64 (max_bytes >> cluster_bits, table_reach);
  return 0;
}

void
refcounts_clear (struct refcounts *rc)
{
  free (rc->block);
  free (rc->table);
  *rc = (struct refcounts) { .file = NULL };
}

/* Move the frontier by COUNT. */
static int
advance (struct refcounts *rc, uint64_t count)
{
  if (count > rc->limit - rc->frontier) {
    pb_set_error (EFBIG,
                  "%s: the file would be larger than qcow2 allows with "
                  "clusters of %u bytes (%" PRIu64 " bytes); use larger "
                  "clusters",
                  rc->file->name, 1U << rc->cluster_bits,
                  rc->limit << rc->cluster_bits);
    return -1;
  }
  rc->frontier += count;
  return 0;
}

static int
append_to_table (struct refcounts *rc, uint64_t offset)
{
  if (rc->nr_blocks == rc->table_capacity) {
    size_t capacity = rc->table_capacity ? 2 * rc->table_capacity : 64;
    uint64_t *table = realloc (rc->table, capacity * sizeof *table);

    if (table == NULL) {
      set_error_errno ("%s: refcount table", rc->file->name);
      return -1;
    }
    rc->table = table;
    rc->table_capacity = capacity;
  }
  store_be64 (&rc->table[rc->nr_blocks++], offset);
  return 0;
}

/* Write the block in memory to the cluster at OFFSET and start the next. */
static int
write_block (struct refcounts *rc, uint64_t offset)
{
  size_t bytes = (size_t) 1 << rc->cluster_bits;

  if (append_to_table (rc, offset) == -1
      || file_pwrite_sparse (rc->file, rc->block, bytes, offset) == -1)
    return -1;
  memset (rc->block, 0, bytes);
  return 0;
}

/* Give every taken cluster its count.  A block that becomes complete takes a
 * cluster of its own behind all others, which then has to be counted as well,
 * in this block's successor at the earliest: that is what ends the loop.
 */
static int
count_up_to_frontier (struct refcounts *rc)
{
  uint64_t per_block = entries_per_block (rc);

  while (rc->counted < rc->frontier) {
    uint64_t index = rc->counted % per_block;
    uint64_t n = min_u64 (per_block - index, rc->frontier - rc->counted);

    for (uint64_t i = index; i < index + n; i++)
      store_be16 (rc->block + i * ENTRY_BYTES, 1);
    rc->counted += n;

    if (index + n == per_block) {
      uint64_t offset = refcounts_file_size (rc);

      if (advance (rc, 1) == -1 || write_block (rc, offset) == -1)
        return -1;
    }
  }
  return 0;
}

int
refcounts_take (struct refcounts *rc, uint64_t count, uint64_t *offset)
{
  *offset = refcounts_file_size (rc);
  if (advance (rc, count) == -1)
    return -1;
  return count_up_to_frontier (rc);
}

int
refcounts_set (struct refcounts *rc, uint64_t cluster, uint16_t count)
{
  uint64_t per_block = entries_per_block (rc);
  uint64_t block = cluster / per_block;
  uint64_t position = cluster % per_block * ENTRY_BYTES;
  uint8_t entry[ENTRY_BYTES];

  assert (cluster < rc->counted);
  if (block == rc->nr_blocks) {
    store_be16 (rc->block + position, count);
    return 0;
  }
  store_be16 (entry, count);
  return file_pwrite (rc->file, entry, sizeof entry,
                      load_be64 (&rc->table[block]) + position);
}

/* How many clusters the table needs: it must hold all blocks, and the blocks
 * must count the table and themselves.  Each round adds what the last one
 * found missing; a block counts far more clusters than it adds.
 */
static uint64_t
final_table_clusters (const struct refcounts *rc)
{
  uint64_t cluster_size = UINT64_C (1) << rc->cluster_bits;
  uint64_t blocks = rc->nr_blocks, clusters = 0;

  for (;;) {
    uint64_t total = rc->frontier + clusters + (blocks - rc->nr_blocks);
    uint64_t need_blocks = div_round_up (total, entries_per_block (rc));
    uint64_t need_clusters
      = div_round_up (need_blocks * sizeof *rc->table, cluster_size);

    if (need_blocks == blocks && need_clusters == clusters)
      return clusters;
    blocks = need_blocks;
    clusters = need_clusters;
  }
}

int
refcounts_finish (struct refcounts *rc, uint64_t *table_offset,
                  uint32_t *table_clusters)
{
  uint64_t clusters = final_table_clusters (rc);

  if (refcounts_take (rc, clusters, table_offset) == -1)
    return -1;

  /* The last block counts its own cluster too, which may just complete it. */
  if (rc->counted % entries_per_block (rc) != 0) {
    uint64_t index = rc->counted % entries_per_block (rc);
    uint64_t offset = refcounts_file_size (rc);

    if (advance (rc, 1) == -1)
      return -1;
    store_be16 (rc->block + index * ENTRY_BYTES, 1);
    rc->counted++;
    if (write_block (rc, offset) == -1)
      return -1;
  }

  assert (rc->nr_blocks * sizeof *rc->table <= clusters << rc->cluster_bits);
  *table_clusters = clusters;
  return file_pwrite (rc->file, rc->table, rc->nr_blocks * sizeof *rc->table,
                      *table_offset);
}
