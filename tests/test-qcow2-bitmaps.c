/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-qcow2-bitmaps.c: bitmap directories with one defect each: what is still
 * listed, and why it is not usable.
 */

#include "config.h"

#include "bitmaps.h"
#include "byteorder.h"
#include "format.h"
#include "unit.h"

#define CLUSTER   65536
#define FILE_SIZE (UINT64_C (10) * CLUSTER)
#define ENTRY     32 /* 24, and names of up to 8 bytes */

static unsigned char directory[3 * ENTRY];
static struct qcow2_header header;

/* "a", "b" and "c" of a disk of 1 GiB, 64 KiB granularity. */
static void
make_good (void)
{
  memset (directory, 0, sizeof directory);
  for (unsigned i = 0; i < 3; i++) {
    unsigned char *p = directory + i * ENTRY;

    store_be64 (p, (UINT64_C (4) + i) * CLUSTER);
    store_be32 (p + 8, 1);
    store_be32 (p + 12, i == 0 ? QCOW2_BITMAP_FLAG_AUTO : 0);
    p[16] = QCOW2_BITMAP_TYPE_DIRTY;
    p[17] = 16;
    store_be16 (p + 18, 1);
    p[24] = 'a' + i;
  }
  header = (struct qcow2_header) {
    .version = 3,
    .cluster_bits = 16,
    .size = UINT64_C (1) << 30,
    .autoclear = QCOW2_AUTOCLEAR_BITMAPS,
    .bitmaps = { .present = true, .nr_bitmaps = 3 },
  };
}

static void
parse (struct qcow2_bitmaps *bitmaps, size_t count)
{
  /* A copy of its own, so that reads beyond it are seen. */
  void *copy = malloc (count + 1);

  CHECK (copy != NULL);
  memcpy (copy, directory, count);
  CHECK_OK (qcow2_bitmaps_parse (bitmaps, copy, count, &header, FILE_SIZE)
            == 0);
  free (copy);
}

static void
test_good (void)
{
  struct qcow2_bitmaps bitmaps;

  make_good ();
  parse (&bitmaps, sizeof directory);
  CHECK (bitmaps.damage == NULL && bitmaps.count == 3);
  for (unsigned i = 0; i < 3; i++)
    CHECK (bitmaps.list[i].reason == NULL);
  CHECK (strcmp (bitmaps.list[1].name, "b") == 0);
  CHECK (bitmaps.list[0].flags == QCOW2_BITMAP_FLAG_AUTO);
  qcow2_bitmaps_clear (&bitmaps);

  /* QEMU does not pad the last entry. */
  parse (&bitmaps, sizeof directory - 7);
  CHECK (bitmaps.damage == NULL && bitmaps.count == 3);
  qcow2_bitmaps_clear (&bitmaps);
}

/* A field of the second entry: only that bitmap is lost. */
static const struct {
  unsigned offset, bytes;
  uint64_t value;
  const char *reason;
} bad_fields[] = {
  { 0, 8, 0, "its table offset 0x0 is not cluster aligned" },
  { 0, 8, 4 * CLUSTER + 8, "its table offset 0x40008 is not cluster aligned" },
  { 0, 8, FILE_SIZE, "its table at offset 0xa0000 (0x8 bytes) lies beyond" },
  { 8, 4, 0, "its table has 0 entries instead of 1" },
  { 8, 4, 2, "its table has 2 entries instead of 1" },
  { 8, 4, UINT32_MAX, "its table has 4294967295 entries" },
  { 12, 4, 1, "it is marked as in use" },
  { 12, 4, 3, "it is marked as in use" },
  { 12, 4, 4, "it has unknown flags: 0x4" },
  { 12, 4, 0x80000000, "it has unknown flags: 0x80000000" },
  { 16, 1, 0, "it is of unknown type 0" },
  { 17, 1, 8, "its granularity is 2^8 bytes" },
  { 17, 1, 32, "its granularity is 2^32 bytes" },
  { 17, 1, 255, "its granularity is 2^255 bytes" },
  { 24, 1, 'a', "there is another bitmap of this name" },
};

static void
test_bad_fields (void)
{
  for (size_t i = 0; i < sizeof bad_fields / sizeof bad_fields[0]; i++) {
    struct qcow2_bitmaps bitmaps;
    unsigned char *p;

    make_good ();
    p = directory + ENTRY + bad_fields[i].offset;
    if (bad_fields[i].bytes == 8)
      store_be64 (p, bad_fields[i].value);
    else if (bad_fields[i].bytes == 4)
      store_be32 (p, bad_fields[i].value);
    else
      *p = bad_fields[i].value;
    parse (&bitmaps, sizeof directory);
    CHECK (bitmaps.damage == NULL && bitmaps.count == 3);
    CHECK (bitmaps.list[1].reason != NULL);
    CHECK (strstr (bitmaps.list[1].reason, bad_fields[i].reason) != NULL);
    CHECK (bitmaps.list[2].reason == NULL);
    /* Of two bitmaps with one name neither can be meant. */
    CHECK ((bitmaps.list[0].reason != NULL) == (bad_fields[i].offset == 24));
    qcow2_bitmaps_clear (&bitmaps);
  }
}

static void
check_all_unusable (size_t count, size_t listed, const char *reason,
                    const char *damage)
{
  struct qcow2_bitmaps bitmaps;

  parse (&bitmaps, count);
  CHECK (bitmaps.count == listed);
  for (size_t i = 0; i < listed; i++) {
    CHECK (bitmaps.list[i].reason != NULL);
    CHECK (strstr (bitmaps.list[i].reason, reason) != NULL);
  }
  CHECK ((bitmaps.damage == NULL) == (damage == NULL));
  if (damage)
    CHECK (strstr (bitmaps.damage, damage) != NULL);
  qcow2_bitmaps_clear (&bitmaps);
}

static void
test_stale (void)
{
  make_good ();
  header.autoclear = 0;
  check_all_unusable (sizeof directory, 3, "it is stale", NULL);
  make_good ();
  header.version = 2;
  check_all_unusable (sizeof directory, 3, "it is stale", NULL);
  /* More than 512 MiB of bitmap. */
  make_good ();
  header.size = UINT64_C (1) << 60;
  check_all_unusable (sizeof directory, 3, "it would be larger than", NULL);
}

static void
test_damaged_directory (void)
{
  make_good ();
  store_be16 (directory + ENTRY + 18, 0);
  check_all_unusable (sizeof directory, 1, "directory is damaged: entry 1",
                      "entry 1 has a bad name");
  make_good ();
  store_be16 (directory + ENTRY + 18, 1024);
  check_all_unusable (sizeof directory, 1, "directory is damaged: entry 1",
                      "entry 1 runs past the end");
  make_good ();
  directory[ENTRY + 24] = '\0';
  check_all_unusable (sizeof directory, 1, "directory is damaged: entry 1",
                      "entry 1 has a bad name");
  make_good ();
  store_be32 (directory + ENTRY + 20, UINT32_MAX);
  check_all_unusable (sizeof directory, 1, "directory is damaged: entry 1",
                      "entry 1 runs past the end");
  make_good ();
  header.bitmaps.nr_bitmaps = 2;
  check_all_unusable (sizeof directory, 2, "directory is damaged: it has 32",
                      "it has 32 bytes after the last of 2 entries");
  make_good ();
  header.bitmaps.nr_bitmaps = UINT32_MAX;
  check_all_unusable (sizeof directory, 3, "directory is damaged: entry 3",
                      "entry 3 is cut short");
  for (size_t count = 0; count < 2 * ENTRY; count++) {
    make_good ();
    check_all_unusable (count, count < 25 ? 0 : count < ENTRY + 25 ? 1 : 2,
                        "directory is damaged", "entry");
  }
  /* Extra data is skipped, and makes its bitmap unusable. */
  make_good ();
  store_be32 (directory + 2 * ENTRY + 20, 7);
  directory[2 * ENTRY + 31] = 'x';
  struct qcow2_bitmaps bitmaps;
  parse (&bitmaps, sizeof directory);
  CHECK (bitmaps.damage == NULL && strcmp (bitmaps.list[2].name, "x") == 0);
  CHECK (strstr (bitmaps.list[2].reason, "7 bytes of unknown extra data"));
  qcow2_bitmaps_clear (&bitmaps);
}

static void
test_random_damage (void)
{
  unit_seed ();
  for (unsigned i = 0; i < 20000; i++) {
    struct qcow2_bitmaps bitmaps;

    make_good ();
    for (uint64_t n = unit_random_below (4) + 1; n > 0; n--)
      directory[unit_random_below (sizeof directory)] = unit_random ();
    parse (&bitmaps, sizeof directory - unit_random_below (9));
    CHECK (bitmaps.count <= 3);
    qcow2_bitmaps_clear (&bitmaps);
  }
}

int
main (void)
{
  test_good ();
  test_bad_fields ();
  test_stale ();
  test_damaged_directory ();
  test_random_damage ();
  return 0;
}
