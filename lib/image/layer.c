/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* layer.c: one image of a chain, raw or qcow2. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "error.h"
#include "format.h"
#include "image-lock.h"
#include "layer.h"
#include "round.h"

/* 2048 slices of 16 KiB: with 64 KiB clusters they map 256 GiB of disk. */
#define TABLE_CACHE_SETS 512
#define TABLE_CACHE_WAYS 4

/* Enough for the requests that are in flight at once to meet in one cluster.
 */
#define CLUSTER_CACHE_SETS 1
#define CLUSTER_CACHE_WAYS 16

int
layer_caches_new (struct layer_caches *caches)
{
  caches->tables = block_cache_new (TABLE_CACHE_SETS, TABLE_CACHE_WAYS);
  caches->clusters = block_cache_new (CLUSTER_CACHE_SETS, CLUSTER_CACHE_WAYS);
  caches->decompressors = decompressor_pool_new ();
  if (!caches->tables || !caches->clusters || !caches->decompressors) {
    layer_caches_free (caches);
    return -1;
  }
  return 0;
}

void
layer_caches_free (struct layer_caches *caches)
{
  block_cache_free (caches->tables);
  block_cache_free (caches->clusters);
  decompressor_pool_free (caches->decompressors);
  *caches = (struct layer_caches) { 0 };
}

static int
read_header (struct layer *layer)
{
  const struct file *file = &layer->file;
  unsigned char peek[QCOW2_HEADER_PEEK];
  size_t count = min_u64 (sizeof peek, file->size);

  if (file_pread (file, peek, count, 0) == -1)
    return -1;
  count = min_u64 (qcow2_header_wanted (peek, count), file->size);

  void *CLEANUP_FREE buffer = malloc (count + 1);
  if (buffer == NULL) {
    set_error_errno ("%s: header", file->name);
    return -1;
  }
  if (file_pread (file, buffer, count, 0) == -1)
    return -1;
  return qcow2_header_parse (&layer->header, buffer, count, file->size,
                             file->name);
}

/* "External data file": its name comes from the image, so it is followed only
 * where the user has asked for it, and only as the name of a file.
 */
static int
open_data_file (struct layer *layer, unsigned flags)
{
  const char *name = layer->header.data_file;

  if (!(layer->header.incompatible & QCOW2_INCOMPAT_DATA_FILE))
    return 0;
  if (name == NULL) {
    pb_set_error (EIO, "%s: header: there is an external data file, but no "
                       "name of it",
                  layer->file.name);
    return -1;
  }
  if (!(flags & PB_IMAGE_DATA_FILE)) {
    pb_set_error (ENOTSUP,
                  "%s: its data is in an external data file (%s), which is "
                  "followed only when that is asked for",
                  layer->file.name, name);
    return -1;
  }

  char *CLEANUP_FREE path = file_resolve (layer->file.name, name);
  if (path == NULL)
    return -1;
  if (file_open (&layer->data_file, path) == -1) {
    layer->data_file.fd = -1;
    prefix_error ("%s: external data file", layer->file.name);
    return -1;
  }
  if (layer->data_file.device == layer->file.device
      && layer->data_file.inode == layer->file.inode) {
    pb_set_error (EIO, "%s: its external data file is the image itself",
                  layer->file.name);
    return -1;
  }
  return image_lock (&layer->data_file, IMAGE_LOCK_READER);
}

static int
open_qcow2 (struct layer *layer, unsigned flags,
            const struct layer_caches *caches)
{
  if (read_header (layer) == -1 || open_data_file (layer, flags) == -1
      || qcow2_bitmaps_read (&layer->bitmaps, &layer->header, &layer->file)
           == -1)
    return -1;
  layer->size = layer->header.size;
  layer->compressed = (struct compressed_clusters) {
    .file = &layer->file,
    .cluster_bits = layer->header.cluster_bits,
    .type = layer->header.compression,
    .pool = caches->decompressors,
    .cache = caches->clusters,
  };
  return cluster_map_open (&layer->map, &layer->header, &layer->file,
                           layer->data_file.fd == -1 ? NULL
                                                     : &layer->data_file,
                           caches->tables);
}

struct layer *
layer_open (const char *name, enum pb_format format, unsigned flags,
            const struct layer_caches *caches)
{
  struct layer *CLEANUP_LAYER layer = calloc (1, sizeof *layer);
  enum image_lock_kind lock = IMAGE_LOCK_READER;

  if (layer == NULL) {
    set_error_errno ("%s", name);
    return NULL;
  }
  layer->format = format;
  layer->file.fd = layer->data_file.fd = -1;
  if (file_open (&layer->file, name) == -1)
    return NULL;
  if (format == PB_FORMAT_RAW && (flags & PB_IMAGE_ALLOW_WRITER))
    lock = IMAGE_LOCK_READER_ALLOW_WRITER;
  /* Before a byte is read: metadata moves under a reader otherwise. */
  if (image_lock (&layer->file, lock) == -1)
    return NULL;
  if (format == PB_FORMAT_RAW)
    layer->size = layer->file.size;
  else if (open_qcow2 (layer, flags, caches) == -1)
    return NULL;
  return STEAL (layer);
}

void
layer_free (struct layer *layer)
{
  if (layer == NULL)
    return;
  cluster_map_close (&layer->map);
  qcow2_bitmaps_clear (&layer->bitmaps);
  qcow2_header_clear (&layer->header);
  file_close (&layer->data_file);
  file_close (&layer->file);
  free (layer);
}

int
layer_lookup (const struct layer *layer, uint64_t offset, uint64_t length,
              enum cluster_purpose purpose, struct cluster_run *run)
{
  if (layer->format == PB_FORMAT_RAW)
    return raw_lookup (&layer->file, offset, length, purpose, run);
  return cluster_map_lookup (&layer->map, offset, length, purpose, run);
}

static const struct file *
data_file_of (const struct layer *layer)
{
  return layer->data_file.fd == -1 ? &layer->file : &layer->data_file;
}

void
layer_locate (const struct layer *layer, const struct cluster_run *run,
              uint64_t *length, int *fd, uint64_t *file_offset)
{
  const struct file *file = data_file_of (layer);

  *length = 0;
  if (run->host < file->size)
    *length = min_u64 (run->length, file->size - run->host);
  *fd = file->fd;
  *file_offset = run->host;
}

int
layer_read (const struct layer *layer, const struct cluster_run *run,
            void *buffer, size_t count, uint64_t offset)
{
  const struct file *file = data_file_of (layer);

  assert (count <= run->length);
  if (run->kind == CLUSTER_COMPRESSED)
    return compressed_cluster_read (
      &layer->compressed, run->host, buffer, count,
      offset & (qcow2_cluster_size (&layer->header) - 1));
  assert (run->kind == CLUSTER_DATA);
  /* The map has checked that each cluster starts in the file; the last one of
   * a qcow2 file may be incomplete.
   */
  if (layer->format == PB_FORMAT_QCOW2
      && !range_is_inside (run->host, count, file->size))
    return file_pread_padded (file, buffer, count, run->host);
  return file_pread (file, buffer, count, run->host);
}
