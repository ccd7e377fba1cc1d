/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* layer.h: one image of a chain, raw or qcow2, without its backing file.
 *
 * Both formats answer in the same words, those of cluster-map.h.  A raw image
 * is data and zeroes; it never leaves anything to a backing file.
 */

#ifndef PULLBACK_LAYER_H
#define PULLBACK_LAYER_H

#include <stddef.h>
#include <stdint.h>

#include "bitmaps.h"
#include "cluster-map.h"
#include "compressed-cluster.h"
#include "file.h"
#include "header.h"
#include "pullback.h"

/* What all layers of a chain share, so that memory is bounded for the chain
 * and not for each layer.
 */
struct layer_caches {
  struct block_cache *tables;
  struct block_cache *clusters;
  struct decompressor_pool *decompressors;
};

int layer_caches_new (struct layer_caches *caches);
void layer_caches_free (struct layer_caches *caches);

/* Never moves once it is open: caches know it by its address.  Safe for many
 * threads at once.
 */
struct layer {
  enum pb_format format;
  uint64_t size; /* bytes of the disk, as this layer has it */
  struct file file;
  struct file data_file;       /* fd -1 where there is none */
  struct qcow2_header header;  /* from here on: qcow2 only */
  struct cluster_map map;
  struct compressed_clusters compressed;
  struct qcow2_bitmaps bitmaps;
};

/* Open and lock the file NAME.  FLAGS are of enum pb_image_flags.  CACHES must
 * outlive the layer.
 */
struct layer *layer_open (const char *name, enum pb_format format,
                          unsigned flags, const struct layer_caches *caches);
void layer_free (struct layer *layer);

static inline void
cleanup_layer (struct layer **layer)
{
  layer_free (*layer);
}

#define CLEANUP_LAYER CLEANUP (cleanup_layer)

/* As cluster_map_lookup (). */
int layer_lookup (const struct layer *layer, uint64_t offset, uint64_t length,
                  enum cluster_purpose purpose, struct cluster_run *run);

/* Read the first COUNT bytes of RUN, which is of kind DATA or COMPRESSED and
 * was looked up to read at OFFSET.
 */
int layer_read (const struct layer *layer, const struct cluster_run *run,
                void *buffer, size_t count, uint64_t offset);

/* Where in which open file the start of RUN lies, which is of kind DATA and was
 * looked up to read; *LENGTH is cut where the file ends, and 0 where the run
 * has to be read by layer_read ().
 */
void layer_locate (const struct layer *layer, const struct cluster_run *run,
                   uint64_t *length, int *fd, uint64_t *file_offset);

/* As layer_lookup (), of a raw image (raw.c). */
int raw_lookup (const struct file *file, uint64_t offset, uint64_t length,
                enum cluster_purpose purpose, struct cluster_run *run);

#endif /* PULLBACK_LAYER_H */
