/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-tables.c: the L1 and L2 tables of a new qcow2 file. */

#include "config.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "format.h"
#include "round.h"
#include "writer-tables.h"

/* All slices together.  With 64 KiB clusters that is the map of 64 GiB. */
#define CACHE_BYTES ((size_t) 8 << 20)

/* A slice is a page, or a whole table where that is smaller. */
#define SLICE_BYTES_BITS_MAX 12

/* Slices that compete for the same slots: enough for as many parallel streams
 * of writes at unlucky distances from each other.
 */
#define WAYS 8

#define ENTRY_BITS 3 /* log2 of sizeof (uint64_t) */

#define NO_SLICE UINT64_MAX

struct table_slot {
  uint64_t slice;     /* guest cluster >> slice_bits, or NO_SLICE */
  uint64_t last_used; /* by the clock */
  bool dirty;         /* differs from the file */
};

static size_t
slice_bytes (const struct tables *t)
{
  return sizeof (uint64_t) << t->slice_bits;
}

static uint64_t *
slot_entries (const struct tables *t, const struct table_slot *slot)
{
  return t->entries + ((size_t) (slot - t->slots) << t->slice_bits);
}

uint64_t
tables_l1_size (unsigned cluster_bits, uint64_t size)
{
  return div_round_up (size,
                       UINT64_C (1) << (2 * cluster_bits - ENTRY_BITS));
}

int
tables_init (struct tables *t, const struct file *file,
             struct refcounts *refcounts, unsigned cluster_bits, uint64_t size)
{
  unsigned slice_bytes_bits = cluster_bits < SLICE_BYTES_BITS_MAX
                                ? cluster_bits
                                : SLICE_BYTES_BITS_MAX;
  size_t nr_slots = CACHE_BYTES >> slice_bytes_bits;

  *t = (struct tables) {
    .file = file,
    .refcounts = refcounts,
    .cluster_bits = cluster_bits,
    .slice_bits = slice_bytes_bits - ENTRY_BITS,
    .l1_size = tables_l1_size (cluster_bits, size),
    .nr_sets = nr_slots / WAYS,
  };

  /* calloc () takes large areas from the kernel, which gives memory to them
   * only where they are touched: a small disk takes little.
   */
  t->l1 = calloc ((size_t) t->l1_size + 1, sizeof *t->l1);
  t->slots = calloc (nr_slots, sizeof *t->slots);
  t->entries = calloc (1, CACHE_BYTES);
  if (t->l1 == NULL || t->slots == NULL || t->entries == NULL) {
    set_error_errno ("%s: L1 and L2 tables", file->name);
    tables_clear (t);
    return -1;
  }
  for (size_t i = 0; i < nr_slots; i++)
    t->slots[i].slice = NO_SLICE;
  return 0;
}

void
tables_clear (struct tables *t)
{
  free (t->l1);
  free (t->slots);
  free (t->entries);
  *t = (struct tables) { .file = NULL };
}

/* Slices of a table divide it evenly, so the slice's number tells the L1
 * index.
 */
static uint64_t *
l1_entry_of_slice (const struct tables *t, uint64_t slice)
{
  unsigned slices_bits = t->cluster_bits - ENTRY_BITS - t->slice_bits;
  uint64_t index = slice >> slices_bits;

  assert (index < t->l1_size);
  return &t->l1[index];
}

/* Where a slice is in the file.  Its table must have a place. */
static uint64_t
slice_offset (const struct tables *t, uint64_t slice)
{
  uint64_t table = load_be64 (l1_entry_of_slice (t, slice)) & QCOW2_OFFSET_MASK;
  uint64_t in_table = slice << (t->slice_bits + ENTRY_BITS)
                      & ((UINT64_C (1) << t->cluster_bits) - 1);

  return table + in_table;
}

static int
write_back (const struct tables *t, struct table_slot *slot)
{
  if (file_pwrite (t->file, slot_entries (t, slot), slice_bytes (t),
                   slice_offset (t, slot->slice))
      == -1)
    return -1;
  slot->dirty = false;
  return 0;
}

/* Find SLICE in the cache, else the slot to put it in: one of its set that is
 * empty, or was not used for the longest time.
 */
static struct table_slot *
find_slot (struct tables *t, uint64_t slice)
{
  struct table_slot *set = &t->slots[slice % t->nr_sets * WAYS];
  struct table_slot *oldest = set;

  for (unsigned i = 0; i < WAYS; i++) {
    if (set[i].slice == slice)
      return &set[i];
    if (set[i].last_used < oldest->last_used)
      oldest = &set[i];
  }
  return oldest;
}

/* The slot with SLICE in it.  Its table must have a place in the file; where
 * that is NEW there is nothing to be read.
 */
static struct table_slot *
load_slice (struct tables *t, uint64_t slice, bool new)
{
  struct table_slot *slot = find_slot (t, slice);

  if (slot->slice != slice) {
    if (slot->dirty && write_back (t, slot) == -1)
      return NULL;
    slot->slice = NO_SLICE;
    t->last = NULL;

    /* What was never written is a hole, or lies beyond the end of the file so
     * far: that is why this may be padded with zeroes.
     */
    if (new)
      memset (slot_entries (t, slot), 0, slice_bytes (t));
    else if (file_pread_padded (t->file, slot_entries (t, slot),
                                slice_bytes (t), slice_offset (t, slice))
             == -1)
      return NULL;
    slot->slice = slice;
  }
  slot->last_used = ++t->clock;
  t->last = slot;
  return slot;
}

static uint64_t *
entry_in_slot (const struct tables *t, const struct table_slot *slot,
               uint64_t cluster)
{
  return slot_entries (t, slot)
         + (cluster & ((UINT64_C (1) << t->slice_bits) - 1));
}

int
tables_get (struct tables *t, uint64_t cluster, uint64_t *entry)
{
  uint64_t slice = cluster >> t->slice_bits;
  struct table_slot *slot = t->last;

  if (slot == NULL || slot->slice != slice) {
    if (*l1_entry_of_slice (t, slice) == 0) {
      *entry = 0;
      return 0;
    }
    slot = load_slice (t, slice, false);
    if (slot == NULL)
      return -1;
  }
  *entry = load_be64 (entry_in_slot (t, slot, cluster));
  return 0;
}

int
tables_set (struct tables *t, uint64_t cluster, uint64_t entry)
{
  uint64_t slice = cluster >> t->slice_bits;
  struct table_slot *slot = t->last;

  if (slot == NULL || slot->slice != slice) {
    uint64_t *l1_entry = l1_entry_of_slice (t, slice);
    bool new = *l1_entry == 0;

    if (new) {
      uint64_t offset;

      if (refcounts_take (t->refcounts, 1, &offset) == -1)
        return -1;
      store_be64 (l1_entry, offset | QCOW2_COPIED);
    }
    slot = load_slice (t, slice, new);
    if (slot == NULL)
      return -1;
  }
  store_be64 (entry_in_slot (t, slot, cluster), entry);
  slot->dirty = true;
  return 0;
}

int
tables_finish (struct tables *t, uint64_t *l1_offset)
{
  size_t l1_bytes = t->l1_size * sizeof *t->l1;
  uint64_t clusters = div_round_up (l1_bytes, UINT64_C (1) << t->cluster_bits);

  for (size_t i = 0; i < (size_t) t->nr_sets * WAYS; i++)
    if (t->slots[i].dirty && write_back (t, &t->slots[i]) == -1)
      return -1;

  /* A cluster for an L1 table without entries would be a leak to QEMU. */
  *l1_offset = 0;
  if (clusters == 0)
    return 0;
  if (refcounts_take (t->refcounts, clusters, l1_offset) == -1)
    return -1;
  return file_pwrite_sparse (t->file, t->l1, l1_bytes, *l1_offset);
}
