/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmaps.c: the directory of a qcow2 image's persistent dirty bitmaps. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitmaps.h"
#include "byteorder.h"
#include "error.h"
#include "format.h"
#include "round.h"

/* "Bitmap directory": offsets in an entry. */
#define ENTRY_TABLE_OFFSET     0
#define ENTRY_TABLE_SIZE       8
#define ENTRY_FLAGS            12
#define ENTRY_TYPE             16
#define ENTRY_GRANULARITY_BITS 17
#define ENTRY_NAME_SIZE        18
#define ENTRY_EXTRA_SIZE       20

/* Say why in *TEXT, unless it already has a reason. */
static int set_reason (char **text, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

static int
set_reason (char **text, const char *format, ...)
{
  va_list args;
  int r;

  if (*text)
    return 0;
  va_start (args, format);
  r = vasprintf (text, format, args);
  va_end (args);
  if (r == -1) {
    *text = NULL;
    pb_set_error (ENOMEM, "bitmap directory: out of memory");
    return -1;
  }
  return 0;
}

/* Clusters of bitmap data that a bitmap of this granularity has: exactly as
 * many entries has its table.
 */
static uint64_t
table_entries (const struct qcow2_header *header, unsigned granularity_bits)
{
  uint64_t bits
    = div_round_up (header->size, UINT64_C (1) << granularity_bits);

  return div_round_up (div_round_up (bits, 8), qcow2_cluster_size (header));
}

/* Does the table lie where it can, and have the right size? */
static int
judge_table (struct qcow2_bitmap *bitmap, const struct qcow2_header *header,
             uint64_t file_size)
{
  uint64_t wanted = table_entries (header, bitmap->granularity_bits);
  uint64_t bytes = (uint64_t) bitmap->table_size * 8;

  if (wanted * qcow2_cluster_size (header) > QCOW2_BITMAP_BYTES_MAX)
    return set_reason (&bitmap->reason, "it would be larger than %" PRIu64
                                        " bytes",
                       QCOW2_BITMAP_BYTES_MAX);
  if (bitmap->table_size != wanted)
    return set_reason (&bitmap->reason,
                       "its table has %u entries instead of %" PRIu64
                       " (was the disk resized?)",
                       bitmap->table_size, wanted);
  if (bitmap->table_offset == 0
      || !is_aligned (bitmap->table_offset, qcow2_cluster_size (header)))
    return set_reason (&bitmap->reason,
                       "its table offset 0x%" PRIx64 " is not cluster aligned",
                       bitmap->table_offset);
  if (!range_is_inside (bitmap->table_offset, bytes, file_size))
    return set_reason (&bitmap->reason,
                       "its table at offset 0x%" PRIx64 " (0x%" PRIx64
                       " bytes) lies beyond the end of the file at 0x%" PRIx64,
                       bitmap->table_offset, bytes, file_size);
  return 0;
}

/* Is an entry by itself one that can be trusted? */
static int
judge_bitmap (struct qcow2_bitmap *bitmap, unsigned type, uint32_t extra_size,
              const struct qcow2_header *header, uint64_t file_size)
{
  /* "Autoclear features, bit 0": without it the bitmaps are inconsistent,
   * because somebody who does not know them wrote to the image.
   */
  if (header->version == 2 || !(header->autoclear & QCOW2_AUTOCLEAR_BITMAPS))
    return set_reason (&bitmap->reason,
                       "it is stale: the image was written by a program that "
                       "does not keep bitmaps");
  if (bitmap->flags & QCOW2_BITMAP_FLAG_IN_USE)
    return set_reason (&bitmap->reason,
                       "it is marked as in use: its last writer did not save "
                       "it");
  if (type != QCOW2_BITMAP_TYPE_DIRTY)
    return set_reason (&bitmap->reason, "it is of unknown type %u", type);
  if (bitmap->flags & QCOW2_BITMAP_FLAGS_RESERVED)
    return set_reason (&bitmap->reason, "it has unknown flags: 0x%" PRIx32,
                       bitmap->flags);
  if (extra_size != 0)
    return set_reason (&bitmap->reason,
                       "it has %" PRIu32 " bytes of unknown extra data",
                       extra_size);
  if (bitmap->granularity_bits < QCOW2_BITMAP_GRANULARITY_MIN
      || bitmap->granularity_bits > QCOW2_BITMAP_GRANULARITY_MAX)
    return set_reason (&bitmap->reason, "its granularity is 2^%u bytes",
                       bitmap->granularity_bits);
  return judge_table (bitmap, header, file_size);
}

/* The entry at the start of the LEFT bytes of DIRECTORY becomes the next of
 * the list.  *SIZE is set to its size in the directory, or to 0 where the
 * directory is damaged here.
 */
static int
parse_entry (struct qcow2_bitmaps *bitmaps, const unsigned char *entry,
             uint64_t left, const struct qcow2_header *header,
             uint64_t file_size, size_t *size)
{
  struct qcow2_bitmap *bitmap = &bitmaps->list[bitmaps->count];
  uint64_t needed;
  uint32_t extra_size;
  uint16_t name_size;
  const char *name;

  *size = 0;
  if (left < QCOW2_BITMAP_DIRECTORY_ENTRY)
    return set_reason (&bitmaps->damage, "entry %zu is cut short",
                       bitmaps->count);
  name_size = load_be16 (entry + ENTRY_NAME_SIZE);
  extra_size = load_be32 (entry + ENTRY_EXTRA_SIZE);
  needed = (uint64_t) QCOW2_BITMAP_DIRECTORY_ENTRY + extra_size + name_size;
  if (needed > left)
    return set_reason (&bitmaps->damage,
                       "entry %zu runs past the end of the directory",
                       bitmaps->count);
  name = (const char *) entry + QCOW2_BITMAP_DIRECTORY_ENTRY + extra_size;
  if (name_size == 0 || name_size > QCOW2_BITMAP_NAME_MAX
      || memchr (name, '\0', name_size) != NULL)
    return set_reason (&bitmaps->damage, "entry %zu has a bad name",
                       bitmaps->count);

  *bitmap = (struct qcow2_bitmap) {
    .name = strndup (name, name_size),
    .table_offset = load_be64 (entry + ENTRY_TABLE_OFFSET),
    .table_size = load_be32 (entry + ENTRY_TABLE_SIZE),
    .flags = load_be32 (entry + ENTRY_FLAGS),
    .granularity_bits = entry[ENTRY_GRANULARITY_BITS],
  };
  if (bitmap->name == NULL) {
    set_error_errno ("bitmap directory");
    return -1;
  }
  bitmaps->count++;
  *size = min_u64 (round_up (needed, 8), left);
  return judge_bitmap (bitmap, entry[ENTRY_TYPE], extra_size, header,
                       file_size);
}

static int
compare_names (const void *a, const void *b)
{
  const struct qcow2_bitmap *const *x = a, *const *y = b;

  return strcmp ((*x)->name, (*y)->name);
}

/* A name must mean one bitmap. */
static int
judge_duplicates (struct qcow2_bitmaps *bitmaps)
{
  size_t count = bitmaps->count;
  struct qcow2_bitmap **CLEANUP_FREE sorted
    = malloc ((count + 1) * sizeof sorted[0]);

  if (sorted == NULL) {
    set_error_errno ("bitmap directory");
    return -1;
  }
  for (size_t i = 0; i < count; i++)
    sorted[i] = &bitmaps->list[i];
  qsort (sorted, count, sizeof sorted[0], compare_names);
  for (size_t i = 1; i < count; i++) {
    if (strcmp (sorted[i - 1]->name, sorted[i]->name) != 0)
      continue;
    if (set_reason (&sorted[i - 1]->reason,
                    "there is another bitmap of this name")
          == -1
        || set_reason (&sorted[i]->reason,
                       "there is another bitmap of this name")
             == -1)
      return -1;
  }
  return 0;
}

static int
parse_entries (struct qcow2_bitmaps *bitmaps, const unsigned char *directory,
               size_t count, const struct qcow2_header *header,
               uint64_t file_size)
{
  uint32_t wanted = header->bitmaps.nr_bitmaps;
  size_t size, offset = 0;

  /* No more than the bytes that there are can hold. */
  bitmaps->list = calloc (
    min_u64 (wanted, count / QCOW2_BITMAP_DIRECTORY_ENTRY) + 1,
    sizeof bitmaps->list[0]);
  if (bitmaps->list == NULL) {
    set_error_errno ("bitmap directory");
    return -1;
  }
  while (bitmaps->count < wanted) {
    if (parse_entry (bitmaps, directory + offset, count - offset, header,
                     file_size, &size)
        == -1)
      return -1;
    if (bitmaps->damage)
      return 0;
    offset += size;
  }
  if (offset != count)
    return set_reason (&bitmaps->damage,
                       "it has %zu bytes after the last of %u entries",
                       count - offset, wanted);
  return 0;
}

int
qcow2_bitmaps_parse (struct qcow2_bitmaps *bitmaps, const void *buffer,
                     size_t count, const struct qcow2_header *header,
                     uint64_t file_size)
{
  *bitmaps = (struct qcow2_bitmaps) { 0 };
  if (parse_entries (bitmaps, buffer, count, header, file_size) == -1
      || judge_duplicates (bitmaps) == -1)
    goto error;
  for (size_t i = 0; bitmaps->damage && i < bitmaps->count; i++) {
    if (set_reason (&bitmaps->list[i].reason,
                    "the image's bitmap directory is damaged: %s",
                    bitmaps->damage)
        == -1)
      goto error;
  }
  return 0;

error:
  qcow2_bitmaps_clear (bitmaps);
  return -1;
}

/* What the extension says of the directory, judged before that is read. */
static int
judge_extension (struct qcow2_bitmaps *bitmaps,
                 const struct qcow2_header *header, const struct file *file)
{
  const struct qcow2_bitmaps_extension *e = &header->bitmaps;

  if (e->nr_bitmaps == 0 || e->nr_bitmaps > QCOW2_BITMAPS_MAX)
    return set_reason (&bitmaps->damage, "it has %u bitmaps, not 1 to %u",
                       e->nr_bitmaps, QCOW2_BITMAPS_MAX);
  if (e->reserved != 0)
    return set_reason (&bitmaps->damage,
                       "the reserved field of its header extension is 0x%x",
                       e->reserved);
  if (e->directory_size > QCOW2_BITMAP_DIRECTORY_MAX)
    return set_reason (&bitmaps->damage,
                       "its size of %" PRIu64 " bytes is too large",
                       e->directory_size);
  if (e->directory_offset == 0
      || !is_aligned (e->directory_offset, qcow2_cluster_size (header)))
    return set_reason (&bitmaps->damage,
                       "its offset 0x%" PRIx64 " is not cluster aligned",
                       e->directory_offset);
  if (!range_is_inside (e->directory_offset, e->directory_size, file->size))
    return set_reason (&bitmaps->damage,
                       "at offset 0x%" PRIx64 " (0x%" PRIx64 " bytes) it lies "
                       "beyond the end of the file at 0x%" PRIx64,
                       e->directory_offset, e->directory_size, file->size);
  return 0;
}

int
qcow2_bitmaps_read (struct qcow2_bitmaps *bitmaps,
                    const struct qcow2_header *header, const struct file *file)
{
  size_t size;

  *bitmaps = (struct qcow2_bitmaps) { 0 };
  if (!header->bitmaps.present)
    return 0;
  if (judge_extension (bitmaps, header, file) == -1)
    return -1;
  if (bitmaps->damage)
    return 0;

  size = header->bitmaps.directory_size;
  void *CLEANUP_FREE directory = malloc (size + 1);
  if (directory == NULL) {
    set_error_errno ("%s: bitmap directory", file->name);
    return -1;
  }
  if (file_pread (file, directory, size, header->bitmaps.directory_offset)
      == -1)
    return set_reason (&bitmaps->damage, "%s", pb_get_error ());
  return qcow2_bitmaps_parse (bitmaps, directory, size, header, file->size);
}

void
qcow2_bitmaps_clear (struct qcow2_bitmaps *bitmaps)
{
  for (size_t i = 0; i < bitmaps->count; i++) {
    free (bitmaps->list[i].name);
    free (bitmaps->list[i].reason);
  }
  free (bitmaps->list);
  free (bitmaps->damage);
  *bitmaps = (struct qcow2_bitmaps) { 0 };
}
