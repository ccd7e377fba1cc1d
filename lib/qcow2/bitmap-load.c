/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-load.c: one persistent dirty bitmap, from its table and data. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "bitmap.h"
#include "bitmaps.h"
#include "byteorder.h"
#include "error.h"
#include "format.h"
#include "round.h"

/* What one load needs from step to step. */
struct load {
  const struct qcow2_bitmap *source;
  const struct file *file;
  uint64_t cluster_size;
  uint64_t total; /* bytes of the serialised form */
  pb_bitmap *target;
  void *buffer; /* one cluster */
};

static int
set_entry_error (const struct load *load, uint64_t index, uint64_t entry,
                 const char *cause)
{
  pb_set_error (ESTALE,
                "%s: bitmap %s: table at offset 0x%" PRIx64 ", entry %" PRIu64
                " (0x%016" PRIx64 "): %s; take a full backup",
                load->file->name, load->source->name,
                load->source->table_offset, index, entry, cause);
  return -1;
}

/* "All ones": every bit that the cluster would hold. */
static int
set_all (const struct load *load, uint64_t index)
{
  uint64_t size = pb_bitmap_get_size (load->target);
  uint64_t span = load->cluster_size * 8 << load->source->granularity_bits;
  uint64_t offset = index * span; /* on the disk: the table has no more
                                   * entries than that needs */

  return pb_bitmap_set (load->target, offset, min_u64 (span, size - offset));
}

/* "Bitmap table": an offset, or all zeroes, or all ones. */
static int
load_entry (const struct load *load, uint64_t index, uint64_t entry)
{
  uint64_t offset = entry & QCOW2_OFFSET_MASK;
  uint64_t position = index * load->cluster_size;
  size_t count = min_u64 (load->cluster_size, load->total - position);

  if (entry & QCOW2_BITMAP_TABLE_RESERVED)
    return set_entry_error (load, index, entry, "reserved bits are set");
  if (offset == 0)
    return entry & QCOW2_BITMAP_TABLE_ALL_ONES ? set_all (load, index) : 0;
  if (entry & QCOW2_BITMAP_TABLE_ALL_ONES)
    return set_entry_error (load, index, entry,
                            "says all ones, but has an offset");
  if (!is_aligned (offset, load->cluster_size))
    return set_entry_error (load, index, entry, "is not cluster aligned");
  /* Of the last cluster only the bytes that are needed must be there: files
   * end without padding.
   */
  if (!range_is_inside (offset, count, load->file->size))
    return set_entry_error (load, index, entry,
                            "lies beyond the end of the file");
  if (file_pread (load->file, load->buffer, count, offset) == -1)
    return -1;
  return pb_bitmap_deserialize (load->target, load->buffer, count, position);
}

pb_bitmap *
qcow2_bitmap_load (const struct qcow2_bitmap *bitmap,
                   const struct qcow2_header *header, const struct file *file)
{
  size_t table_bytes = (size_t) bitmap->table_size * 8;
  unsigned char *CLEANUP_FREE table = malloc (table_bytes + 1);
  void *CLEANUP_FREE buffer = malloc (qcow2_cluster_size (header));
  pb_bitmap *CLEANUP_BITMAP target
    = pb_bitmap_new (header->size, UINT64_C (1) << bitmap->granularity_bits);

  if (target == NULL)
    return NULL;
  if (table == NULL || buffer == NULL) {
    set_error_errno ("%s: bitmap %s", file->name, bitmap->name);
    return NULL;
  }
  if (file_pread (file, table, table_bytes, bitmap->table_offset) == -1)
    return NULL;

  struct load load = {
    .source = bitmap,
    .file = file,
    .cluster_size = qcow2_cluster_size (header),
    .total = pb_bitmap_serialized_size (target),
    .target = target,
    .buffer = buffer,
  };
  for (uint64_t i = 0; i < bitmap->table_size; i++) {
    if (load_entry (&load, i, load_be64 (table + i * 8)) == -1)
      return NULL;
  }
  return STEAL (target);
}
