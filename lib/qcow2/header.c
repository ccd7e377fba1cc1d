/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* header.c: the fixed part of a qcow2 header. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "extensions.h"
#include "format.h"
#include "header.h"
#include "round.h"

#define KNOWN_INCOMPATIBLE                                                    \
  (QCOW2_INCOMPAT_DIRTY | QCOW2_INCOMPAT_CORRUPT | QCOW2_INCOMPAT_DATA_FILE   \
   | QCOW2_INCOMPAT_COMPRESSION | QCOW2_INCOMPAT_EXTENDED_L2)

#define EXTENDED_L2_CLUSTER_BITS_MIN 14
#define REFCOUNT_ORDER_MAX           6

size_t
qcow2_header_wanted (const void *buffer, size_t count)
{
  const unsigned char *bytes = buffer;
  uint32_t cluster_bits;

  if (count < QCOW2_HEADER_PEEK || load_be32 (bytes) != QCOW2_MAGIC)
    return count;
  cluster_bits = load_be32 (bytes + QCOW2_HEADER_CLUSTER_BITS);
  /* All fields, to say what is wrong with this one. */
  if (cluster_bits < QCOW2_CLUSTER_BITS_MIN
      || cluster_bits > QCOW2_CLUSTER_BITS_MAX)
    cluster_bits = QCOW2_CLUSTER_BITS_MIN;
  return (size_t) 1 << cluster_bits;
}

static int
check_magic_and_version (const struct header_bytes *h, unsigned *version)
{
  if (h->count < 4 || load_be32 (h->bytes) != QCOW2_MAGIC) {
    pb_set_error (EINVAL, "%s: is not a qcow2 image (no qcow2 magic at its "
                          "start)",
                  h->name);
    return -1;
  }
  if (h->count < QCOW2_V2_HEADER_LENGTH) {
    pb_set_error (EIO, "%s: header: the file ends inside it, at 0x%zx",
                  h->name, h->count);
    return -1;
  }
  *version = load_be32 (h->bytes + QCOW2_HEADER_VERSION);
  if (*version != 2 && *version != 3) {
    pb_set_error (ENOTSUP, "%s: header: qcow2 version %u is not supported "
                           "(only 2 and 3 are)",
                  h->name, *version);
    return -1;
  }
  return 0;
}

static int
parse_geometry (struct qcow2_header *header, const struct header_bytes *h)
{
  uint32_t crypt = load_be32 (h->bytes + QCOW2_HEADER_CRYPT_METHOD);

  header->cluster_bits = load_be32 (h->bytes + QCOW2_HEADER_CLUSTER_BITS);
  if (header->cluster_bits < QCOW2_CLUSTER_BITS_MIN
      || header->cluster_bits > QCOW2_CLUSTER_BITS_MAX) {
    pb_set_error (EIO, "%s: header: cluster_bits is %u, not %u to %u", h->name,
                  header->cluster_bits, QCOW2_CLUSTER_BITS_MIN,
                  QCOW2_CLUSTER_BITS_MAX);
    return -1;
  }
  if (crypt != 0) {
    pb_set_error (ENOTSUP, "%s: is encrypted (%s), which is not supported",
                  h->name,
                  crypt == 1   ? "AES"
                  : crypt == 2 ? "LUKS"
                               : "unknown method");
    return -1;
  }
  header->size = load_be64 (h->bytes + QCOW2_HEADER_SIZE);
  if (header->size > PB_DISK_SIZE_MAX) {
    pb_set_error (EIO, "%s: header: the disk size 0x%" PRIx64 " is too large",
                  h->name, header->size);
    return -1;
  }
  header->size = round_down (header->size, 512);
  return 0;
}

/* A table or list that the header points to: on a cluster, inside the file. */
static int
check_place (const struct header_bytes *h, const struct qcow2_header *header,
             const char *what, uint64_t offset, uint64_t length)
{
  if (!is_aligned (offset, qcow2_cluster_size (header))) {
    pb_set_error (EIO,
                  "%s: header: %s offset 0x%" PRIx64 " is not cluster aligned",
                  h->name, what, offset);
    return -1;
  }
  if (!range_is_inside (offset, length, h->file_size)) {
    pb_set_error (EIO,
                  "%s: header: %s at offset 0x%" PRIx64 " (0x%" PRIx64
                  " bytes) lies beyond the end of the file at 0x%" PRIx64,
                  h->name, what, offset, length, h->file_size);
    return -1;
  }
  if (offset == 0 && length > 0) {
    pb_set_error (EIO, "%s: header: %s offset is 0, the header's own place",
                  h->name, what);
    return -1;
  }
  return 0;
}

static int
parse_l1 (struct qcow2_header *header, const struct header_bytes *h)
{
  uint64_t entry_size = header->extended_l2 ? 16 : 8;
  /* Bytes of the disk that one L2 table maps: at most 2^39. */
  uint64_t l2_span = qcow2_cluster_size (header) / entry_size
                     << header->cluster_bits;
  uint64_t needed = div_round_up (header->size, l2_span);

  header->l1_size = load_be32 (h->bytes + QCOW2_HEADER_L1_SIZE);
  header->l1_offset = load_be64 (h->bytes + QCOW2_HEADER_L1_OFFSET);
  if (header->l1_size > QCOW2_L1_BYTES_MAX / 8) {
    pb_set_error (EIO, "%s: header: l1_size of %u entries is too large",
                  h->name, header->l1_size);
    return -1;
  }
  if (header->l1_size < needed) {
    pb_set_error (EIO,
                  "%s: header: l1_size of %u entries is too small for a disk "
                  "of %" PRIu64 " bytes, which needs %" PRIu64,
                  h->name, header->l1_size, header->size, needed);
    return -1;
  }
  return check_place (h, header, "L1 table", header->l1_offset,
                      (uint64_t) header->l1_size * 8);
}

/* Nothing here reads refcounts or snapshots; but where they lie beyond the end
 * of the file, the file has been cut and its data cannot be trusted either.
 */
static int
check_unused_tables (const struct qcow2_header *header,
                     const struct header_bytes *h)
{
  uint64_t cluster_size = qcow2_cluster_size (header);
  uint64_t reftable = load_be64 (h->bytes + QCOW2_HEADER_REFTABLE_OFFSET);
  uint32_t clusters = load_be32 (h->bytes + QCOW2_HEADER_REFTABLE_CLUSTERS);
  uint32_t snapshots = load_be32 (h->bytes + QCOW2_HEADER_NR_SNAPSHOTS);

  if (clusters == 0 || clusters > QCOW2_REFTABLE_BYTES_MAX / cluster_size) {
    pb_set_error (EIO,
                  "%s: header: refcount_table_clusters is %u, not 1 to %" PRIu64,
                  h->name, clusters, QCOW2_REFTABLE_BYTES_MAX / cluster_size);
    return -1;
  }
  /* The last cluster of a file may be incomplete. */
  if (check_place (h, header, "refcount table", reftable,
                   (clusters - 1) * cluster_size + 1)
      == -1)
    return -1;
  if (snapshots > QCOW2_SNAPSHOTS_MAX) {
    pb_set_error (EIO, "%s: header: %u snapshots are too many", h->name,
                  snapshots);
    return -1;
  }
  return snapshots == 0
           ? 0
           : check_place (h, header, "snapshot table",
                          load_be64 (h->bytes + QCOW2_HEADER_SNAPSHOTS_OFFSET),
                          1);
}

/* Where the fixed header ends and the extensions begin. */
static int
parse_header_length (const struct qcow2_header *header,
                     const struct header_bytes *h, uint32_t *length)
{
  uint64_t cluster_size = qcow2_cluster_size (header);

  if (header->version == 2) {
    *length = QCOW2_V2_HEADER_LENGTH;
    return 0;
  }
  if (h->count < QCOW2_V3_HEADER_LENGTH_MIN) {
    pb_set_error (EIO, "%s: header: the file ends inside it, at 0x%zx",
                  h->name, h->count);
    return -1;
  }
  *length = load_be32 (h->bytes + QCOW2_HEADER_LENGTH);
  if (*length < QCOW2_V3_HEADER_LENGTH_MIN || *length > cluster_size) {
    pb_set_error (EIO, "%s: header: header_length is %u, not %u to %" PRIu64,
                  h->name, *length, QCOW2_V3_HEADER_LENGTH_MIN, cluster_size);
    return -1;
  }
  if (*length > h->count) {
    pb_set_error (EIO,
                  "%s: header: header_length is %u, but the file ends at 0x%zx",
                  h->name, *length, h->count);
    return -1;
  }
  return 0;
}

static int
parse_compression (struct qcow2_header *header, const struct header_bytes *h,
                   uint32_t header_length)
{
  bool marked = header->incompatible & QCOW2_INCOMPAT_COMPRESSION;

  header->compression = header_length > QCOW2_HEADER_COMPRESSION_TYPE
                          ? h->bytes[QCOW2_HEADER_COMPRESSION_TYPE]
                          : QCOW2_COMPRESSION_ZLIB;
  if (header->compression > QCOW2_COMPRESSION_ZSTD) {
    pb_set_error (ENOTSUP,
                  "%s: header: compression type %u is not supported (only 0, "
                  "zlib, and 1, zstd, are)",
                  h->name, header->compression);
    return -1;
  }
  /* "Incompatible features, bit 3": set if and only if the compression type
   * is not zlib.
   */
  if (marked != (header->compression != QCOW2_COMPRESSION_ZLIB)) {
    pb_set_error (EIO,
                  "%s: header: compression type %u and the compression type "
                  "bit (incompatible feature bit 3), which is %s, contradict "
                  "each other",
                  h->name, header->compression, marked ? "set" : "clear");
    return -1;
  }
  return 0;
}

/* What only version 3 has. */
static int
parse_features (struct qcow2_header *header, const struct header_bytes *h,
                uint32_t header_length)
{
  uint32_t refcount_order;

  if (header->version == 2)
    return 0;
  header->incompatible = load_be64 (h->bytes + QCOW2_HEADER_INCOMPATIBLE);
  header->autoclear = load_be64 (h->bytes + QCOW2_HEADER_AUTOCLEAR);
  if (header->incompatible & ~KNOWN_INCOMPATIBLE) {
    set_unknown_features_error (h, header_length,
                                header->incompatible & ~KNOWN_INCOMPATIBLE);
    return -1;
  }
  refcount_order = load_be32 (h->bytes + QCOW2_HEADER_REFCOUNT_ORDER);
  if (refcount_order > REFCOUNT_ORDER_MAX) {
    pb_set_error (EIO, "%s: header: refcount_order is %u, not 0 to %u",
                  h->name, refcount_order, REFCOUNT_ORDER_MAX);
    return -1;
  }
  header->extended_l2 = header->incompatible & QCOW2_INCOMPAT_EXTENDED_L2;
  if (header->extended_l2
      && header->cluster_bits < EXTENDED_L2_CLUSTER_BITS_MIN) {
    pb_set_error (EIO,
                  "%s: header: extended L2 entries need cluster_bits of at "
                  "least %u, not %u",
                  h->name, EXTENDED_L2_CLUSTER_BITS_MIN, header->cluster_bits);
    return -1;
  }
  return parse_compression (header, h, header_length);
}

int
qcow2_header_parse (struct qcow2_header *header, const void *buffer,
                    size_t count, uint64_t file_size, const char *name)
{
  struct header_bytes h = { buffer, count, file_size, name };
  uint32_t length;

  *header = (struct qcow2_header) { 0 };
  if (check_magic_and_version (&h, &header->version) == -1
      || parse_geometry (header, &h) == -1
      || parse_header_length (header, &h, &length) == -1
      || parse_features (header, &h, length) == -1
      || parse_l1 (header, &h) == -1
      || check_unused_tables (header, &h) == -1
      || parse_extensions (header, &h, length) == -1
      || parse_backing_file (header, &h, length) == -1) {
    qcow2_header_clear (header);
    return -1;
  }
  return 0;
}

void
qcow2_header_clear (struct qcow2_header *header)
{
  free (header->backing_file);
  free (header->backing_format);
  free (header->data_file);
  *header = (struct qcow2_header) { 0 };
}
