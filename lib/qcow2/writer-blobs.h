/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-blobs.h: where compressed clusters lie in a new qcow2 file.
 *
 * Blobs are packed one behind the other, across the borders of host clusters,
 * in runs of host clusters: so what is stored plain in between does not break
 * the packing.  The refcount of a host cluster is the number of blobs that
 * touch it.  Only the cluster that the next blob will start in still changes
 * its count; it is kept here until then.
 *
 * The caller keeps threads apart.
 */

#ifndef PULLBACK_QCOW2_WRITER_BLOBS_H
#define PULLBACK_QCOW2_WRITER_BLOBS_H

#include <stdint.h>

#include "writer-refcounts.h"

struct blobs {
  struct refcounts *refcounts;
  uint64_t position;   /* byte of the file where the next blob starts */
  uint64_t end;        /* of the run; position == end: it is used up */
  uint32_t open_count; /* blobs in the cluster of position so far */
};

/* Place a blob of SIZE bytes, which is more than 0 and less than a cluster. */
int blobs_place (struct blobs *blobs, uint32_t size, uint64_t *offset);

/* Set the last counts.  What is left of the run becomes free clusters. */
int blobs_finish (struct blobs *blobs);

/* Largest host offset that the L2 entry of a blob can hold, plus 1. */
uint64_t blobs_offset_limit (unsigned cluster_bits);

/* The L2 entry of the blob at OFFSET. */
uint64_t blobs_entry (unsigned cluster_bits, uint64_t offset, uint32_t size);

#endif /* PULLBACK_QCOW2_WRITER_BLOBS_H */
