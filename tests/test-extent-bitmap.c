/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-extent-bitmap.c: dirty bitmaps, by examples at the edges and against a
 * model with one bool for each 512 bytes of the disk.
 */

#include "config.h"

#include "bitmap.h"
#include "extents.h"
#include "unit.h"

#define KIB UINT64_C (1024)
#define GIB (KIB * KIB * KIB)

static pb_bitmap *
bitmap_new (uint64_t size, uint64_t granularity)
{
  pb_bitmap *bitmap = pb_bitmap_new (size, granularity);

  CHECK_OK (bitmap != NULL);
  CHECK (pb_bitmap_get_size (bitmap) == size);
  CHECK (pb_bitmap_get_granularity (bitmap) == granularity);
  return bitmap;
}

/* Bytes of memory that this process has written to. */
/* Examples. */

static void
test_refused_arguments (void)
{
  pb_bitmap *CLEANUP_BITMAP bitmap = bitmap_new (100000, 4096);
  uint8_t bytes[8] = { 0 };

  CHECK_FAILS (pb_bitmap_new (PB_DISK_SIZE_MAX + 1, 65536) == NULL, EINVAL,
               "disk size 9223372036854775808 is more than");
  CHECK_FAILS (pb_bitmap_new (0, 0) == NULL, EINVAL, "granularity 0 is not");
  CHECK_FAILS (pb_bitmap_new (0, 256) == NULL, EINVAL, "granularity 256");
  CHECK_FAILS (pb_bitmap_new (0, 65537) == NULL, EINVAL, "granularity 65537");
  CHECK_FAILS (pb_bitmap_new (0, PB_GRANULARITY_MAX * 2) == NULL, EINVAL,
               "granularity 4294967296");
  /* 2 PiB of bits are more than any address space has. */
  CHECK_FAILS (pb_bitmap_new (PB_DISK_SIZE_MAX, 512) == NULL, ENOMEM,
               "dirty bitmap of 2251799813685248 bytes");

  CHECK_FAILS (pb_bitmap_set (bitmap, 99999, 2) == -1, EINVAL,
               "dirty bitmap: 2 bytes at offset 0x1869f are beyond its end");
  CHECK_FAILS (pb_bitmap_set (bitmap, 1, UINT64_MAX) == -1, EINVAL, "beyond");
  CHECK_FAILS (pb_bitmap_set (bitmap, 100001, 0) == -1, EINVAL, "beyond");
  CHECK_FAILS (pb_bitmap_clear (bitmap, 0, 100001) == -1, EINVAL, "beyond");
  CHECK_FAILS (pb_bitmap_clear (bitmap, 1, UINT64_MAX) == -1, EINVAL,
               "beyond");
  CHECK_FAILS (pb_bitmap_extents (bitmap, 0, 100001) == NULL, EINVAL,
               "beyond");
  CHECK (pb_bitmap_count (bitmap) == 0);

  CHECK (pb_bitmap_serialized_size (bitmap) == 4); /* 25 granules */
  CHECK_FAILS (pb_bitmap_serialize (bitmap, bytes, 5, 0) == -1, EINVAL,
               "5 bytes at position 0 are beyond the 4 bytes");
  CHECK_FAILS (pb_bitmap_serialize (bitmap, bytes, 1, UINT64_MAX) == -1,
               EINVAL, "beyond");
  CHECK_FAILS (pb_bitmap_deserialize (bitmap, bytes, 2, 3) == -1, EINVAL,
               "2 bytes at position 3 are beyond the 4 bytes");
  CHECK_FAILS (pb_bitmap_union (NULL, 0) == NULL, EINVAL, "there are none");
}

static void
test_disk_of_no_bytes (void)
{
  pb_bitmap *CLEANUP_BITMAP bitmap = bitmap_new (0, 512);
  pb_bitmap *CLEANUP_BITMAP other = bitmap_new (4096, 512);
  pb_bitmap *CLEANUP_BITMAP both = NULL;
  pb_extents *CLEANUP_EXTENTS extents = NULL;
  const pb_bitmap *all[] = { bitmap, other };
  struct pb_extent extent;

  CHECK_OK (pb_bitmap_set (bitmap, 0, 0) == 0);
  CHECK_OK (pb_bitmap_clear (bitmap, 0, 0) == 0);
  CHECK (pb_bitmap_count (bitmap) == 0);
  CHECK (pb_bitmap_next_dirty (bitmap, 0, UINT64_MAX) == PB_NO_OFFSET);
  CHECK (pb_bitmap_next_clean (bitmap, 0, UINT64_MAX) == PB_NO_OFFSET);
  CHECK (!pb_bitmap_test_any (bitmap, 0, 1));
  CHECK (!pb_bitmap_test_all (bitmap, 0, 1));
  CHECK (pb_bitmap_serialized_size (bitmap) == 0);
  CHECK_OK (pb_bitmap_serialize (bitmap, NULL, 0, 0) == 0);
  CHECK_OK (pb_bitmap_deserialize (bitmap, NULL, 0, 0) == 0);
  extents = pb_bitmap_extents (bitmap, 0, 0);
  CHECK_OK (extents != NULL);
  CHECK (pb_extents_next (extents, &extent) == 0);

  CHECK_OK (pb_bitmap_set (other, 1024, 1) == 0);
  CHECK_OK (pb_bitmap_merge (bitmap, other) == 0);
  CHECK_OK (pb_bitmap_merge (other, bitmap) == 0);
  both = pb_bitmap_union (all, 2);
  CHECK_OK (both != NULL);
  CHECK (pb_bitmap_count (both) == 512);
  pb_bitmap_free (NULL);
}

/* Set widens to granules, clear only takes whole ones away. */
static void
test_set_widens_and_clear_does_not (void)
{
  pb_bitmap *CLEANUP_BITMAP bitmap = bitmap_new (100000, 4096);

  CHECK_OK (pb_bitmap_set (bitmap, 4095, 2) == 0);
  CHECK (pb_bitmap_count (bitmap) == 8192);
  CHECK (pb_bitmap_test_all (bitmap, 0, 8192));
  CHECK (!pb_bitmap_test_any (bitmap, 8192, 100000));
  CHECK (!pb_bitmap_test_all (bitmap, 0, 8193));

  CHECK_OK (pb_bitmap_clear (bitmap, 1, 8190) == 0);
  CHECK (pb_bitmap_count (bitmap) == 8192);
  CHECK_OK (pb_bitmap_clear (bitmap, 1, 8191) == 0);
  CHECK (pb_bitmap_count (bitmap) == 4096);
  CHECK (pb_bitmap_next_dirty (bitmap, 0, UINT64_MAX) == 0);
  CHECK (pb_bitmap_next_clean (bitmap, 0, UINT64_MAX) == 4096);

  /* An empty range touches nothing, inside a granule or at the end. */
  CHECK_OK (pb_bitmap_set (bitmap, 9000, 0) == 0);
  CHECK_OK (pb_bitmap_set (bitmap, 100000, 0) == 0);
  CHECK_OK (pb_bitmap_clear (bitmap, 100000, 0) == 0);
  CHECK (pb_bitmap_count (bitmap) == 4096);
  CHECK (!pb_bitmap_test_any (bitmap, 0, 0));
  CHECK (pb_bitmap_test_all (bitmap, 50000, 0));
}

/* The disk ends inside its last granule. */
static void
test_last_granule (void)
{
  pb_bitmap *CLEANUP_BITMAP bitmap = bitmap_new (100000, 4096);
  const uint64_t last = 24 * 4096;

  CHECK_OK (pb_bitmap_set (bitmap, 99999, 1) == 0);
  CHECK (pb_bitmap_count (bitmap) == 100000 - last);
  CHECK (pb_bitmap_next_dirty (bitmap, 0, UINT64_MAX) == last);
  CHECK (pb_bitmap_next_dirty (bitmap, 0, last) == PB_NO_OFFSET);
  CHECK (pb_bitmap_next_dirty (bitmap, 99999, UINT64_MAX) == 99999);
  CHECK (pb_bitmap_next_dirty (bitmap, 100000, UINT64_MAX) == PB_NO_OFFSET);
  CHECK (pb_bitmap_next_clean (bitmap, last, UINT64_MAX) == PB_NO_OFFSET);
  CHECK (pb_bitmap_test_all (bitmap, last, 100000 - last));
  CHECK (!pb_bitmap_test_all (bitmap, last, 100001 - last));
  CHECK (!pb_bitmap_test_any (bitmap, 100000, UINT64_MAX));
  CHECK (pb_bitmap_test_any (bitmap, 99999, UINT64_MAX));

  /* Whole, when the range reaches the end of the disk. */
  CHECK_OK (pb_bitmap_clear (bitmap, last, 99999 - last) == 0);
  CHECK (pb_bitmap_count (bitmap) == 100000 - last);
  CHECK_OK (pb_bitmap_clear (bitmap, last + 1, 99999 - last) == 0);
  CHECK (pb_bitmap_count (bitmap) == 100000 - last);
  CHECK_OK (pb_bitmap_clear (bitmap, last, 100000 - last) == 0);
  CHECK (pb_bitmap_count (bitmap) == 0);
}

static void
test_largest_disk (void)
{
  const uint64_t size = PB_DISK_SIZE_MAX, granularity = PB_GRANULARITY_MAX;
  const uint64_t last = size / granularity * granularity;
  pb_bitmap *CLEANUP_BITMAP bitmap = bitmap_new (size, granularity);
  pb_bitmap *CLEANUP_BITMAP small = bitmap_new (10 * GIB, 512);
  pb_bitmap *CLEANUP_BITMAP coarser = bitmap_new (size, granularity);
  pb_bitmap *CLEANUP_BITMAP halves = bitmap_new (size, granularity / 2);
  pb_extents *CLEANUP_EXTENTS extents = NULL;
  struct pb_extent extent;

  CHECK (pb_bitmap_serialized_size (bitmap) == (UINT64_C (1) << 32) / 8);
  CHECK_OK (pb_bitmap_set (bitmap, size - 1, 1) == 0);
  CHECK (pb_bitmap_count (bitmap) == size - last);
  CHECK (pb_bitmap_next_dirty (bitmap, 0, UINT64_MAX) == last);
  CHECK (pb_bitmap_next_clean (bitmap, last, UINT64_MAX) == PB_NO_OFFSET);
  extents = pb_bitmap_extents (bitmap, 1, size - 1);
  CHECK_OK (extents != NULL);
  CHECK (pb_extents_next (extents, &extent) == 1);
  CHECK (extent.offset == 1 && extent.length == last - 1);
  CHECK (extent.flags == 0);
  CHECK (pb_extents_next (extents, &extent) == 1);
  CHECK (extent.offset == last && extent.length == size - last);
  CHECK (extent.flags == PB_EXTENT_DIRTY);
  CHECK (pb_extents_next (extents, &extent) == 0);

  /* To and from other sizes and granularities, at the very end. */
  CHECK_OK (pb_bitmap_set (small, 10 * GIB - 1, 1) == 0);
  CHECK_OK (pb_bitmap_merge (coarser, small) == 0);
  CHECK (pb_bitmap_count (coarser) == granularity);
  CHECK (pb_bitmap_next_dirty (coarser, 0, size) == 8 * GIB);
  CHECK_OK (pb_bitmap_merge (small, bitmap) == 0);
  CHECK (pb_bitmap_count (small) == 512);
  CHECK_OK (pb_bitmap_merge (halves, bitmap) == 0);
  CHECK (pb_bitmap_count (halves) == size - last);
  CHECK_OK (pb_bitmap_clear (halves, 0, size - 1) == 0);
  CHECK (pb_bitmap_next_dirty (halves, 0, size) == size - (GIB - 1));
  CHECK_OK (pb_bitmap_merge (coarser, halves) == 0);
  CHECK (pb_bitmap_count (coarser) == granularity + size - last);
}

/* The end of the smaller disk, where granules differ. */
static void
test_merge_at_the_end_of_a_disk (void)
{
  pb_bitmap *CLEANUP_BITMAP coarse = bitmap_new (100000, 65536);
  pb_bitmap *CLEANUP_BITMAP fine = bitmap_new (200000, 512);

  /* The coarse granule ends at 131072, but its disk at 100000. */
  CHECK_OK (pb_bitmap_set (coarse, 99999, 1) == 0);
  CHECK_OK (pb_bitmap_merge (fine, coarse) == 0);
  CHECK (pb_bitmap_next_dirty (fine, 0, 200000) == 65536);
  CHECK (pb_bitmap_next_clean (fine, 65536, 200000) == 100352);
  CHECK (pb_bitmap_count (fine) == 100352 - 65536);

  /* A bitmap merged with itself stays as it is. */
  CHECK_OK (pb_bitmap_merge (fine, fine) == 0);
  CHECK (pb_bitmap_count (fine) == 100352 - 65536);
}

/* What is dirty beyond the coarse disk is not dirty on it, though it is in the
 * last granule.
 */
static void
test_merge_what_is_beyond_the_disk (uint64_t granularity)
{
  const uint64_t last = 100000 / granularity * granularity;
  pb_bitmap *CLEANUP_BITMAP coarse = bitmap_new (100000, granularity);
  pb_bitmap *CLEANUP_BITMAP fine = bitmap_new (200000, 512);

  CHECK_OK (pb_bitmap_set (fine, 0, 1) == 0);
  CHECK_OK (pb_bitmap_set (fine, 100352, 200000 - 100352) == 0);
  CHECK_OK (pb_bitmap_merge (coarse, fine) == 0);
  CHECK (pb_bitmap_count (coarse) == granularity);

  /* The fine granule that the end of the coarse disk is in. */
  CHECK_OK (pb_bitmap_set (fine, 100000, 1) == 0);
  CHECK_OK (pb_bitmap_merge (coarse, fine) == 0);
  CHECK (pb_bitmap_count (coarse) == granularity + 100000 - last);
}

static void
test_serialised_form (void)
{
  /* Granules 0, 9, 63, 64 and 79 of 80, and no more than these. */
  const uint8_t want[10] = { 1, 2, 0, 0, 0, 0, 0, 0x80, 1, 0x80 };
  pb_bitmap *CLEANUP_BITMAP bitmap = bitmap_new (79 * 512 + 1, 512);
  pb_bitmap *CLEANUP_BITMAP short_by_one = bitmap_new (79 * 512, 512);
  uint8_t bytes[10];

  CHECK (pb_bitmap_serialized_size (bitmap) == sizeof want);
  CHECK (pb_bitmap_serialized_size (short_by_one) == sizeof want);
  CHECK_OK (pb_bitmap_deserialize (bitmap, want, sizeof want, 0) == 0);
  CHECK (pb_bitmap_count (bitmap) == 4 * 512 + 1);
  CHECK (pb_bitmap_test_all (bitmap, 9 * 512, 512));
  CHECK (pb_bitmap_test_all (bitmap, 63 * 512, 1024));
  CHECK_OK (pb_bitmap_serialize (bitmap, bytes, sizeof bytes, 0) == 0);
  CHECK (memcmp (bytes, want, sizeof want) == 0);

  /* Bit 79 is beyond the end of this one: ignored, and saved as 0. */
  CHECK_OK (pb_bitmap_deserialize (short_by_one, want, sizeof want, 0) == 0);
  CHECK (pb_bitmap_count (short_by_one) == 4 * 512);
  CHECK_OK (pb_bitmap_serialize (short_by_one, bytes, 2, 8) == 0);
  CHECK (bytes[0] == 1 && bytes[1] == 0);
}

/* The model.  Sizes are up to MODEL_UNITS units of 512 bytes. */

#define UNIT 512
#define MODEL_UNITS (40 * 1024)

struct model {
  pb_bitmap *bitmap;
  uint64_t size;
  uint64_t granularity;
  bool dirty[MODEL_UNITS];
};

static uint64_t
lower (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static uint64_t
model_units (const struct model *model)
{
  return (model->size + UNIT - 1) / UNIT;
}

/* Is the granule of the byte OFFSET, which is on the disk, dirty? */
static bool
model_is_dirty (const struct model *model, uint64_t offset)
{
  return model->dirty[offset / UNIT];
}

static void
model_set_granule (struct model *model, uint64_t offset, bool dirty)
{
  uint64_t first = offset / model->granularity * model->granularity / UNIT;
  uint64_t units = model->granularity / UNIT, i;

  for (i = first; i < lower (first + units, model_units (model)); i++)
    model->dirty[i] = dirty;
}

static void
model_set (struct model *model, uint64_t offset, uint64_t length)
{
  uint64_t at = offset / model->granularity * model->granularity;

  CHECK_OK (pb_bitmap_set (model->bitmap, offset, length) == 0);
  if (length > 0)
    for (; at < offset + length; at += model->granularity)
      model_set_granule (model, at, true);
}

static void
model_clear (struct model *model, uint64_t offset, uint64_t length)
{
  uint64_t at, granule_end;

  CHECK_OK (pb_bitmap_clear (model->bitmap, offset, length) == 0);
  for (at = 0; at < model->size; at += model->granularity) {
    granule_end = lower (at + model->granularity, model->size);
    if (at >= offset && granule_end <= offset + length)
      model_set_granule (model, at, false);
  }
}

/* As pb_bitmap_next_dirty () and pb_bitmap_next_clean (). */
static uint64_t
model_next (const struct model *model, uint64_t offset, uint64_t end,
            bool dirty)
{
  end = lower (end, model->size);
  while (offset < end) {
    if (model_is_dirty (model, offset) == dirty)
      return offset;
    offset = (offset / UNIT + 1) * UNIT;
  }
  return PB_NO_OFFSET;
}

static struct model *
model_new (uint64_t size, uint64_t granularity)
{
  struct model *model = calloc (1, sizeof *model);

  CHECK (model != NULL);
  model->size = size;
  model->granularity = granularity;
  model->bitmap = bitmap_new (size, granularity);
  return model;
}

static void
model_free (struct model *model)
{
  pb_bitmap_free (model->bitmap);
  free (model);
}

/* A model of random size, at GRANULARITY, with some of it dirty. */
static struct model *
random_model (uint64_t granularity)
{
  uint64_t units = unit_random_below (2) ? MODEL_UNITS : 300;
  uint64_t size = unit_random_below (units * UNIT);
  struct model *model = model_new (size, granularity);
  uint64_t offset, length, longest;
  unsigned i, n = unit_random_below (200);

  longest = 1 + unit_random_below (unit_random_below (2) ? 2000 : size + 1);
  for (i = 0; i < n; i++) {
    offset = unit_random_below (size + 1);
    length = unit_random_below (lower (longest, size - offset) + 1);
    if (unit_random_below (4) == 0)
      model_clear (model, offset, length);
    else
      model_set (model, offset, length);
  }
  return model;
}

static uint64_t
random_granularity (void)
{
  return UINT64_C (512) << unit_random_below (unit_random_below (2) ? 3 : 16);
}

static void
check_dirty_equals (const struct model *model, const pb_bitmap *bitmap)
{
  uint64_t count = 0, offset;

  for (offset = 0; offset < model->size; offset += UNIT) {
    CHECK (pb_bitmap_test_any (bitmap, offset, 1)
           == model_is_dirty (model, offset));
    if (model_is_dirty (model, offset))
      count += lower (UNIT, model->size - offset);
  }
  CHECK (pb_bitmap_count (bitmap) == count);
}

static void
check_queries (const struct model *model)
{
  unsigned i;

  for (i = 0; i < 100; i++) {
    uint64_t offset = unit_random_below (model->size + 2 * UNIT);
    uint64_t length = unit_random_below (unit_random_below (2) ? 3000
                                                               : model->size
                                                                   + UNIT);
    uint64_t end = offset + length;
    bool any = model_next (model, offset, end, true) != PB_NO_OFFSET;
    bool all = model_next (model, offset, end, false) == PB_NO_OFFSET
               && (length == 0 || end <= model->size);

    CHECK (pb_bitmap_next_dirty (model->bitmap, offset, end)
           == model_next (model, offset, end, true));
    CHECK (pb_bitmap_next_clean (model->bitmap, offset, end)
           == model_next (model, offset, end, false));
    CHECK (pb_bitmap_test_any (model->bitmap, offset, length) == any);
    CHECK (pb_bitmap_test_all (model->bitmap, offset, length) == all);
  }
}

static void
check_extents (const struct model *model)
{
  uint64_t start = unit_random_below (model->size + 1);
  uint64_t length = unit_random_below (model->size - start + 1), at = start;
  pb_extents *CLEANUP_EXTENTS extents
    = pb_bitmap_extents (model->bitmap, start, length);
  struct pb_extent extent;
  bool dirty;

  CHECK_OK (extents != NULL);
  while (pb_extents_next (extents, &extent) == 1) {
    dirty = extent.flags == PB_EXTENT_DIRTY;
    CHECK (dirty || extent.flags == 0);
    CHECK (extent.depth == 0);
    CHECK (extent.offset == at);
    at += extent.length;
    CHECK (at <= start + length);
    CHECK (model_next (model, extent.offset, at, !dirty) == PB_NO_OFFSET);
    /* As long as it can be. */
    CHECK (at == start + length || model_is_dirty (model, at) != dirty);
  }
  CHECK (at == start + length);
}

/* Byte by byte, as the format has it. */
static void
check_serialize (const struct model *model)
{
  uint64_t size = pb_bitmap_serialized_size (model->bitmap), bit;
  uint64_t position, count;
  uint8_t *bytes = malloc (size + 1), *part = malloc (size + 1);
  pb_bitmap *CLEANUP_BITMAP copy
    = bitmap_new (model->size, model->granularity);

  CHECK (bytes != NULL && part != NULL);
  memset (bytes, 0, size + 1);
  for (bit = 0; bit * model->granularity < model->size; bit++)
    if (model_is_dirty (model, bit * model->granularity))
      bytes[bit / 8] |= 1 << bit % 8;
  CHECK (size == (bit + 7) / 8);

  CHECK_OK (pb_bitmap_set (copy, 0, model->size) == 0);
  for (position = 0; position < size; position += count) {
    count = unit_random_below (lower (size - position, 200) + 1);
    part[count] = 0x5a;
    CHECK_OK (pb_bitmap_serialize (model->bitmap, part, count, position) == 0);
    CHECK (memcmp (part, bytes + position, count) == 0);
    CHECK (part[count] == 0x5a);
    if (position + count == size && bit % 8 != 0 && count > 0)
      part[count - 1] |= 0xff << bit % 8; /* to be ignored */
    CHECK_OK (pb_bitmap_deserialize (copy, part, count, position) == 0);
  }
  check_dirty_equals (model, copy);
  free (bytes);
  free (part);
}

static void
test_random_bitmaps_against_model (void)
{
  unsigned i;

  for (i = 0; i < 150; i++) {
    struct model *model = random_model (random_granularity ());

    check_dirty_equals (model, model->bitmap);
    check_queries (model);
    check_extents (model);
    check_serialize (model);
    model_free (model);
  }
}

/* What merging FROM into TO should do. */
static void
model_merge (struct model *to, const struct model *from)
{
  uint64_t at;

  for (at = 0; at < lower (from->size, to->size); at += UNIT)
    if (model_is_dirty (from, at))
      model_set_granule (to, at, true);
}

static void
test_random_merges_against_model (void)
{
  unsigned i;

  for (i = 0; i < 400; i++) {
    struct model *to = random_model (random_granularity ());
    struct model *from = random_model (random_granularity ());

    CHECK_OK (pb_bitmap_merge (to->bitmap, from->bitmap) == 0);
    model_merge (to, from);
    check_dirty_equals (to, to->bitmap);
    check_dirty_equals (from, from->bitmap);
    model_free (to);
    model_free (from);
  }
}

static void
test_random_unions_against_model (void)
{
  unsigned i, j, count;

  for (i = 0; i < 60; i++) {
    struct model *models[8], *want;
    const pb_bitmap *bitmaps[8];
    uint64_t size = 0, granularity = PB_GRANULARITY_MAX;
    pb_bitmap *CLEANUP_BITMAP all = NULL;

    count = 1 + unit_random_below (8);
    for (j = 0; j < count; j++) {
      models[j] = random_model (random_granularity ());
      bitmaps[j] = models[j]->bitmap;
      granularity = lower (granularity, models[j]->granularity);
      if (models[j]->size > size)
        size = models[j]->size;
    }
    want = model_new (size, granularity);
    for (j = 0; j < count; j++)
      model_merge (want, models[j]);

    all = pb_bitmap_union (bitmaps, count);
    CHECK_OK (all != NULL);
    CHECK (pb_bitmap_get_size (all) == size);
    CHECK (pb_bitmap_get_granularity (all) == granularity);
    check_dirty_equals (want, all);
    for (j = 0; j < count; j++)
      model_free (models[j]);
    model_free (want);
  }
}

/* Merges over many blocks, against setting the extents one by one: the model
 * above is too small for more than one block at most granularities.
 */
static void
test_large_merges_against_extents (void)
{
  unsigned i, j;

  for (i = 0; i < 20; i++) {
    uint64_t size = GIB - unit_random_below (GIB / 8);
    pb_bitmap *CLEANUP_BITMAP from
      = bitmap_new (size, UINT64_C (512) << unit_random_below (10));
    pb_bitmap *CLEANUP_BITMAP merged
      = bitmap_new (size + 12345, UINT64_C (512) << unit_random_below (4));
    pb_bitmap *CLEANUP_BITMAP set = bitmap_new (
      size + 12345, pb_bitmap_get_granularity (merged));
    pb_extents *CLEANUP_EXTENTS extents = NULL;
    struct pb_extent extent;

    for (j = 0; j < 200; j++) {
      uint64_t offset = unit_random_below (size);

      CHECK_OK (pb_bitmap_set (from, offset,
                               lower (unit_random_below (GIB / 500),
                                      size - offset))
                == 0);
    }
    CHECK_OK (pb_bitmap_merge (merged, from) == 0);
    extents = pb_bitmap_extents (from, 0, size);
    CHECK_OK (extents != NULL);
    while (pb_extents_next (extents, &extent) == 1)
      if (extent.flags & PB_EXTENT_DIRTY)
        CHECK_OK (pb_bitmap_set (set, extent.offset, extent.length) == 0);
    CHECK (merged->nr_words == set->nr_words);
    CHECK (memcmp (merged->words, set->words,
                   merged->nr_words * sizeof (uint64_t))
           == 0);
  }
}

int
main (void)
{
  unit_seed ();
  test_refused_arguments ();
  test_disk_of_no_bytes ();
  test_set_widens_and_clear_does_not ();
  test_last_granule ();
  test_largest_disk ();
  test_merge_at_the_end_of_a_disk ();
  test_merge_what_is_beyond_the_disk (4096);
  test_merge_what_is_beyond_the_disk (65536);
  test_serialised_form ();
  test_random_bitmaps_against_model ();
  test_random_merges_against_model ();
  test_random_unions_against_model ();
  test_large_merges_against_extents ();
  return 0;
}
