/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* l2-entry.c: what one entry of an L2 table says, and whether it may. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "compressed-cluster.h"
#include "error.h"
#include "format.h"
#include "l2-entry.h"
#include "round.h"

static int
parse_compressed (const struct cluster_map *map, const uint64_t *words,
                  struct l2_entry *entry)
{
  uint64_t offset, last_sector;
  size_t length;

  if (words[0] & QCOW2_COPIED) {
    pb_set_error (EIO, "compressed cluster with bit 63 (copied) set");
    return -1;
  }
  if (map->extended_l2 && words[1] != 0) {
    pb_set_error (EIO, "compressed cluster with subclusters");
    return -1;
  }
  if (map->data_file != map->file) {
    pb_set_error (EIO, "compressed cluster in an image with an external data "
                       "file");
    return -1;
  }
  compressed_cluster_place (words[0], map->cluster_bits, &offset, &length);
  last_sector = round_down (offset + length - 1, QCOW2_COMPRESSED_SECTOR);
  if (last_sector >= map->file->size) {
    pb_set_error (EIO,
                  "compressed cluster at offset 0x%" PRIx64 " (0x%zx bytes) "
                  "lies beyond the end of the file at 0x%" PRIx64,
                  offset, length, map->file->size);
    return -1;
  }
  entry->kind = CLUSTER_COMPRESSED;
  entry->host = words[0];
  return 0;
}

/* The offset of a standard entry, whatever the cluster's state. */
static int
check_host_cluster (const struct cluster_map *map, uint64_t word)
{
  uint64_t host = word & QCOW2_OFFSET_MASK;
  uint64_t reserved = QCOW2_L2_RESERVED;

  /* "Bit 0 ... is reserved in version 2 and with extended L2 entries." */
  if (map->version == 2 || map->extended_l2)
    reserved |= QCOW2_L2_ZERO;
  if (word & reserved) {
    pb_set_error (EIO, "reserved bits are set: 0x%016" PRIx64, word);
    return -1;
  }
  if (!is_aligned (host, UINT64_C (1) << map->cluster_bits)) {
    pb_set_error (EIO, "cluster offset 0x%" PRIx64 " is not cluster aligned",
                  host);
    return -1;
  }
  /* The last cluster of a file may be incomplete, so its start is what must
   * lie inside.
   */
  if (host >= map->data_file->size && (host || (word & QCOW2_COPIED))) {
    pb_set_error (EIO,
                  "cluster at offset 0x%" PRIx64 " lies beyond the end of %s "
                  "at 0x%" PRIx64,
                  host,
                  map->data_file == map->file ? "the file" : "the data file",
                  map->data_file->size);
    return -1;
  }
  return 0;
}

/* "Extended L2 entries": the second word has an allocation bit and a zero bit
 * for each subcluster.
 */
static int
parse_subclusters (uint64_t bitmap, bool allocated, struct l2_entry *entry)
{
  entry->allocated = bitmap;
  entry->zero = bitmap >> QCOW2_SUBCLUSTERS;
  if (entry->allocated & entry->zero) {
    pb_set_error (EIO,
                  "subclusters are marked as both data and zeroes: "
                  "0x%016" PRIx64,
                  bitmap);
    return -1;
  }
  if (!allocated && entry->allocated) {
    pb_set_error (EIO,
                  "subclusters have data, but there is no cluster: "
                  "0x%016" PRIx64,
                  bitmap);
    return -1;
  }
  if (entry->zero == UINT32_MAX)
    entry->kind = allocated ? CLUSTER_ZERO_ALLOCATED : CLUSTER_ZERO;
  else if (entry->allocated == UINT32_MAX)
    entry->kind = CLUSTER_DATA;
  else if (bitmap == 0)
    entry->kind = CLUSTER_UNALLOCATED;
  else
    entry->mixed = true;
  return 0;
}

int
l2_entry_parse (const struct cluster_map *map, const uint64_t *words,
                struct l2_entry *entry)
{
  bool allocated;

  *entry = (struct l2_entry) { 0 };
  if (words[0] & QCOW2_L2_COMPRESSED)
    return parse_compressed (map, words, entry);
  if (words[0] == 0 && !map->extended_l2) {
    entry->kind = CLUSTER_UNALLOCATED;
    return 0;
  }
  if (check_host_cluster (map, words[0]) == -1)
    return -1;

  entry->host = words[0] & QCOW2_OFFSET_MASK;
  /* Offset 0 is the header's cluster, except in an external data file, where
   * bit 63 tells it from "no cluster".
   */
  allocated = entry->host != 0
              || (map->data_file != map->file && (words[0] & QCOW2_COPIED));
  if (map->extended_l2)
    return parse_subclusters (words[1], allocated, entry);
  if (words[0] & QCOW2_L2_ZERO)
    entry->kind = allocated ? CLUSTER_ZERO_ALLOCATED : CLUSTER_ZERO;
  else if (allocated)
    entry->kind = CLUSTER_DATA;
  else {
    pb_set_error (EIO, "cluster is marked as copied, but has no offset");
    return -1;
  }
  return 0;
}
