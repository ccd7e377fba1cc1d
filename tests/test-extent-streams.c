/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-extent-streams.c: streams of extents, the checked layer and every
 * combinator, by examples and against a model with one state a byte.
 */

#include "config.h"

#include "extents.h"
#include "unit.h"

/* Every source made here is counted, so that each case can prove that the
 * streams freed what they owned, once.
 */
static unsigned live_sources;

#define FAILS_NEVER UINT64_MAX

/* A source with a state for each byte, in pieces of random length. */
struct source {
  uint64_t start;
  uint64_t length;
  uint64_t fails_at; /* offset from which on it fails */
  unsigned calls;
  struct pb_extent *states; /* only flags and depth are used */
};

static int
source_status (void *opaque, uint64_t offset, uint64_t end,
               struct pb_extent *extent)
{
  struct source *source = opaque;
  uint64_t at = offset - source->start, length, limit;

  source->calls++;
  CHECK (extent->offset == offset);
  CHECK (end == source->start + source->length);
  if (offset >= source->fails_at) {
    pb_set_error (ENXIO, "source is broken at %" PRIu64, source->fails_at);
    return -1;
  }
  limit = source->length;
  if (source->fails_at < source->start + source->length)
    limit = source->fails_at - source->start;
  for (length = 1; at + length < limit; length++)
    if (source->states[at + length].flags != source->states[at].flags
        || source->states[at + length].depth != source->states[at].depth
        || unit_random_below (64) == 0)
      break;
  /* A source may also know more than it was asked. */
  extent->length = at + length == source->length ? UINT64_MAX : length;
  extent->flags = source->states[at].flags;
  extent->depth = source->states[at].depth;
  return 0;
}

static void
source_free (void *opaque)
{
  struct source *source = opaque;

  live_sources--;
  free (source->states);
  free (source);
}

static const struct pb_extents_ops source_ops = {
  .status = source_status,
  .free = source_free,
};

static struct source *
source_new (uint64_t start, uint64_t length)
{
  struct source *source = calloc (1, sizeof *source);

  CHECK (source != NULL);
  source->start = start;
  source->length = length;
  source->fails_at = FAILS_NEVER;
  source->states = calloc (length + 1, sizeof *source->states);
  CHECK (source->states != NULL);
  live_sources++;
  return source;
}

static pb_extents *
source_stream (struct source *source)
{
  return pb_extents_new (source->start, source->length, &source_ops, source);
}

/* A healthy stream over the range, all 0. */
static pb_extents *
simple (uint64_t start, uint64_t length)
{
  pb_extents *extents = source_stream (source_new (start, length));

  CHECK_OK (extents != NULL);
  return extents;
}

/* The model: what a stream should say, and where it should fail. */

#define MODEL_MAX 4096

struct model {
  uint64_t start;
  uint64_t length;
  uint64_t fails_at; /* FAILS_NEVER, or inside the range */
  struct pb_extent states[MODEL_MAX];
};

static struct model *
model_new (uint64_t start, uint64_t length)
{
  struct model *model = calloc (1, sizeof *model);

  CHECK (model != NULL && length <= MODEL_MAX);
  model->start = start;
  model->length = length;
  model->fails_at = FAILS_NEVER;
  return model;
}

static uint64_t
lower (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

/* What random_stream () makes: the two must agree. */
struct both {
  pb_extents *stream;
  struct model *model;
};

static struct both random_stream (uint64_t start, uint64_t length,
                                  unsigned nesting);

static struct both
random_source (uint64_t start, uint64_t length)
{
  struct source *source = source_new (start, length);
  struct both both = { .model = model_new (start, length) };
  uint64_t run = 0, i;

  for (i = 0; i < length; i++) {
    if (run == 0) {
      run = 1 + unit_random_below (unit_random_below (2) ? 8 : 400);
      source->states[i].flags = unit_random_below (8);
      source->states[i].depth = unit_random_below (3);
    }
    else
      source->states[i] = source->states[i - 1];
    run--;
    both.model->states[i] = source->states[i];
  }
  if (length > 0 && unit_random_below (8) == 0)
    source->fails_at = both.model->fails_at
      = start + unit_random_below (length);
  both.stream = source_stream (source);
  return both;
}

static struct both
random_constant (uint64_t start, uint64_t length)
{
  struct both both = { .model = model_new (start, length) };
  uint32_t flags = unit_random_below (8);
  uint64_t i;

  for (i = 0; i < length; i++)
    both.model->states[i].flags = flags;
  both.stream = pb_extents_constant (start, length, flags);
  return both;
}

static struct both
random_concat (uint64_t start, uint64_t length, unsigned nesting)
{
  uint64_t cut = unit_random_below (length + 1);
  struct both first = random_stream (start, cut, nesting);
  struct both second = random_stream (start + cut, length - cut, nesting);
  struct model *model = model_new (start, length);

  memcpy (model->states, first.model->states,
          cut * sizeof model->states[0]);
  memcpy (model->states + cut, second.model->states,
          (length - cut) * sizeof model->states[0]);
  model->fails_at = lower (first.model->fails_at, second.model->fails_at);
  free (first.model);
  free (second.model);
  return (struct both) {
    .stream = pb_extents_concat (first.stream, second.stream),
    .model = model,
  };
}

static struct both
random_pair (uint64_t start, uint64_t length, unsigned nesting)
{
  unsigned kind = unit_random_below (3);
  struct both a = random_stream (start, length, nesting);
  struct both b = random_stream (start, length, nesting);
  struct both both = { .model = model_new (start, length) };
  uint64_t i;

  for (i = 0; i < length; i++) {
    struct pb_extent *state = &both.model->states[i];
    const struct pb_extent *of_a = &a.model->states[i];
    const struct pb_extent *of_b = &b.model->states[i];
    bool dirty_a = of_a->flags & PB_EXTENT_DIRTY;
    bool dirty_b = of_b->flags & PB_EXTENT_DIRTY;

    if (kind == 0)
      state->flags = dirty_a || dirty_b ? PB_EXTENT_DIRTY : 0;
    else if (kind == 1)
      state->flags = dirty_a && dirty_b ? PB_EXTENT_DIRTY : 0;
    else {
      state->flags = (dirty_a ? PB_EXTENT_DIRTY : 0)
                     + (of_b->flags & PB_EXTENT_ZERO)
                     + (of_b->flags & PB_EXTENT_HOLE);
      state->depth = of_b->depth;
    }
  }
  both.model->fails_at = lower (a.model->fails_at, b.model->fails_at);
  free (a.model);
  free (b.model);
  both.stream = kind == 0   ? pb_extents_union (a.stream, b.stream)
                : kind == 1 ? pb_extents_intersection (a.stream, b.stream)
                            : pb_extents_overlay (a.stream, b.stream);
  return both;
}

/* One granule of the model, from byte I on. */
static void
align_granule (struct model *model, uint64_t i, uint64_t length)
{
  struct pb_extent state = { .depth = model->states[i].depth };
  bool zero = true, hole = true;
  uint64_t j;

  for (j = i; j < i + length; j++) {
    state.flags |= model->states[j].flags & PB_EXTENT_DIRTY;
    zero = zero && (model->states[j].flags & PB_EXTENT_ZERO);
    hole = hole && (model->states[j].flags & PB_EXTENT_HOLE);
    if (model->states[j].depth != model->states[i].depth)
      state.depth = 0;
  }
  state.flags |= (zero ? PB_EXTENT_ZERO : 0) | (hole ? PB_EXTENT_HOLE : 0);
  for (j = i; j < i + length; j++)
    model->states[j] = state;
}

static struct both
random_align (uint64_t start, uint64_t length, unsigned nesting)
{
  struct both both = random_stream (start, length, nesting);
  struct model *model = both.model;
  uint64_t granule = UINT64_C (1) << unit_random_below (12), i;

  while (start % granule != 0)
    granule /= 2;
  for (i = 0; i < length; i += granule)
    align_granule (model, i, lower (granule, length - i));
  if (model->fails_at != FAILS_NEVER)
    model->fails_at -= model->fails_at % granule;
  both.stream = pb_extents_align (both.stream, granule);
  return both;
}

static struct both
random_clip (uint64_t start, uint64_t length, unsigned nesting)
{
  uint64_t before = unit_random_below (lower (start, 500) + 1);
  uint64_t after = unit_random_below (500);
  struct both both;

  if (before + length + after > MODEL_MAX)
    before = after = 0;
  both = random_stream (start - before, before + length + after, nesting);
  both.stream = pb_extents_clip (both.stream, start, length);
  both.model->start = start;
  both.model->length = length;
  memmove (both.model->states, both.model->states + before,
           length * sizeof both.model->states[0]);
  if (both.model->fails_at < start)
    both.model->fails_at = start;
  if (both.model->fails_at >= start + length)
    both.model->fails_at = FAILS_NEVER;
  return both;
}

static struct both
random_coalesce (uint64_t start, uint64_t length, unsigned nesting)
{
  struct both both = random_stream (start, length, nesting);

  both.stream = pb_extents_coalesce (both.stream, unit_random_below (100));
  return both;
}

static struct both
random_stream (uint64_t start, uint64_t length, unsigned nesting)
{
  unsigned kind = nesting == 0 ? unit_random_below (2)
                               : unit_random_below (7);

  switch (kind) {
  case 0: return random_source (start, length);
  case 1: return random_constant (start, length);
  case 2: return random_concat (start, length, nesting - 1);
  case 3: return random_pair (start, length, nesting - 1);
  case 4: return random_align (start, length, nesting - 1);
  case 5: return random_clip (start, length, nesting - 1);
  default: return random_coalesce (start, length, nesting - 1);
  }
}

/* Read all of STREAM, and compare it with what it should be. */
static void
check_against_model (pb_extents *stream, const struct model *model)
{
  uint64_t end = lower (model->start + model->length, model->fails_at);
  uint64_t at = model->start, i;
  struct pb_extent extent;
  int r;

  CHECK (pb_extents_get_start (stream) == model->start);
  CHECK (pb_extents_get_end (stream) == model->start + model->length);
  while ((r = pb_extents_next (stream, &extent)) == 1) {
    CHECK (extent.offset == at);
    CHECK (extent.length > 0);
    CHECK (extent.length <= end - at);
    for (i = at - model->start; i < at - model->start + extent.length; i++) {
      CHECK (extent.flags == model->states[i].flags);
      CHECK (extent.depth == model->states[i].depth);
    }
    at += extent.length;
  }
  CHECK (at == end);
  for (i = 0; i < 2; i++) {
    if (model->fails_at == FAILS_NEVER)
      CHECK (r == 0);
    else
      CHECK_FAILS (r == -1, ENXIO, "source is broken at ");
    pb_set_error (EIO, "another error in between");
    r = pb_extents_next (stream, &extent);
  }
}

static void
test_random_nests_against_model (void)
{
  struct both both;
  unsigned i;

  for (i = 0; i < 3000; i++) {
    uint64_t start = unit_random_below (4) << unit_random_below (14);
    uint64_t length = unit_random_below (unit_random_below (2) ? 30 : 2000);

    both = random_stream (start, length, unit_random_below (4));
    CHECK_OK (both.stream != NULL);
    check_against_model (both.stream, both.model);
    free (both.model);
    pb_extents_free (both.stream);
    CHECK (live_sources == 0);
  }
}

/* Nothing is merged that could be, and nothing is longer than it may be. */
static void
test_coalesce_merges_all_it_may (void)
{
  const uint64_t limits[] = { 0, 1, 7, 64, 100000 };
  unsigned i;

  for (i = 0; i < 5; i++) {
    struct both both = random_source (0, 3000);
    pb_extents *CLEANUP_EXTENTS stream = NULL;
    struct pb_extent last = { .length = 0 }, extent;

    stream = pb_extents_coalesce (both.stream, limits[i]);
    free (both.model);
    CHECK_OK (stream != NULL);
    while (pb_extents_next (stream, &extent) == 1) {
      CHECK (limits[i] == 0 || extent.length <= limits[i]);
      CHECK (last.length == 0 || last.flags != extent.flags
             || last.depth != extent.depth || last.length == limits[i]);
      last = extent;
    }
  }
}

/* Steps must not depend on the size of what is all the same. */
static void
test_large_and_same_is_one_step (void)
{
  const uint64_t size = (UINT64_C (16) << 40) - 12345;
  pb_extents *CLEANUP_EXTENTS stream = NULL;
  struct pb_extent extent;

  stream = pb_extents_overlay (
    pb_extents_align (pb_extents_constant (0, size, 0), 65536),
    pb_extents_constant (0, size, PB_EXTENT_ZERO));
  CHECK_OK (stream != NULL);
  CHECK (pb_extents_next (stream, &extent) == 1);
  CHECK (extent.offset == 0 && extent.length == size);
  CHECK (extent.flags == PB_EXTENT_ZERO);
  CHECK (pb_extents_next (stream, &extent) == 0);
}

/* A run that starts and ends inside granules: its middle is one extent. */
static void
test_align_keeps_runs_whole (void)
{
  const uint64_t k = 1024;
  pb_extents *CLEANUP_EXTENTS stream = NULL;
  struct pb_extent extent;
  const struct pb_extent want[] = {
    { .offset = 0,
      .length = 64 * k,
      .flags = PB_EXTENT_DIRTY | PB_EXTENT_ZERO },
    { .offset = 64 * k, .length = 6400 * k, .flags = PB_EXTENT_ZERO },
    { .offset = 6464 * k, .length = 64 * k, .flags = PB_EXTENT_DIRTY },
    { .offset = 6528 * k, .length = 72 * k, .flags = 0 },
  };
  unsigned i;

  stream = pb_extents_concat (
    pb_extents_constant (0, 3 * k, PB_EXTENT_DIRTY | PB_EXTENT_ZERO),
    pb_extents_concat (
      pb_extents_constant (3 * k, 6500 * k - 3 * k, PB_EXTENT_ZERO),
      pb_extents_concat (pb_extents_constant (6500 * k, 1, PB_EXTENT_DIRTY),
                         pb_extents_constant (6500 * k + 1, 100 * k - 1,
                                              0))));
  stream = pb_extents_coalesce (pb_extents_align (stream, 64 * k), 0);
  CHECK_OK (stream != NULL);
  for (i = 0; i < 4; i++) {
    CHECK (pb_extents_next (stream, &extent) == 1);
    CHECK (extent.offset == want[i].offset);
    CHECK (extent.length == want[i].length);
    CHECK (extent.flags == want[i].flags);
  }
  CHECK (pb_extents_next (stream, &extent) == 0);
}

static void
test_edges_of_ranges (void)
{
  pb_extents *stream;
  struct pb_extent extent;

  /* Empty, at the start and at the very end. */
  stream = pb_extents_constant (0, 0, PB_EXTENT_DIRTY);
  CHECK_OK (stream != NULL);
  CHECK (pb_extents_next (stream, &extent) == 0);
  pb_extents_free (stream);
  stream = pb_extents_align (pb_extents_constant (PB_DISK_SIZE_MAX, 0, 0), 1);
  CHECK_OK (stream != NULL);
  CHECK (pb_extents_next (stream, &extent) == 0);
  pb_extents_free (stream);

  /* The whole of the largest disk in granules larger than it. */
  stream = pb_extents_align (
    pb_extents_concat (
      pb_extents_constant (0, PB_DISK_SIZE_MAX - 1, 0),
      pb_extents_constant (PB_DISK_SIZE_MAX - 1, 1, PB_EXTENT_DIRTY)),
    UINT64_C (1) << 63);
  CHECK_OK (stream != NULL);
  CHECK (pb_extents_next (stream, &extent) == 1);
  CHECK (extent.length == PB_DISK_SIZE_MAX);
  CHECK (extent.flags == PB_EXTENT_DIRTY);
  CHECK (pb_extents_next (stream, &extent) == 0);
  pb_extents_free (stream);

  /* Beyond the largest disk: refused, and the source is freed. */
  CHECK_FAILS (source_stream (source_new (UINT64_MAX - 5, 10)) == NULL, EINVAL,
               "10 bytes at offset 0xfffffffffffffffa");
  CHECK_FAILS (source_stream (source_new (PB_DISK_SIZE_MAX, 1)) == NULL,
               EINVAL, "are beyond");
  CHECK (live_sources == 0);
  pb_extents_free (NULL);
}

/* A source that breaks the contract kills the stream. */
static int
no_length (void *opaque, uint64_t offset, uint64_t end,
           struct pb_extent *extent)
{
  (void) opaque;
  (void) offset;
  (void) end;
  (void) extent;
  return 0;
}

static int
moved_offset (void *opaque, uint64_t offset, uint64_t end,
              struct pb_extent *extent)
{
  (void) opaque;
  (void) end;
  extent->offset = offset + 1;
  extent->length = 1;
  return 0;
}

static void
test_broken_sources (void)
{
  const struct pb_extents_ops broken[] = {
    { .status = no_length },
    { .status = moved_offset },
  };
  struct pb_extent extent = { .length = 77 };
  unsigned i, j;

  for (i = 0; i < 2; i++) {
    pb_extents *CLEANUP_EXTENTS stream
      = pb_extents_new (4096, 100, &broken[i], NULL);

    CHECK_OK (stream != NULL);
    for (j = 0; j < 2; j++) {
      CHECK_FAILS (pb_extents_next (stream, &extent) == -1, EIO,
                   "the source answered for offset 0x1000");
      CHECK (extent.length == 77);
      pb_set_error (EPERM, "something else");
    }
  }
}

/* A dead stream does not ask its source again. */
static void
test_errors_stay (void)
{
  struct source *source = source_new (0, 100);
  pb_extents *CLEANUP_EXTENTS stream = NULL;
  struct pb_extent extent;

  source->fails_at = 0;
  stream = source_stream (source);
  CHECK_OK (stream != NULL);
  CHECK_FAILS (pb_extents_next (stream, &extent) == -1, ENXIO,
               "source is broken at 0");
  CHECK_FAILS (pb_extents_next (stream, &extent) == -1, ENXIO,
               "source is broken at 0");
  CHECK (source->calls == 1);
}

static void
test_null_streams_nest (void)
{
  pb_set_error (ESTALE, "the first error");
  CHECK (pb_extents_concat (NULL, simple (0, 1)) == NULL);
  CHECK (pb_extents_concat (simple (0, 1), NULL) == NULL);
  CHECK (pb_extents_union (NULL, simple (0, 1)) == NULL);
  CHECK (pb_extents_union (NULL, NULL) == NULL);
  CHECK (pb_extents_intersection (simple (0, 1), NULL) == NULL);
  CHECK (pb_extents_overlay (simple (0, 1), NULL) == NULL);
  CHECK (pb_extents_align (NULL, 512) == NULL);
  CHECK (pb_extents_coalesce (NULL, 0) == NULL);
  CHECK_FAILS (pb_extents_clip (NULL, 0, 1) == NULL, ESTALE,
               "the first error");
  CHECK (live_sources == 0);
}

static pb_extents *
started (void)
{
  pb_extents *extents = simple (0, 100);
  struct pb_extent extent;

  CHECK (pb_extents_next (extents, &extent) == 1);
  return extents;
}

static void
test_refused_arguments (void)
{
  pb_extents *twice = simple (0, 100);

  CHECK_FAILS (pb_extents_concat (simple (0, 10), simple (11, 10)) == NULL,
               EINVAL, "the first ends at 0xa, but the second starts at 0xb");
  CHECK_FAILS (pb_extents_union (simple (0, 10), simple (0, 11)) == NULL,
               EINVAL, "union of extents: one stream is from 0x0 to 0xa");
  CHECK_FAILS (pb_extents_intersection (simple (0, 10), simple (1, 9)) == NULL,
               EINVAL, "the other from 0x1 to 0xa");
  CHECK_FAILS (pb_extents_overlay (simple (0, 10), simple (10, 10)) == NULL,
               EINVAL, "overlay of extents: ");
  CHECK_FAILS (pb_extents_union (twice, twice) == NULL, EINVAL,
               "one and the same");
  CHECK_FAILS (pb_extents_union (started (), simple (0, 100)) == NULL, EINVAL,
               "read from already");
  CHECK_FAILS (pb_extents_concat (simple (0, 0), started ()) == NULL, EINVAL,
               "read from already");
  CHECK_FAILS (pb_extents_clip (started (), 0, 1) == NULL, EINVAL,
               "read from already");
  CHECK_FAILS (pb_extents_align (simple (0, 10), 0) == NULL, EINVAL,
               "0 is not a power of two");
  CHECK_FAILS (pb_extents_align (simple (0, 10), 3) == NULL, EINVAL,
               "3 is not a power of two");
  CHECK_FAILS (pb_extents_align (simple (512, 10), 1024) == NULL, EINVAL,
               "divides the start of the range, 0x200");
  CHECK_FAILS (pb_extents_clip (simple (10, 10), 9, 5) == NULL, EINVAL,
               "are not inside 0xa to 0x14");
  CHECK_FAILS (pb_extents_clip (simple (10, 10), 15, 6) == NULL, EINVAL,
               "6 bytes at offset 0xf");
  CHECK_FAILS (pb_extents_clip (simple (10, 10), 11, UINT64_MAX) == NULL,
               EINVAL, "are not inside");
  CHECK (live_sources == 0);
}

static void
test_check_range (void)
{
  CHECK_OK (check_range ("vda", 0, 100, 100) == 0);
  CHECK_OK (check_range ("vda", 100, 0, 100) == 0);
  CHECK_FAILS (check_range ("vda", 101, 0, 100) == -1, EINVAL,
               "vda: 0 bytes at offset 0x65 are beyond its end at 0x64");
  CHECK_FAILS (check_range ("vda", 50, 51, 100) == -1, EINVAL, "vda: ");
  CHECK_FAILS (check_range ("vda", 1, UINT64_MAX, UINT64_MAX) == -1, EINVAL,
               "vda: ");
}

int
main (void)
{
  unit_seed ();
  test_check_range ();
  test_edges_of_ranges ();
  test_broken_sources ();
  test_errors_stay ();
  test_null_streams_nest ();
  test_refused_arguments ();
  test_coalesce_merges_all_it_may ();
  test_large_and_same_is_one_step ();
  test_align_keeps_runs_whole ();
  test_random_nests_against_model ();
  return 0;
}
