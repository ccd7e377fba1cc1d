/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-tables.h: the L1 and L2 tables of a new qcow2 file.
 *
 * The L1 table is whole in memory (32 MiB at most, by format).  L2 tables are
 * handled in slices of a page: a bounded, set-associative cache holds those
 * last touched.  A table gets its place in the file when its first entry is
 * set; a slice that has to leave the cache is written there if it has changed,
 * and is read back if it is touched again.  Slices that nobody touched are
 * never written: in a new file they are holes, and read as unallocated.
 *
 * The caller keeps threads apart.
 */

#ifndef PULLBACK_QCOW2_WRITER_TABLES_H
#define PULLBACK_QCOW2_WRITER_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "file.h"
#include "writer-refcounts.h"

struct table_slot;

struct tables {
  const struct file *file;
  struct refcounts *refcounts;
  unsigned cluster_bits;
  unsigned slice_bits; /* log2 of entries in a slice */
  uint64_t *l1;        /* big-endian entries */
  uint32_t l1_size;    /* number of them */

  unsigned nr_sets;
  struct table_slot *slots; /* nr_sets * ways */
  uint64_t *entries;        /* of slot 0, then of slot 1, ...; big-endian */
  struct table_slot *last;  /* the slot found last, or NULL */
  uint64_t clock;           /* counts searches, to tell which slot is older */
};

/* For a disk of SIZE bytes.  FILE and REFCOUNTS live as long as the tables. */
int tables_init (struct tables *tables, const struct file *file,
                 struct refcounts *refcounts, unsigned cluster_bits,
                 uint64_t size);
void tables_clear (struct tables *tables);

/* Entries that an L1 table has for a disk of SIZE bytes. */
uint64_t tables_l1_size (unsigned cluster_bits, uint64_t size);

/* The L2 entry of guest cluster number CLUSTER, which must lie on the disk; 0
 * is one that was never set.
 */
int tables_get (struct tables *tables, uint64_t cluster, uint64_t *entry);
int tables_set (struct tables *tables, uint64_t cluster, uint64_t entry);

/* Write all that is in memory, the L1 table behind everything else.
 * *l1_offset is 0 where the disk is empty and there is no table.
 */
int tables_finish (struct tables *tables, uint64_t *l1_offset);

#endif /* PULLBACK_QCOW2_WRITER_TABLES_H */
