/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-writer-layout.c: for every cluster size, compression and kind of backing
 * file, what is written passes qemu-img check and reads back as it was given.
 */

#include "config.h"

#include "writer-tests.h"

#define MAX_CLUSTERS 24
#define MAX_SIZE     (8 << 20)

static const char *const compression_names[] = { "none", "zlib", "zstd" };

/* One request: data of some kind, or zeroes, or nothing at all, which lets
 * the backing file through.  The model already has the backing file's bytes;
 * its file ends at a multiple of 512, and what is given of the last sector
 * makes the rest of that one zero.
 */
static void
put_clusters (pb_writer *writer, int model, uint64_t offset, size_t count)
{
  uint8_t *buffer = calloc (1, count);

  CHECK (buffer != NULL);
  switch (unit_random_below (6)) {
  case 0:
    free (buffer);
    return;
  case 1:
    CHECK_OK (pb_writer_zero (writer, count, offset) == 0);
    break;
  case 2: /* zeroes, but as data */
    CHECK_OK (pb_writer_write (writer, buffer, count, offset) == 0);
    break;
  case 3:
    fill_random (buffer, count);
    CHECK_OK (pb_writer_write (writer, buffer, count, offset) == 0);
    break;
  case 4:
    fill_text (buffer, count);
    CHECK_OK (pb_writer_write (writer, buffer, count, offset) == 0);
    break;
  case 5: /* the last byte alone is not zero */
    buffer[count - 1] = 1;
    CHECK_OK (pb_writer_write (writer, buffer, count, offset) == 0);
    break;
  }
  CHECK (pwrite (model, buffer, count, offset) == (ssize_t) count);
  memset (buffer, 0, count < 512 ? count : 512);
  for (uint64_t end = offset + count; end % 512 != 0; end++)
    CHECK (pwrite (model, buffer, 1, end) == 1);
  free (buffer);
}

static void
test_layout (unsigned cluster_bits, enum pb_compression compression,
             enum pb_format *backing_format)
{
  uint64_t cluster_size = UINT64_C (1) << cluster_bits;
  uint64_t most = MAX_SIZE / cluster_size;
  uint64_t clusters
    = 1 + unit_random_below (most < MAX_CLUSTERS ? most : MAX_CLUSTERS);
  /* Not a multiple of the cluster size, mostly, nor of 512. */
  uint64_t size = clusters * cluster_size - unit_random_below (cluster_size);
  uint64_t rounded = (size + 511) / 512 * 512;
  struct pb_writer_options options = {
    .struct_size = sizeof options,
    .flags = unit_random_below (4) == 0 ? PB_WRITER_KEEP_ZEROES : 0,
    .cluster_size = cluster_size,
    .compression = compression,
  };
  pb_writer *writer;
  int model;

  printf ("cluster size %" PRIu64 ", %s, backing %s\n", cluster_size,
          compression_names[compression],
          backing_format ? *backing_format == PB_FORMAT_RAW ? "raw" : "qcow2"
                         : "none");
  fflush (stdout);
  make_raw ("model", rounded, backing_format ? 0xb1 : 0);
  if (backing_format) {
    make_raw ("base.raw", rounded, 0xb1);
    if (*backing_format == PB_FORMAT_QCOW2)
      CHECK_SHELL ("qemu-img convert -f raw -O qcow2 base.raw base.qcow2");
    options.backing_file
      = *backing_format == PB_FORMAT_RAW ? "base.raw" : "base.qcow2";
    options.backing_format = *backing_format;
  }

  model = open ("model", O_RDWR);
  CHECK (model >= 0);
  writer = pb_writer_create ("image.qcow2", size, &options);
  CHECK_OK (writer != NULL);
  CHECK (pb_writer_get_cluster_size (writer) == cluster_size);
  for (uint64_t offset = 0; offset < size;) {
    uint64_t count = cluster_size * (1 + unit_random_below (4));

    if (count > size - offset)
      count = size - offset;
    put_clusters (writer, model, offset, count);
    offset += count;
  }
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);
  close (model);

  CHECK_IMAGE ("image.qcow2", "model");
  CHECK (unlink ("image.qcow2") == 0);
}

static void
test_all_layouts (void)
{
  enum pb_format qcow2 = PB_FORMAT_QCOW2, raw = PB_FORMAT_RAW;

  for (unsigned bits = 9; bits <= 21; bits++) {
    for (int c = PB_COMPRESSION_NONE; c <= PB_COMPRESSION_ZSTD; c++) {
      test_layout (bits, c, NULL);
      test_layout (bits, c, unit_random_below (2) ? &qcow2 : &raw);
    }
  }
}

/* A disk without a byte, and disks of a few. */
static void
test_smallest_sizes (void)
{
  static const uint64_t sizes[] = { 0, 1, 511, 512, 513, 65535, 65537 };

  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    char data[65537];
    pb_writer *writer = pb_writer_create ("image.qcow2", sizes[i], NULL);

    CHECK_OK (writer != NULL);
    CHECK (pb_writer_get_cluster_size (writer) == 65536);
    memset (data, 'd', sizeof data);
    CHECK_OK (pb_writer_write (writer, data, sizes[i], 0) == 0);
    CHECK_OK (pb_writer_finish (writer) == 0);
    pb_writer_free (writer);

    make_raw ("model", sizes[i], 'd');
    CHECK (truncate ("model", (sizes[i] + 511) / 512 * 512) == 0);
    CHECK_IMAGE ("image.qcow2", "model");
    CHECK (unlink ("image.qcow2") == 0);
  }
}

/* Refcount blocks of 512 bytes count 128 KiB each, so this file has many, and
 * of some the last cluster counted is the block itself.
 */
static void
test_many_refcount_blocks (void)
{
  struct pb_writer_options options
    = { .struct_size = sizeof options, .cluster_size = 512 };

  for (uint64_t size = 512 * 240; size < 512 * 270; size += 512) {
    char *data = malloc (size);
    pb_writer *writer;

    CHECK (data != NULL);
    memset (data, 'd', size);
    writer = pb_writer_create ("image.qcow2", size, &options);
    CHECK_OK (writer != NULL);
    CHECK_OK (pb_writer_write (writer, data, size, 0) == 0);
    CHECK_OK (pb_writer_finish (writer) == 0);
    pb_writer_free (writer);
    free (data);
    CHECK_SHELL ("qemu-img check -f qcow2 image.qcow2");
    CHECK (unlink ("image.qcow2") == 0);
  }
}

int
main (void)
{
  unit_seed ();
  enter_folder ();
  test_all_layouts ();
  test_smallest_sizes ();
  test_many_refcount_blocks ();
  leave_folder ();
  return 0;
}
