/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* l2-entry.h: what one entry of an L2 table says, for cluster-map.c. */

#ifndef PULLBACK_L2_ENTRY_H
#define PULLBACK_L2_ENTRY_H

#include <stdint.h>

#include "cluster-map.h"

/* An entry, checked and taken apart.  Where all of the cluster is of one kind,
 * KIND is it; else (extended L2 entries only) each subcluster has its own.
 */
struct l2_entry {
  bool mixed;
  enum cluster_kind kind;
  uint64_t host;        /* DATA, mixed: of the cluster; COMPRESSED: descriptor */
  uint32_t allocated;   /* mixed: a bit for each subcluster that is data, */
  uint32_t zero;        /* and that reads as zeroes */
};

/* WORDS is one word, or two where L2 entries are extended.  Errors name the
 * cause only.
 */
int l2_entry_parse (const struct cluster_map *map, const uint64_t *words,
                    struct l2_entry *entry);

/* The kind of subcluster INDEX. */
static inline enum cluster_kind
l2_entry_subcluster_kind (const struct l2_entry *entry, unsigned index)
{
  if (!entry->mixed)
    return entry->kind;
  if (entry->zero >> index & 1)
    return entry->host ? CLUSTER_ZERO_ALLOCATED : CLUSTER_ZERO;
  return entry->allocated >> index & 1 ? CLUSTER_DATA : CLUSTER_UNALLOCATED;
}

#endif /* PULLBACK_L2_ENTRY_H */
