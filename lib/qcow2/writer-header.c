/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-header.c: the header cluster of a new qcow2 file. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "format.h"
#include "round.h"
#include "writer-header.h"
#include "writer-refcounts.h"

#define EXTENSION_HEAD 8 /* type and length */

/* The fixed part, the extensions (backing format, feature names, end) and the
 * longest backing file name.
 */
#define HEADER_BYTES_MAX                                                      \
  (QCOW2_V3_HEADER_LENGTH + EXTENSION_HEAD + 8 + EXTENSION_HEAD               \
   + QCOW2_FEATURE_NAME_RECORD + EXTENSION_HEAD + QCOW2_BACKING_NAME_MAX)

static size_t
backing_length (const struct writer_header *header)
{
  return header->backing_file ? strlen (header->backing_file) : 0;
}

static const char *
backing_format_name (const struct writer_header *header)
{
  return header->backing_format == PB_FORMAT_RAW ? "raw" : "qcow2";
}

/* Bytes of the header, with or without the feature name table. */
static size_t
header_bytes (const struct writer_header *header, bool feature_names)
{
  size_t bytes = QCOW2_V3_HEADER_LENGTH + EXTENSION_HEAD;

  if (header->backing_file)
    bytes += EXTENSION_HEAD
             + round_up (strlen (backing_format_name (header)), 8)
             + backing_length (header);
  if (feature_names)
    bytes += EXTENSION_HEAD + QCOW2_FEATURE_NAME_RECORD;
  return bytes;
}

int
writer_header_check (const struct writer_header *header, const char *name)
{
  size_t length = backing_length (header);

  if (length > QCOW2_BACKING_NAME_MAX) {
    pb_set_error (ENAMETOOLONG,
                  "%s: the name of the backing file has %zu bytes, and qcow2 "
                  "allows %u: %s",
                  name, length, QCOW2_BACKING_NAME_MAX, header->backing_file);
    return -1;
  }
  if (header_bytes (header, false) > (size_t) 1 << header->cluster_bits) {
    pb_set_error (ENAMETOOLONG,
                  "%s: the name of the backing file does not fit into the "
                  "header cluster of %u bytes; use clusters of 2048 bytes or "
                  "more: %s",
                  name, 1U << header->cluster_bits, header->backing_file);
    return -1;
  }
  return 0;
}

static uint64_t
incompatible_features (const struct writer_header *header, bool unfinished)
{
  uint64_t features = unfinished ? QCOW2_INCOMPAT_UNFINISHED : 0;

  /* "If the compression type bit is set, a non-default compression is used",
   * and it must not be set for zlib.
   */
  if (header->compression == PB_COMPRESSION_ZSTD)
    features |= QCOW2_INCOMPAT_COMPRESSION;
  return features;
}

static uint8_t *
put_extension (uint8_t *p, uint32_t type, const void *data, uint32_t length)
{
  store_be32 (p, type);
  store_be32 (p + 4, length);
  if (length > 0)
    memcpy (p + EXTENSION_HEAD, data, length);
  return p + EXTENSION_HEAD + round_up (length, 8);
}

/* So that whoever refuses the file can say why. */
static uint8_t *
put_feature_names (uint8_t *p)
{
  uint8_t record[QCOW2_FEATURE_NAME_RECORD] = {
    QCOW2_FEATURE_KIND_INCOMPAT,
    QCOW2_INCOMPAT_UNFINISHED_BIT,
  };

  memcpy (record + 2, QCOW2_UNFINISHED_NAME,
          sizeof QCOW2_UNFINISHED_NAME - 1);
  return put_extension (p, QCOW2_EXT_FEATURE_NAMES, record, sizeof record);
}

int
writer_header_write (const struct writer_header *header,
                     const struct file *file)
{
  uint8_t buffer[HEADER_BYTES_MAX] = { 0 };
  uint8_t *p = buffer + QCOW2_V3_HEADER_LENGTH;
  const char *format = backing_format_name (header);

  store_be32 (buffer, QCOW2_MAGIC);
  store_be32 (buffer + QCOW2_HEADER_VERSION, 3);
  store_be32 (buffer + QCOW2_HEADER_CLUSTER_BITS, header->cluster_bits);
  store_be64 (buffer + QCOW2_HEADER_SIZE, header->size);
  store_be32 (buffer + QCOW2_HEADER_L1_SIZE, header->l1_size);
  store_be64 (buffer + QCOW2_HEADER_L1_OFFSET, header->l1_offset);
  store_be64 (buffer + QCOW2_HEADER_REFTABLE_OFFSET, header->reftable_offset);
  store_be32 (buffer + QCOW2_HEADER_REFTABLE_CLUSTERS,
              header->reftable_clusters);
  store_be64 (buffer + QCOW2_HEADER_INCOMPATIBLE,
              incompatible_features (header, true));
  store_be32 (buffer + QCOW2_HEADER_REFCOUNT_ORDER, WRITER_REFCOUNT_ORDER);
  store_be32 (buffer + QCOW2_HEADER_LENGTH, QCOW2_V3_HEADER_LENGTH);
  buffer[QCOW2_HEADER_COMPRESSION_TYPE]
    = header->compression == PB_COMPRESSION_ZSTD ? QCOW2_COMPRESSION_ZSTD
                                                 : QCOW2_COMPRESSION_ZLIB;

  if (header->backing_file)
    p = put_extension (p, QCOW2_EXT_BACKING_FORMAT, format, strlen (format));
  if (header_bytes (header, true) <= (size_t) 1 << header->cluster_bits)
    p = put_feature_names (p);
  p = put_extension (p, QCOW2_EXT_END, NULL, 0);

  if (header->backing_file) {
    store_be64 (buffer + QCOW2_HEADER_BACKING_OFFSET, p - buffer);
    store_be32 (buffer + QCOW2_HEADER_BACKING_SIZE, backing_length (header));
    memcpy (p, header->backing_file, backing_length (header));
    p += backing_length (header);
  }
  return file_pwrite (file, buffer, p - buffer, 0);
}

int
writer_header_mark (const struct writer_header *header,
                    const struct file *file, bool unfinished)
{
  uint8_t field[8];

  store_be64 (field, incompatible_features (header, unfinished));
  return file_pwrite (file, field, sizeof field, QCOW2_HEADER_INCOMPATIBLE);
}

bool
writer_header_is_unfinished (const uint8_t *head, size_t count)
{
  return count >= QCOW2_HEADER_INCOMPATIBLE + 8
         && load_be32 (head) == QCOW2_MAGIC
         && load_be32 (head + QCOW2_HEADER_VERSION) == 3
         && load_be64 (head + QCOW2_HEADER_INCOMPATIBLE)
              & QCOW2_INCOMPAT_UNFINISHED;
}
