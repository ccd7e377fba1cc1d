/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-maps.h: the dirty maps of an export of another NBD server, wherever that
 * has them (nbd/nbd-export.h), each opened when it is first asked for.
 */

#ifndef PULLBACK_NBD_MAPS_H
#define PULLBACK_NBD_MAPS_H

#include <stddef.h>

#include "nbd-disk.h"
#include "pullback.h"
#include "upstream-map.h"

struct nbd_dirty_map; /* one of them */

struct nbd_maps {
  const struct nbd_disk *disk;
  size_t count;
  struct nbd_dirty_map **list;
  void *by_name; /* the same as a tree (tsearch(3)) */
};

void nbd_maps_init (struct nbd_maps *maps, const struct nbd_disk *disk);
void nbd_maps_clear (struct nbd_maps *maps);

/* Find the maps of the disk's export, over NBD, which is negotiating and has
 * asked about that last.  No metadata contexts are left added to NBD.  That a
 * server does not list what it has is no error.
 */
int nbd_maps_find (struct nbd_maps *maps, struct nbd_handle *nbd);

/* Have NBD, the disk's first connection, negotiate those contexts that are
 * maps, where no other connection is to be had for them, or where they are so
 * few that one can do for all: a server may not take many.
 */
int nbd_maps_add_contexts (const struct nbd_maps *maps,
                           struct nbd_handle *nbd);

void nbd_maps_get_info (const struct nbd_maps *maps, size_t index,
                        struct pb_bitmap_info *info);

/* The map called NAME, which is MAPS', or NULL with an error set.  Safe from
 * any thread; who asks for a map that is being opened waits for that.
 */
struct upstream_map *nbd_maps_open (const struct nbd_maps *maps,
                                    const char *name);

#endif /* PULLBACK_NBD_MAPS_H */
