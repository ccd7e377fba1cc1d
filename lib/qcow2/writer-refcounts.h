/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-refcounts.h: which clusters of a new qcow2 file are taken.
 *
 * Clusters are only ever taken at the frontier, the end of the file, so the
 * counts of a refcount block are complete when the frontier has passed its
 * range.  One block is in memory; it is written when it is complete, to the
 * next cluster at the frontier.  The table of the blocks comes at the end.
 * Counts are 16 bits wide (refcount_order 4).
 *
 * The caller keeps threads apart.  An error leaves the file without a way to
 * go on: nothing more may be taken after one.
 */

#ifndef PULLBACK_QCOW2_WRITER_REFCOUNTS_H
#define PULLBACK_QCOW2_WRITER_REFCOUNTS_H

#include <stddef.h>
#include <stdint.h>

#include "file.h"

#define WRITER_REFCOUNT_ORDER 4

struct refcounts {
  const struct file *file;
  unsigned cluster_bits;
  uint64_t limit;     /* clusters that the file may have */
  uint64_t frontier;  /* clusters that are taken: [0, frontier) */
  uint64_t counted;   /* of these, how many have their count set; differs from
                       * frontier inside the functions only */
  uint8_t *block;     /* counts from cluster nr_blocks * entries a block on */
  uint64_t *table;    /* big-endian offsets of the blocks that are written */
  uint64_t nr_blocks; /* of them */
  size_t table_capacity;
};

/* FILE is empty, and lives as long as the refcounts.  Its size will not pass
 * MAX_BYTES.
 */
int refcounts_init (struct refcounts *refcounts, const struct file *file,
                    unsigned cluster_bits, uint64_t max_bytes);
void refcounts_clear (struct refcounts *refcounts);

/* Take COUNT (> 0) contiguous clusters with a count of 1 each; *offset is
 * where they start in the file.
 */
int refcounts_take (struct refcounts *refcounts, uint64_t count,
                    uint64_t *offset);

/* Change the count of a cluster that is taken already. */
int refcounts_set (struct refcounts *refcounts, uint64_t cluster,
                   uint16_t count);

/* Write what is left, and the table.  Nothing may be taken after that. */
int refcounts_finish (struct refcounts *refcounts, uint64_t *table_offset,
                      uint32_t *table_clusters);

/* Bytes of the file so far, whether written yet or not. */
static inline uint64_t
refcounts_file_size (const struct refcounts *refcounts)
{
  return refcounts->frontier << refcounts->cluster_bits;
}

#endif /* PULLBACK_QCOW2_WRITER_REFCOUNTS_H */
