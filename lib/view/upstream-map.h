/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upstream-map.h: a map that another NBD server has of a disk, as streams of
 * extents over any range, for many threads at once.
 *
 * The last answer is kept, and what follows in it is taken from there.  So a
 * client that asks for one extent at a time costs no round trip to the other
 * server for each.
 */

#ifndef PULLBACK_UPSTREAM_MAP_H
#define PULLBACK_UPSTREAM_MAP_H

#include "nbd-export.h"
#include "nbd-reply.h"
#include "pullback.h"
#include "upstream.h"

struct upstream_map_config {
  struct upstream *upstream; /* has negotiated the contexts */
  const char *name;          /* for messages */
  const struct nbd_export_limits *limits;
  const char *context;
  enum nbd_meaning meaning;
  bool has_depth; /* qemu:allocation-depth was negotiated too */
};

struct upstream_map;

/* What CONFIG points to must outlive the map. */
struct upstream_map *upstream_map_new (
  const struct upstream_map_config *config);
void upstream_map_free (struct upstream_map *map);

/* A stream over the range, which lies on the disk, with flags 0, ZERO or
 * ZERO | HOLE for an allocation, and 0 or DIRTY for the others.  MAP must
 * outlive it.
 */
pb_extents *upstream_map_extents (struct upstream_map *map, uint64_t offset,
                                  uint64_t length);

#endif /* PULLBACK_UPSTREAM_MAP_H */
