/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cluster-map.h: where the bytes of a qcow2 image's disk are.
 *
 * Every table and cluster that an entry refers to is checked when the entry is
 * met: reserved bits, alignment, and that it lies in the file.  QEMU reads
 * what lies beyond the end of a file as zeroes; for a backup that would be a
 * silent loss.
 */

#ifndef PULLBACK_CLUSTER_MAP_H
#define PULLBACK_CLUSTER_MAP_H

#include <stdint.h>

#include "block-cache.h"
#include "file.h"
#include "header.h"

/* What a piece of the disk is in one image. */
enum cluster_kind {
  CLUSTER_UNALLOCATED,    /* as the backing file, or zeroes where that ends */
  CLUSTER_ZERO,           /* reads as zeroes, no cluster is behind it */
  CLUSTER_ZERO_ALLOCATED, /* reads as zeroes, a cluster is kept for it */
  CLUSTER_DATA,
  CLUSTER_COMPRESSED
};

/* A piece of the disk that is of one kind. */
struct cluster_run {
  enum cluster_kind kind;
  uint64_t length; /* > 0 */
  uint64_t host;   /* DATA: its offset in the data file.  COMPRESSED: the
                    * cluster's descriptor. */
};

/* What a run is wanted for. */
enum cluster_purpose {
  /* Data runs are contiguous in the file; a compressed run ends with its
   * cluster.
   */
  CLUSTERS_TO_READ,

  /* Only the kind counts: data runs may be scattered, compressed clusters
   * count as data, and host is not set.
   */
  CLUSTERS_TO_MAP
};

/* Safe for many threads at once after cluster_map_open ().  What it points to
 * belongs to the caller.
 */
struct cluster_map {
  const struct file *file;
  const struct file *data_file; /* FILE itself, where there is no other */
  struct block_cache *tables;   /* slices of L2 tables, as host integers */
  uint64_t size;                /* bytes of the disk */
  unsigned version;
  unsigned cluster_bits;
  bool extended_l2;
  unsigned unit_bits;  /* of a cluster, or of a subcluster where there are */
  unsigned slice_bits; /* log2 of clusters that one slice maps */
  unsigned l2_bits;    /* log2 of clusters that one L2 table maps */
  uint64_t nr_l1;      /* entries that the disk needs */
  uint64_t *l1;        /* offsets of L2 tables, 0 for none */
};

/* Read and check the L1 table.  DATA_FILE is NULL where the image has none. */
int cluster_map_open (struct cluster_map *map,
                      const struct qcow2_header *header,
                      const struct file *file, const struct file *data_file,
                      struct block_cache *tables);
void cluster_map_close (struct cluster_map *map);

/* The run that starts at OFFSET.  It is at most LENGTH long, and perhaps
 * shorter than it could be.  The range must lie on the disk and not be empty.
 */
int cluster_map_lookup (const struct cluster_map *map, uint64_t offset,
                        uint64_t length, enum cluster_purpose purpose,
                        struct cluster_run *run);

#endif /* PULLBACK_CLUSTER_MAP_H */
