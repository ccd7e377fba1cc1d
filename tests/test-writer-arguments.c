/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-writer-arguments.c: what the writer refuses, and that a refusal changes
 * nothing; the limits of size; the figures it gives.
 */

#include "config.h"

#include "writer-tests.h"

#define IMAGE "image.qcow2"

static char data[4 * 65536];

static struct pb_writer_options
plain_options (void)
{
  return (struct pb_writer_options) {
    .struct_size = sizeof (struct pb_writer_options)
  };
}

#define CHECK_CREATE_FAILS(size, options, errnum, text)                       \
  do {                                                                        \
    CHECK_FAILS (pb_writer_create (IMAGE, size, options) == NULL, errnum,     \
                 text);                                                       \
    CHECK (!exists (IMAGE) && !exists (IMAGE ".partial"));                    \
  } while (0)

static void
test_options (void)
{
  struct pb_writer_options options = { .struct_size = 0 };

  CHECK_CREATE_FAILS (0, &options, EINVAL, "unknown options");
  options = plain_options ();
  options.flags = 4;
  CHECK_CREATE_FAILS (0, &options, EINVAL, "unknown options");

  options = plain_options ();
  for (size_t i = 0; i < 4; i++) {
    static const uint32_t wrong[] = { 256, 1000, 4 << 20, 65535 };

    options.cluster_size = wrong[i];
    CHECK_CREATE_FAILS (0, &options, EINVAL, "power of two from 512");
  }

  options = plain_options ();
  options.backing_file = "";
  CHECK_CREATE_FAILS (0, &options, EINVAL, "plain file name");
  options.backing_file = "base";
  options.backing_format = 7;
  CHECK_CREATE_FAILS (0, &options, EINVAL, "backing format 7");
}

static void
test_compression_levels (void)
{
  static const struct {
    enum pb_compression compression;
    int level;
    const char *error; /* NULL: is allowed */
  } cases[] = {
    { PB_COMPRESSION_NONE, 1, "without compression" },
    { PB_COMPRESSION_ZLIB, 1, NULL },
    { PB_COMPRESSION_ZLIB, 9, NULL },
    { PB_COMPRESSION_ZLIB, 10, "must be 1 to 9" },
    { PB_COMPRESSION_ZLIB, -1, "must be 1 to 9" },
    { PB_COMPRESSION_ZSTD, 1, NULL },
    { PB_COMPRESSION_ZSTD, 22, NULL },
    { PB_COMPRESSION_ZSTD, 23, "must be 1 to 22" },
    { PB_COMPRESSION_ZSTD, -1, "must be 1 to 22" },
    { 3, 0, "unknown compression type 3" },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct pb_writer_options options = plain_options ();
    pb_writer *writer;

    options.compression = cases[i].compression;
    options.compression_level = cases[i].level;
    if (cases[i].error) {
      CHECK_CREATE_FAILS (sizeof data, &options, EINVAL, cases[i].error);
      continue;
    }
    writer = pb_writer_create (IMAGE, sizeof data, &options);
    CHECK_OK (writer != NULL);
    fill_text (data, sizeof data);
    CHECK_OK (pb_writer_write (writer, data, sizeof data, 0) == 0);
    CHECK_OK (pb_writer_finish (writer) == 0);
    pb_writer_free (writer);
    CHECK_SHELL ("qemu-img check " IMAGE);
    CHECK (unlink (IMAGE) == 0);
  }
}

static void
test_requests (void)
{
  uint64_t size = 4 * 65536 - 1000; /* 512 * 510.046: rounded up by 24 */
  pb_writer *writer = pb_writer_create (IMAGE, size, NULL);

  CHECK_OK (writer != NULL);
  fill_random (data, sizeof data);
  CHECK_FAILS (pb_writer_write (writer, data, 65536, 1) == -1, EINVAL,
               "not in whole clusters");
  CHECK_FAILS (pb_writer_write (writer, data, 65535, 0) == -1, EINVAL,
               "not in whole clusters");
  CHECK_FAILS (pb_writer_zero (writer, 512, 65536) == -1, EINVAL,
               "not in whole clusters");
  CHECK_FAILS (pb_writer_write (writer, data, 65536, 3 * 65536) == -1, EINVAL,
               "beyond the end");
  CHECK_FAILS (pb_writer_zero (writer, 65536, 4 * 65536) == -1, EINVAL,
               "beyond the end");
  CHECK_FAILS (pb_writer_zero (writer, UINT64_MAX, 65536) == -1, EINVAL,
               "beyond the end");
  CHECK_FAILS (pb_writer_write (writer, data, SIZE_MAX, 65536) == -1, EINVAL,
               "beyond the end");
  CHECK_OK (pb_writer_write (writer, data, 0, 0) == 0);
  CHECK_OK (pb_writer_zero (writer, 0, 65536) == 0);

  /* A cluster that is given twice. */
  CHECK_OK (pb_writer_write (writer, data, 65536, 65536) == 0);
  CHECK_FAILS (pb_writer_write (writer, data, 2 * 65536, 0) == -1, EINVAL,
               "guest offset 0x10000 has been written already");

  /* None of this did any harm. */
  CHECK_OK (pb_writer_write (writer, data, 65536, 0) == 0);
  CHECK_OK (pb_writer_write (writer, data, size - 3 * 65536, 3 * 65536) == 0);
  CHECK_OK (pb_writer_finish (writer) == 0);
  CHECK_FAILS (pb_writer_write (writer, data, 65536, 0) == -1, EINVAL,
               "finished already");
  CHECK_FAILS (pb_writer_zero (writer, 65536, 0) == -1, EINVAL,
               "finished already");
  CHECK_FAILS (pb_writer_finish (writer) == -1, EINVAL, "finished already");
  pb_writer_free (writer);
  CHECK_SHELL ("qemu-img check " IMAGE);
  CHECK (unlink (IMAGE) == 0);
}

/* With a backing file zeroes are entered, and so found when given twice. */
static void
test_zeroes_given_twice (void)
{
  struct pb_writer_options options = plain_options ();
  pb_writer *writer;

  options.backing_file = "base";
  options.backing_format = PB_FORMAT_RAW;
  make_raw ("base", sizeof data, 'b');
  writer = pb_writer_create (IMAGE, sizeof data, &options);
  CHECK_OK (writer != NULL);
  CHECK_OK (pb_writer_zero (writer, 65536, 65536) == 0);
  CHECK_FAILS (pb_writer_zero (writer, 2 * 65536, 0) == -1, EINVAL,
               "guest offset 0x10000 has been written already");
  CHECK_FAILS (pb_writer_write (writer, data, 65536, 65536) == -1, EINVAL,
               "guest offset 0x10000 has been written already");
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);
  CHECK_SHELL ("qemu-img check " IMAGE);
  CHECK (unlink (IMAGE) == 0);
}

static void
test_size_limits (void)
{
  uint64_t limit = UINT64_C (128) << 30; /* of 512 byte clusters */

  for (uint32_t size = 512; size <= 2 << 20; size *= 2, limit *= 4) {
    struct pb_writer_options options = plain_options ();
    char better[30];
    pb_writer *writer;

    options.cluster_size = size;
    snprintf (better, sizeof better, "use %u bytes or more", 2 * size);
    if (size < 2 << 20)
      CHECK_CREATE_FAILS (limit + 1, &options, EFBIG, better);
    else
      CHECK_CREATE_FAILS (limit + 1, &options, EFBIG, "larger than qcow2");

    writer = pb_writer_create (IMAGE, limit, &options);
    CHECK_OK (writer != NULL);
    memset (data, 'd', sizeof data);
    if (size <= sizeof data)
      CHECK_OK (pb_writer_write (writer, data, size, limit - size) == 0);
    CHECK_OK (pb_writer_finish (writer) == 0);
    pb_writer_free (writer);

    /* The check of the largest disks takes QEMU seconds each. */
    if (size == 512 || size == 65536)
      CHECK_SHELL ("qemu-img check " IMAGE);
    CHECK (unlink (IMAGE) == 0);
  }
  CHECK_CREATE_FAILS (UINT64_MAX, NULL, EFBIG, "larger than qcow2 allows");
}

static void
test_chosen_cluster_size (void)
{
  static const struct {
    uint64_t size;
    uint32_t cluster_size;
  } cases[] = {
    { 0, 65536 },
    { UINT64_C (2) << 50, 65536 },
    { (UINT64_C (2) << 50) + 1, 131072 },
    { UINT64_C (2) << 60, 2 << 20 },
  };

  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    pb_writer *writer = pb_writer_create (IMAGE, cases[i].size, NULL);

    CHECK_OK (writer != NULL);
    CHECK (pb_writer_get_cluster_size (writer) == cases[i].cluster_size);
    pb_writer_free (writer);
    CHECK (unlink (IMAGE ".partial") == 0);
  }
}

static void
test_stats (void)
{
  struct pb_writer_options options = plain_options ();
  struct pb_writer_stats stats;
  struct stat st;
  pb_writer *writer;

  options.compression = PB_COMPRESSION_ZLIB;
  writer = pb_writer_create (IMAGE, sizeof data, &options);
  CHECK_OK (writer != NULL);
  memset (data, 0, sizeof data);
  fill_random (data, 65536);
  fill_text (data + 65536, 65536);
  CHECK_OK (pb_writer_write (writer, data, 3 * 65536, 0) == 0);
  CHECK_OK (pb_writer_zero (writer, 65536, 3 * 65536) == 0);
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_get_stats (writer, &stats);
  pb_writer_free (writer);

  CHECK (stats.data_bytes == 2 * 65536);
  CHECK (stats.zero_bytes == 65536);
  CHECK (stats.zero_found_bytes == 65536);
  CHECK (stats.compressed_bytes == 65536);
  CHECK (stats.stored_bytes > 65536 && stats.stored_bytes < 65536 + 10000);
  CHECK (stat (IMAGE, &st) == 0 && stats.file_size == (uint64_t) st.st_size);
  CHECK (unlink (IMAGE) == 0);
}

int
main (void)
{
  unit_seed ();
  enter_folder ();
  pb_writer_free (NULL);
  test_options ();
  test_compression_levels ();
  test_requests ();
  test_zeroes_given_twice ();
  test_size_limits ();
  test_chosen_cluster_size ();
  test_stats ();
  leave_folder ();
  return 0;
}
