/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mapper.c: cut the plan into batches of work, ahead of the workers. */

#include "config.h"

#include "plan.h"

/* One item of zeroes, so that a stop need not wait for the tables of a whole
 * large disk to be written.
 */
#define ZERO_MAX (UINT64_C (4) << 30)

static void
count_extent (struct pull_counters *counters, const struct pb_extent *extent)
{
  if (!(extent->flags & PB_EXTENT_DIRTY))
    atomic_fetch_add (&counters->clean, extent->length);
  else if (extent->flags & PB_EXTENT_ZERO) {
    atomic_fetch_add (&counters->zero, extent->length);
    atomic_fetch_add (&counters->zero_extents, 1);
  }
  else {
    atomic_fetch_add (&counters->data, extent->length);
    atomic_fetch_add (&counters->data_extents, 1);
  }
  atomic_fetch_add (&counters->mapped, extent->length);
}

static int
flush (struct pull *pull, struct batch *batch)
{
  if (batch->nr_items && queue_push (&pull->queue, batch) == -1)
    return -1;
  batch->nr_items = 0;
  batch->data_bytes = 0;
  return 0;
}

/* Add a dirty extent to the batch, cut to what batches hold. */
static int
add_extent (struct pull *pull, struct batch *batch, struct pb_extent extent)
{
  bool is_zero = extent.flags & PB_EXTENT_ZERO;

  while (extent.length) {
    uint64_t room = is_zero ? ZERO_MAX : BATCH_BYTES - batch->data_bytes;
    struct pb_extent *item;

    if (batch->nr_items == BATCH_ITEMS || room == 0) {
      if (flush (pull, batch) == -1)
        return -1;
      continue;
    }
    item = &batch->items[batch->nr_items++];
    *item = extent;
    if (item->length > room)
      item->length = room;
    /* Extents are cut at granules, and BATCH_BYTES is a multiple of those, so
     * items are too; only the end of the disk may not be.
     */
    if (!is_zero)
      batch->data_bytes += item->length;
    extent.offset += item->length;
    extent.length -= item->length;
  }
  return 0;
}

static int
map_all (struct pull *pull)
{
  struct batch batch = { .nr_items = 0 };
  struct pb_extent extent;
  int r;

  /* A queue that fails was stopped, by somebody who has said why. */
  while ((r = pb_extents_next (pull->plan, &extent)) == 1) {
    if (pull_is_stopped (pull))
      return 0;
    count_extent (&pull->counters, &extent);
    if (extent.flags & PB_EXTENT_DIRTY
        && add_extent (pull, &batch, extent) == -1)
      return 0;
    /* Nobody waits for a batch to fill up. */
    if (batch.nr_items && queue_is_starved (&pull->queue)
        && flush (pull, &batch) == -1)
      return 0;
  }
  if (r == -1)
    return -1;
  flush (pull, &batch);
  return 0;
}

void *
mapper_run (void *opaque)
{
  struct pull *pull = opaque;

  if (map_all (pull) == -1)
    pull_fail (pull);
  queue_end (&pull->queue);
  pull_thread_ends (pull);
  return NULL;
}

int
mapper_count (struct pull *pull)
{
  struct pb_extent extent;
  int r;

  while ((r = pb_extents_next (pull->plan, &extent)) == 1)
    count_extent (&pull->counters, &extent);
  return r;
}
