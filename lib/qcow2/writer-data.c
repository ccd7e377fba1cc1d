/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-data.c: data on its way into a new qcow2 file.
 *
 * A request goes through three steps: each cluster is looked at (zero, plain
 * or compressed) without a lock, gets its place under the lock, and is written
 * there without a lock again.  The places of the plain clusters of a request
 * are contiguous, so a request that is all data is one pwrite.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"
#include "format.h"
#include "round.h"
#include "writer-data.h"
#include "writer.h"
#include "zero.h"

/* What becomes of one cluster. */
struct piece {
  uint32_t stored; /* bytes in the file: 0 for zeroes, a whole cluster, or the
                    * size of a blob */
  uint64_t offset; /* in the file */
};

struct batch {
  pb_writer *writer;
  const uint8_t *data;
  size_t size;    /* of data: whole clusters, but for the disk's last */
  uint64_t first; /* guest cluster */
  size_t count;   /* of clusters */

  struct compressor *compressor; /* or NULL; its scratch has the blobs */
  struct piece pieces[WRITER_BATCH_CLUSTERS];
};

static unsigned
cluster_bits (const struct batch *batch)
{
  return batch->writer->header.cluster_bits;
}

static size_t
cluster_size (const struct batch *batch)
{
  return (size_t) 1 << cluster_bits (batch);
}

/* Bytes of the disk in a cluster: all, but for the disk's last. */
static size_t
guest_bytes (const struct batch *batch, size_t index)
{
  return min_u64 (cluster_size (batch),
                  batch->size - (index << cluster_bits (batch)));
}

static const uint8_t *
guest_data (const struct batch *batch, size_t index)
{
  return batch->data + (index << cluster_bits (batch));
}

static bool
is_plain (const struct batch *batch, size_t index)
{
  return batch->pieces[index].stored == cluster_size (batch);
}

static bool
is_blob (const struct batch *batch, size_t index)
{
  return batch->pieces[index].stored > 0 && !is_plain (batch, index);
}

/* Compress a cluster to BLOB.  The scratch memory has a cluster more than the
 * blobs can take, behind them, where the disk's last cluster is filled up with
 * zeroes: a blob always makes a whole cluster.
 */
static ssize_t
compress_cluster (struct batch *batch, size_t index, uint8_t *blob)
{
  const uint8_t *data = guest_data (batch, index);
  size_t bytes = guest_bytes (batch, index);

  if (bytes < cluster_size (batch)) {
    uint8_t *padded = compressor_scratch (batch->compressor)
                      + batch->writer->batch_clusters * cluster_size (batch);

    memcpy (padded, data, bytes);
    memset (padded + bytes, 0, cluster_size (batch) - bytes);
    data = padded;
  }

  /* A blob as large as a cluster would gain nothing, and cannot be told from
   * larger ones by its count of sectors.
   */
  ssize_t r = compressor_run (batch->compressor, blob,
                              cluster_size (batch) - 1, data,
                              cluster_size (batch));
  if (r == -1)
    prefix_error ("%s: guest offset 0x%" PRIx64,
                  batch->writer->output.file.name,
                  (batch->first + index) << cluster_bits (batch));
  return r;
}

static int
look_at_clusters (struct batch *batch)
{
  uint8_t *blob
    = batch->compressor ? compressor_scratch (batch->compressor) : NULL;

  for (size_t i = 0; i < batch->count; i++) {
    struct piece *piece = &batch->pieces[i];

    if (!batch->writer->keep_zeroes
        && buffer_is_zero (guest_data (batch, i), guest_bytes (batch, i))) {
      piece->stored = 0;
      continue;
    }
    piece->stored = cluster_size (batch);
    if (blob) {
      ssize_t r = compress_cluster (batch, i, blob);

      if (r == -1)
        return -1;
      if (r > 0) {
        piece->stored = r;
        blob += r;
      }
    }
  }
  return 0;
}

/* Give every cluster that is stored its place. */
static int
take_places (struct batch *batch)
{
  pb_writer *writer = batch->writer;
  uint64_t nr_plain = 0, offset = 0;

  for (size_t i = 0; i < batch->count; i++) {
    nr_plain += is_plain (batch, i);
    if (is_blob (batch, i)
        && blobs_place (&writer->blobs, batch->pieces[i].stored,
                        &batch->pieces[i].offset)
             == -1)
      return -1;
  }
  if (nr_plain > 0
      && refcounts_take (&writer->refcounts, nr_plain, &offset) == -1)
    return -1;
  for (size_t i = 0; i < batch->count; i++) {
    if (is_plain (batch, i)) {
      batch->pieces[i].offset = offset;
      offset += cluster_size (batch);
    }
  }
  return 0;
}

/* The L2 entry of a cluster; 0 leaves it unallocated. */
static uint64_t
l2_entry (const struct batch *batch, size_t index)
{
  const struct piece *piece = &batch->pieces[index];

  if (is_plain (batch, index))
    return piece->offset | QCOW2_COPIED;
  if (is_blob (batch, index))
    return blobs_entry (cluster_bits (batch), piece->offset, piece->stored);

  /* Unallocated would let the backing file's bytes through. */
  return batch->writer->header.backing_file ? QCOW2_L2_ZERO : 0;
}

static void
count_cluster (const struct batch *batch, size_t index)
{
  struct pb_writer_stats *stats = &batch->writer->stats;
  uint64_t bytes = guest_bytes (batch, index);

  if (batch->pieces[index].stored == 0) {
    stats->zero_found_bytes += bytes;
    return;
  }
  stats->data_bytes += bytes;
  stats->stored_bytes += batch->pieces[index].stored;
  if (is_blob (batch, index))
    stats->compressed_bytes += bytes;
}

/* Returns -1 for an error of the caller, which has changed nothing, and for
 * others, which have made the writer fail.
 */
static int
place_clusters (struct batch *batch)
{
  pb_writer *writer = batch->writer;

  LOCK_CURRENT_SCOPE (&writer->lock);
  if (writer_check_unwritten (writer, batch->first, batch->count) == -1)
    return -1;
  if (take_places (batch) == -1)
    return writer_fail_locked (writer);
  for (size_t i = 0; i < batch->count; i++) {
    uint64_t entry = l2_entry (batch, i);

    if (entry != 0
        && tables_set (&writer->tables, batch->first + i, entry) == -1)
      return writer_fail_locked (writer);
    count_cluster (batch, i);
  }
  return 0;
}

static int
store_plain (const struct batch *batch)
{
  const struct file *file = &batch->writer->output.file;
  size_t i = 0, end;

  while (i < batch->count) {
    if (!is_plain (batch, i)) {
      i++;
      continue;
    }
    size_t bytes = 0;
    for (end = i; end < batch->count && is_plain (batch, end); end++)
      bytes += guest_bytes (batch, end);
    if (file_pwrite (file, guest_data (batch, i), bytes,
                     batch->pieces[i].offset)
        == -1)
      return -1;
    i = end;
  }
  return 0;
}

/* Blobs lie in the scratch memory as they lie in the file, but for the ends of
 * runs.
 */
static int
store_blobs (const struct batch *batch)
{
  const struct file *file = &batch->writer->output.file;
  const uint8_t *blob = compressor_scratch (batch->compressor);
  uint64_t offset = 0;
  size_t bytes = 0;

  for (size_t i = 0; i < batch->count; i++) {
    const struct piece *piece = &batch->pieces[i];

    if (!is_blob (batch, i))
      continue;
    if (bytes > 0 && piece->offset != offset + bytes) {
      if (file_pwrite (file, blob, bytes, offset) == -1)
        return -1;
      blob += bytes;
      bytes = 0;
    }
    if (bytes == 0)
      offset = piece->offset;
    bytes += piece->stored;
  }
  return bytes > 0 ? file_pwrite (file, blob, bytes, offset) : 0;
}

static int
write_batch (struct batch *batch)
{
  pb_writer *writer = batch->writer;

  if (look_at_clusters (batch) == -1)
    return writer_fail (writer);
  if (place_clusters (batch) == -1)
    return -1;
  if (store_plain (batch) == -1
      || (batch->compressor && store_blobs (batch) == -1))
    return writer_fail (writer);
  return 0;
}

size_t
writer_scratch_size (const pb_writer *writer)
{
  return (writer->batch_clusters + 1) << writer->header.cluster_bits;
}

static int
write_batches (pb_writer *writer, struct compressor *compressor,
               const uint8_t *data, size_t count, uint64_t offset)
{
  unsigned bits = writer->header.cluster_bits;
  struct batch batch;

  batch.writer = writer;
  batch.compressor = compressor;
  while (count > 0) {
    batch.data = data;
    batch.size = min_u64 (count, writer->batch_clusters << bits);
    batch.first = offset >> bits;
    batch.count = div_round_up (batch.size, UINT64_C (1) << bits);
    if (write_batch (&batch) == -1)
      return -1;
    data += batch.size;
    offset += batch.size;
    count -= batch.size;
  }
  return 0;
}

int
pb_writer_write (pb_writer *writer, const void *buffer, size_t count,
                 uint64_t offset)
{
  struct compressor *compressor = NULL;
  int r;

  if (writer_check_request (writer, offset, count) == -1)
    return -1;
  if (writer->header.compression != PB_COMPRESSION_NONE) {
    compressor = compressors_take (&writer->compressors);
    if (compressor == NULL) {
      prefix_error ("%s", writer->output.file.name);
      return writer_fail (writer);
    }
  }
  r = write_batches (writer, compressor, buffer, count, offset);
  if (compressor)
    compressors_give_back (&writer->compressors, compressor);
  return r;
}
