/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-qcow2-header.c: good headers, and one refusal for each bad field. */

#include "config.h"

#include "byteorder.h"
#include "format.h"
#include "header.h"
#include "unit.h"

#define CLUSTER   65536
#define FILE_SIZE (UINT64_C (6) * CLUSTER)

static unsigned char image[CLUSTER];
static size_t extensions_end;

static void
add_extension (uint32_t type, const void *data, uint32_t length)
{
  unsigned char *p = image + extensions_end;

  store_be32 (p, type);
  store_be32 (p + 4, length);
  memcpy (p + 8, data, length);
  extensions_end += 8 + (length + 7) / 8 * 8;
}

/* A version 3 image of 1 GiB as qemu-img makes it. */
static void
make_good (void)
{
  memset (image, 0, sizeof image);
  store_be32 (image, QCOW2_MAGIC);
  store_be32 (image + QCOW2_HEADER_VERSION, 3);
  store_be32 (image + QCOW2_HEADER_CLUSTER_BITS, 16);
  store_be64 (image + QCOW2_HEADER_SIZE, UINT64_C (1) << 30);
  store_be32 (image + QCOW2_HEADER_L1_SIZE, 2);
  store_be64 (image + QCOW2_HEADER_L1_OFFSET, 3 * CLUSTER);
  store_be64 (image + QCOW2_HEADER_REFTABLE_OFFSET, CLUSTER);
  store_be32 (image + QCOW2_HEADER_REFTABLE_CLUSTERS, 1);
  store_be32 (image + QCOW2_HEADER_REFCOUNT_ORDER, 4);
  store_be32 (image + QCOW2_HEADER_LENGTH, QCOW2_V3_HEADER_LENGTH);
  extensions_end = QCOW2_V3_HEADER_LENGTH;
}

static void
add_feature_name (unsigned bit, const char *name)
{
  unsigned char record[QCOW2_FEATURE_NAME_RECORD] = { 0 };

  record[0] = QCOW2_FEATURE_KIND_INCOMPAT;
  record[1] = bit;
  memcpy (record + 2, name, strlen (name));
  add_extension (QCOW2_EXT_FEATURE_NAMES, record, sizeof record);
}

static void
set_backing_file (const char *name)
{
  memcpy (image + 4096, name, strlen (name));
  store_be64 (image + QCOW2_HEADER_BACKING_OFFSET, 4096);
  store_be32 (image + QCOW2_HEADER_BACKING_SIZE, strlen (name));
}

static int
parse (struct qcow2_header *header)
{
  return qcow2_header_parse (header, image, sizeof image, FILE_SIZE, "x.qcow2");
}

static void
check_refused (int errnum, const char *text)
{
  struct qcow2_header header;

  CHECK_FAILS (parse (&header) == -1, errnum, text);
  CHECK (strncmp (pb_get_error (), "x.qcow2: ", 9) == 0);
  CHECK (header.backing_file == NULL && header.data_file == NULL);
}

static void
test_good (void)
{
  struct qcow2_header header;
  unsigned char bitmaps[QCOW2_BITMAPS_EXT_LENGTH] = { 0 };

  make_good ();
  store_be64 (image + QCOW2_HEADER_SIZE, (UINT64_C (1) << 30) + 700);
  store_be32 (image + QCOW2_HEADER_L1_SIZE, 3);
  store_be64 (image + QCOW2_HEADER_AUTOCLEAR, 1);
  add_extension (0x12345678, "unknown", 7);
  add_extension (QCOW2_EXT_BACKING_FORMAT, "raw", 3);
  store_be32 (bitmaps, 2);
  store_be64 (bitmaps + 8, 64);
  store_be64 (bitmaps + 16, 5 * CLUSTER);
  add_extension (QCOW2_EXT_BITMAPS, bitmaps, sizeof bitmaps);
  set_backing_file ("base.raw");
  CHECK (qcow2_header_wanted (image, QCOW2_HEADER_PEEK) == CLUSTER);
  CHECK_OK (parse (&header) == 0);
  CHECK (header.version == 3 && header.cluster_bits == 16);
  CHECK (header.size == (UINT64_C (1) << 30) + 512); /* whole sectors */
  CHECK (strcmp (header.backing_file, "base.raw") == 0);
  CHECK (strcmp (header.backing_format, "raw") == 0);
  CHECK (header.data_file == NULL && !header.extended_l2);
  CHECK (header.bitmaps.present && header.bitmaps.nr_bitmaps == 2);
  CHECK (header.bitmaps.directory_offset == 5 * CLUSTER);
  qcow2_header_clear (&header);

  /* Version 2 has none of the later fields, whatever is in their place. */
  make_good ();
  store_be32 (image + QCOW2_HEADER_VERSION, 2);
  memset (image + 72, 0, 40);
  extensions_end = 72;
  add_extension (QCOW2_EXT_BACKING_FORMAT, "qcow2", 5);
  CHECK_OK (parse (&header) == 0);
  CHECK (header.incompatible == 0 && header.autoclear == 0);
  CHECK (strcmp (header.backing_format, "qcow2") == 0);
  qcow2_header_clear (&header);
}

/* One field, set to a value that is refused. */
static const struct {
  unsigned offset, bytes;
  uint64_t value;
  int errnum;
  const char *text;
} bad_fields[] = {
  { 0, 4, 0x51464900, EINVAL, "is not a qcow2 image" },
  { 4, 4, 1, ENOTSUP, "qcow2 version 1 is not supported" },
  { 4, 4, 4, ENOTSUP, "qcow2 version 4 is not supported" },
  { 8, 8, 111, EIO, "the backing file's name at offset 0x6f (9 bytes)" },
  { 8, 8, CLUSTER - 8, EIO, "the backing file's name at offset 0xfff8" },
  { 8, 8, UINT64_MAX, EIO, "the backing file's name at offset" },
  { 16, 4, 1024, EIO, "the backing file's name of 1024 bytes is longer" },
  { 20, 4, 8, EIO, "cluster_bits is 8, not 9 to 21" },
  { 20, 4, 22, EIO, "cluster_bits is 22, not 9 to 21" },
  { 20, 4, UINT32_MAX, EIO, "cluster_bits is 4294967295" },
  { 24, 8, UINT64_MAX, EIO, "the disk size 0xffffffffffffffff is too large" },
  { 24, 8, (UINT64_C (1) << 30) + 512, EIO, "which needs 3" },
  { 32, 4, 1, ENOTSUP, "is encrypted (AES)" },
  { 32, 4, 2, ENOTSUP, "is encrypted (LUKS)" },
  { 32, 4, 3, ENOTSUP, "is encrypted (unknown method)" },
  { 36, 4, 1, EIO, "l1_size of 1 entries is too small" },
  { 36, 4, 0, EIO, "l1_size of 0 entries is too small" },
  { 36, 4, 0x400001, EIO, "l1_size of 4194305 entries is too large" },
  { 40, 8, 3 * CLUSTER + 512, EIO, "L1 table offset 0x30200 is not cluster" },
  { 40, 8, FILE_SIZE, EIO, "L1 table at offset 0x60000 (0x10 bytes) lies" },
  { 40, 8, UINT64_MAX - CLUSTER + 1, EIO, "L1 table at offset" },
  { 40, 8, 0, EIO, "L1 table offset is 0" },
  { 48, 8, 1, EIO, "refcount table offset 0x1 is not cluster aligned" },
  { 48, 8, FILE_SIZE, EIO, "refcount table at offset 0x60000" },
  { 56, 4, 0, EIO, "refcount_table_clusters is 0, not 1 to 128" },
  { 56, 4, 129, EIO, "refcount_table_clusters is 129" },
  { 60, 4, 65537, EIO, "65537 snapshots are too many" },
  { 60, 4, 1, EIO, "snapshot table offset is 0" },
  { 72, 8, 4, 0, NULL }, /* a data file is for the caller to judge */
  { 72, 8, 3, 0, NULL }, /* dirty and corrupt images can be read */
  { 72, 8, 8, EIO, "compression type 0 and the compression type bit" },
  { 72, 8, 32, ENOTSUP, "not supported: new thing (bit 5)" },
  { 72, 8, 96, ENOTSUP, "not supported: new thing (bit 5), unnamed (bit 6)" },
  { 96, 4, 7, EIO, "refcount_order is 7, not 0 to 6" },
  { 100, 4, 103, EIO, "header_length is 103, not 104 to 65536" },
  { 100, 4, CLUSTER + 1, EIO, "header_length is 65537" },
  { 104, 1, 1, EIO, "compression type 1 and the compression type bit" },
  { 104, 1, 2, ENOTSUP, "compression type 2 is not supported" },
};

static void
test_bad_fields (void)
{
  for (size_t i = 0; i < sizeof bad_fields / sizeof bad_fields[0]; i++) {
    unsigned char *p;
    struct qcow2_header header;

    make_good ();
    add_feature_name (5, "new thing");
    set_backing_file ("base.raw!");
    p = image + bad_fields[i].offset;
    if (bad_fields[i].bytes == 8)
      store_be64 (p, bad_fields[i].value);
    else if (bad_fields[i].bytes == 4)
      store_be32 (p, bad_fields[i].value);
    else
      *p = bad_fields[i].value;
    if (bad_fields[i].text) {
      check_refused (bad_fields[i].errnum, bad_fields[i].text);
      continue;
    }
    CHECK_OK (parse (&header) == 0);
    qcow2_header_clear (&header);
  }
}

static void
test_unfinished_output (void)
{
  make_good ();
  store_be64 (image + QCOW2_HEADER_INCOMPATIBLE, QCOW2_INCOMPAT_UNFINISHED);
  check_refused (ENOTSUP, "is an unfinished backup output");
  add_feature_name (QCOW2_INCOMPAT_UNFINISHED_BIT, QCOW2_UNFINISHED_NAME);
  check_refused (ENOTSUP, "is an unfinished backup output");

  /* Somebody else's bit 63. */
  make_good ();
  store_be64 (image + QCOW2_HEADER_INCOMPATIBLE, QCOW2_INCOMPAT_UNFINISHED);
  add_feature_name (QCOW2_INCOMPAT_UNFINISHED_BIT, "col\033our");
  check_refused (ENOTSUP, "not supported: col?our (bit 63)");
}

static void
test_extended_l2_needs_large_clusters (void)
{
  make_good ();
  store_be64 (image + QCOW2_HEADER_INCOMPATIBLE, QCOW2_INCOMPAT_EXTENDED_L2);
  store_be32 (image + QCOW2_HEADER_CLUSTER_BITS, 13);
  check_refused (EIO, "extended L2 entries need cluster_bits of at least 14");
}

static void
test_bad_extensions (void)
{
  make_good ();
  add_extension (QCOW2_EXT_BACKING_FORMAT, "", 0);
  check_refused (EIO, "backing format extension at offset 0x70: its length");
  make_good ();
  add_extension (QCOW2_EXT_BACKING_FORMAT, "0123456789abcdef", 16);
  check_refused (EIO, "backing format extension at offset 0x70: its length");
  make_good ();
  add_extension (QCOW2_EXT_BACKING_FORMAT, "r\0w", 3);
  check_refused (EIO, "the name of the backing format has a NUL byte");
  make_good ();
  add_extension (QCOW2_EXT_BITMAPS, "0123456789abcdef", 16);
  check_refused (EIO, "bitmaps extension at offset 0x70: its length of 16");
  make_good ();
  add_extension (0x12345678, "", 0);
  store_be32 (image + 116, UINT32_MAX);
  check_refused (EIO, "header extension 0x12345678 at offset 0x70: its length "
                      "of 4294967295 bytes runs past the end");
  /* The area ends where the backing file's name begins. */
  make_good ();
  add_extension (0x12345678, "0123456789abcdef", 16);
  set_backing_file ("base.raw");
  store_be64 (image + QCOW2_HEADER_BACKING_OFFSET, 128);
  check_refused (EIO, "runs past the end of the header area at 0x80");
  make_good ();
  set_backing_file ("base.raw");
  image[4099] = '\0';
  check_refused (EIO, "the name of the backing file has a NUL byte");
}

/* However short the file, it is refused, and nothing beyond it is looked at
 * (for valgrind and the sanitizers to see).
 */
static void
test_short_files (void)
{
  make_good ();
  add_extension (QCOW2_EXT_DATA_FILE, "data.raw", 8);
  for (size_t count = 0; count <= 200; count++) {
    struct qcow2_header header;
    unsigned char *copy = malloc (count + 1);

    CHECK (copy != NULL);
    memcpy (copy, image, count);
    CHECK (qcow2_header_wanted (copy, count)
           == (count < QCOW2_HEADER_PEEK ? count : CLUSTER));
    CHECK (qcow2_header_parse (&header, copy, count, count, "x.qcow2") == -1);
    free (copy);
  }
}

/* Random bytes in a good header: no crash, and no leak on any path. */
static void
test_random_damage (void)
{
  unit_seed ();
  for (unsigned i = 0; i < 20000; i++) {
    struct qcow2_header header;

    make_good ();
    add_extension (QCOW2_EXT_BACKING_FORMAT, "qcow2", 5);
    add_extension (QCOW2_EXT_DATA_FILE, "data.raw", 8);
    add_feature_name (5, "new thing");
    set_backing_file ("base.raw");
    for (uint64_t n = unit_random_below (4) + 1; n > 0; n--)
      image[unit_random_below (extensions_end)] = unit_random ();
    if (parse (&header) == 0)
      qcow2_header_clear (&header);
  }
}

int
main (void)
{
  test_good ();
  test_bad_fields ();
  test_unfinished_output ();
  test_extended_l2_needs_large_clusters ();
  test_bad_extensions ();
  test_short_files ();
  test_random_damage ();
  return 0;
}
