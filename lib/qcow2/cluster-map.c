/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cluster-map.c: where the bytes of a qcow2 image's disk are. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "byteorder.h"
#include "cluster-map.h"
#include "error.h"
#include "format.h"
#include "l2-entry.h"
#include "round.h"

/* Tables are read and kept in slices of this many bytes, or whole where they
 * are smaller: with 64 KiB clusters one slice maps 128 MiB of the disk.
 */
#define SLICE_BYTES_BITS 14

#define SUBCLUSTER_BITS 5

static unsigned
entry_words (const struct cluster_map *map)
{
  return map->extended_l2 ? 2 : 1;
}

static size_t
slice_bytes (const struct cluster_map *map)
{
  return ((size_t) 8 * entry_words (map)) << map->slice_bits;
}

static int
check_l1_entry (const struct cluster_map *map, uint64_t index, uint64_t entry)
{
  const char *name = map->file->name;
  uint64_t offset = entry & QCOW2_OFFSET_MASK;
  uint64_t cluster_size = UINT64_C (1) << map->cluster_bits;

  if (entry & QCOW2_L1_RESERVED) {
    pb_set_error (EIO,
                  "%s: L1 table, entry %" PRIu64 ": reserved bits are set: "
                  "0x%016" PRIx64,
                  name, index, entry);
    return -1;
  }
  if (!is_aligned (offset, cluster_size)) {
    pb_set_error (EIO,
                  "%s: L1 table, entry %" PRIu64 ": L2 table offset 0x%" PRIx64
                  " is not cluster aligned",
                  name, index, offset);
    return -1;
  }
  if (offset && !range_is_inside (offset, cluster_size, map->file->size)) {
    pb_set_error (EIO,
                  "%s: L1 table, entry %" PRIu64 ": L2 table at offset "
                  "0x%" PRIx64 " lies beyond the end of the file at "
                  "0x%" PRIx64,
                  name, index, offset, map->file->size);
    return -1;
  }
  if (offset == 0 && entry != 0) {
    pb_set_error (EIO,
                  "%s: L1 table, entry %" PRIu64 ": L2 table is marked as "
                  "copied, but has no offset",
                  name, index);
    return -1;
  }
  return 0;
}

static int
load_l1 (struct cluster_map *map, uint64_t l1_offset)
{
  if (map->nr_l1 == 0)
    return 0;
  map->l1 = malloc (map->nr_l1 * sizeof map->l1[0]);
  if (map->l1 == NULL) {
    set_error_errno ("%s: L1 table", map->file->name);
    return -1;
  }
  if (file_pread (map->file, map->l1, map->nr_l1 * sizeof map->l1[0], l1_offset)
      == -1)
    return -1;
  for (uint64_t i = 0; i < map->nr_l1; i++) {
    uint64_t entry = load_be64 (&map->l1[i]);

    if (check_l1_entry (map, i, entry) == -1)
      return -1;
    map->l1[i] = entry & QCOW2_OFFSET_MASK;
  }
  return 0;
}

int
cluster_map_open (struct cluster_map *map, const struct qcow2_header *header,
                  const struct file *file, const struct file *data_file,
                  struct block_cache *tables)
{
  unsigned entry_bits = header->extended_l2 ? 4 : 3;

  *map = (struct cluster_map) {
    .file = file,
    .data_file = data_file ? data_file : file,
    .tables = tables,
    .size = header->size,
    .version = header->version,
    .cluster_bits = header->cluster_bits,
    .extended_l2 = header->extended_l2,
    .unit_bits
    = header->cluster_bits - (header->extended_l2 ? SUBCLUSTER_BITS : 0),
    .l2_bits = header->cluster_bits - entry_bits,
    .slice_bits
    = min_u64 (header->cluster_bits, SLICE_BYTES_BITS) - entry_bits,
  };
  map->nr_l1 = div_round_up (
    map->size, UINT64_C (1) << (map->l2_bits + map->cluster_bits));
  assert (map->nr_l1 <= header->l1_size);
  if (load_l1 (map, header->l1_offset) == -1) {
    cluster_map_close (map);
    return -1;
  }
  return 0;
}

void
cluster_map_close (struct cluster_map *map)
{
  free (map->l1);
  *map = (struct cluster_map) { 0 };
}

/* A block_fill: SOURCE is the struct cluster_map, PLACE an offset. */
static int
fill_slice (const void *source, uint64_t offset, void *buffer, size_t size)
{
  const struct cluster_map *map = source;
  uint64_t *words = buffer;

  if (file_pread (map->file, buffer, size, offset) == -1) {
    prefix_error ("L2 table");
    return -1;
  }
  for (size_t i = 0; i < size / sizeof words[0]; i++)
    words[i] = be64toh (words[i]);
  return 0;
}

/* Many L2 tables may be missing in a row: one run for all of them. */
static void
missing_tables_run (const struct cluster_map *map, uint64_t offset,
                    uint64_t length, struct cluster_run *run)
{
  unsigned table_bits = map->l2_bits + map->cluster_bits;
  uint64_t i = offset >> table_bits;
  uint64_t last = (offset + length - 1) >> table_bits;

  while (i <= last && map->l1[i] == 0)
    i++;
  run->kind = CLUSTER_UNALLOCATED;
  run->length = i > last ? length : (i << table_bits) - offset;
}

/* Where a run starts, and how far it may go. */
struct scan {
  const uint64_t *words;  /* of the slice */
  uint64_t first, end;    /* units counted from the slice's first byte */
  enum cluster_purpose purpose;
};

/* What unit number UNIT of a slice is, and for data and compressed clusters
 * where.  *UNITS is how many units from it on the entry answers for.
 */
static int
unit_status (const struct cluster_map *map, const struct scan *scan,
             uint64_t unit, struct cluster_run *run, uint64_t *units)
{
  unsigned bits = map->cluster_bits - map->unit_bits;
  unsigned index = unit & ((1U << bits) - 1);
  struct l2_entry entry;

  if (l2_entry_parse (map, scan->words + (unit >> bits) * entry_words (map),
                      &entry)
      == -1)
    return -1;
  *units = entry.mixed ? 1 : (1U << bits) - index;
  run->kind = l2_entry_subcluster_kind (&entry, index);
  run->host = entry.host;
  if (run->kind == CLUSTER_DATA)
    run->host += (uint64_t) index << map->unit_bits;
  if (scan->purpose == CLUSTERS_TO_MAP) {
    run->host = 0;
    if (run->kind == CLUSTER_COMPRESSED)
      run->kind = CLUSTER_DATA;
  }
  return 0;
}

/* May NEXT, whose units begin DISTANCE bytes after those of RUN, go on with
 * it?
 */
static bool
run_goes_on (const struct cluster_run *run, const struct cluster_run *next,
             uint64_t distance, enum cluster_purpose purpose)
{
  if (run->kind != next->kind)
    return false;
  if (purpose == CLUSTERS_TO_MAP)
    return true;
  switch (run->kind) {
  case CLUSTER_DATA:
    return next->host == run->host + distance;
  case CLUSTER_COMPRESSED:
    return false;
  default:
    return true;
  }
}

static int
scan_slice (const struct cluster_map *map, const struct scan *scan,
            struct cluster_run *run, uint64_t *unit)
{
  uint64_t units;

  *unit = scan->first;
  if (unit_status (map, scan, *unit, run, &units) == -1)
    return -1;
  for (*unit += units; *unit < scan->end; *unit += units) {
    struct cluster_run next;

    if (unit_status (map, scan, *unit, &next, &units) == -1)
      return -1;
    if (!run_goes_on (run, &next, (*unit - scan->first) << map->unit_bits,
                      scan->purpose))
      break;
  }
  return 0;
}

int
cluster_map_lookup (const struct cluster_map *map, uint64_t offset,
                    uint64_t length, enum cluster_purpose purpose,
                    struct cluster_run *run)
{
  unsigned slice_span_bits = map->slice_bits + map->cluster_bits;
  uint64_t l2_table = map->l1[offset >> (map->l2_bits + map->cluster_bits)];
  uint64_t base = round_down (offset, UINT64_C (1) << slice_span_bits);
  uint64_t slice_index, place, end, unit;
  struct block_ref ref;
  int r;

  assert (length > 0 && range_is_inside (offset, length, map->size));
  if (l2_table == 0) {
    missing_tables_run (map, offset, length, run);
    return 0;
  }

  slice_index = (offset >> slice_span_bits)
                & ((UINT64_C (1) << (map->l2_bits - map->slice_bits)) - 1);
  place = l2_table + slice_index * slice_bytes (map);
  if (block_cache_get (map->tables, map, place, slice_bytes (map), fill_slice,
                       &ref)
      == -1)
    return -1;
  end = min_u64 (offset + length, base + (UINT64_C (1) << slice_span_bits));
  struct scan scan = {
    .words = ref.data,
    .first = (offset - base) >> map->unit_bits,
    .end = div_round_up (end - base, UINT64_C (1) << map->unit_bits),
    .purpose = purpose,
  };
  r = scan_slice (map, &scan, run, &unit);
  block_cache_put (&ref);
  if (r == -1) {
    prefix_error ("%s: L2 table at offset 0x%" PRIx64 ", disk offset "
                  "0x%" PRIx64,
                  map->file->name, l2_table, base + (unit << map->unit_bits));
    return -1;
  }
  run->length = min_u64 (base + (unit << map->unit_bits), end) - offset;
  if (run->kind == CLUSTER_DATA && purpose == CLUSTERS_TO_READ)
    run->host += offset & ((UINT64_C (1) << map->unit_bits) - 1);
  return 0;
}
