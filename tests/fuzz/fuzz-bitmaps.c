/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-bitmaps.c: the directory, tables and data of an image's bitmaps.
 *
 * So that inputs are not wasted on headers, which fuzz-qcow2 is for, the
 * image is put together: the input is the 24 bytes of the bitmaps extension,
 * then all of the file from its second cluster on.  The header before and the
 * empty tables behind are made here.
 */

#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "format.h"
#include "fuzz.h"

#define CLUSTER       512
#define DISK_SIZE     (8 << 20)
#define L1_ENTRIES    (DISK_SIZE / (CLUSTER * (CLUSTER / 8)))
#define TABLES_SIZE   (L1_ENTRIES * 8 + CLUSTER) /* L1, then refcounts */
#define IMAGE_MAX     (CLUSTER + FUZZ_INPUT_MAX + CLUSTER + TABLES_SIZE)
#define EXTENTS_MAX   256

static void
make_header (uint8_t *header, const uint8_t *extension, uint64_t tables)
{
  store_be32 (header, QCOW2_MAGIC);
  store_be32 (header + QCOW2_HEADER_VERSION, 3);
  store_be32 (header + QCOW2_HEADER_CLUSTER_BITS, 9);
  store_be64 (header + QCOW2_HEADER_SIZE, DISK_SIZE);
  store_be32 (header + QCOW2_HEADER_L1_SIZE, L1_ENTRIES);
  store_be64 (header + QCOW2_HEADER_L1_OFFSET, tables);
  store_be64 (header + QCOW2_HEADER_REFTABLE_OFFSET,
              tables + L1_ENTRIES * 8);
  store_be32 (header + QCOW2_HEADER_REFTABLE_CLUSTERS, 1);
  store_be64 (header + QCOW2_HEADER_AUTOCLEAR, QCOW2_AUTOCLEAR_BITMAPS);
  store_be32 (header + QCOW2_HEADER_REFCOUNT_ORDER, 4);
  store_be32 (header + QCOW2_HEADER_LENGTH, QCOW2_V3_HEADER_LENGTH);

  uint8_t *p = header + QCOW2_V3_HEADER_LENGTH;
  store_be32 (p, QCOW2_EXT_BITMAPS);
  store_be32 (p + 4, QCOW2_BITMAPS_EXT_LENGTH);
  memcpy (p + 8, extension, QCOW2_BITMAPS_EXT_LENGTH);
}

static void
try_bitmap (pb_image *image, const struct pb_bitmap_info *info)
{
  pb_bitmap *bitmap = pb_image_load_bitmap (image, info->name);
  struct pb_extent extent;

  assert (info->usable ? info->reason == NULL : info->reason != NULL);
  if (bitmap == NULL)
    return;
  assert (info->usable);
  assert (pb_bitmap_get_size (bitmap) == DISK_SIZE);
  assert (pb_bitmap_get_granularity (bitmap) == info->granularity);
  assert (pb_bitmap_count (bitmap) <= DISK_SIZE);

  pb_extents *extents = pb_bitmap_extents (bitmap, 0, DISK_SIZE);
  assert (extents);
  for (unsigned n = 0; n < EXTENTS_MAX; n++)
    if (pb_extents_next (extents, &extent) != 1)
      break;
  pb_extents_free (extents);
  pb_bitmap_free (bitmap);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  struct pb_bitmap_info info;
  uint64_t tables;
  uint8_t *file;
  pb_image *image;

  if (size < QCOW2_BITMAPS_EXT_LENGTH || size > FUZZ_INPUT_MAX)
    return 0;
  file = calloc (1, IMAGE_MAX);
  assert (file);
  size -= QCOW2_BITMAPS_EXT_LENGTH;
  memcpy (file + CLUSTER, data + QCOW2_BITMAPS_EXT_LENGTH, size);
  tables = CLUSTER + (size + CLUSTER - 1) / CLUSTER * CLUSTER;
  make_header (file, data, tables);

  image = fuzz_open_image (file, tables + TABLES_SIZE);
  free (file);
  if (image == NULL)
    return 0;
  for (size_t i = 0; i < pb_image_nr_bitmaps (image); i++) {
    int r = pb_image_get_bitmap_info (image, i, &info);

    assert (r == 0);
    try_bitmap (image, &info);
  }
  pb_image_free (image);
  return 0;
}
