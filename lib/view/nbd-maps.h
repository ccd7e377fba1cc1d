/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-maps.h: the dirty maps of an export of another NBD server, wherever that
 * has them (nbd/nbd-export.h), each opened when it is first asked for.
 */

#ifndef PULLBACK_NBD_MAPS_H
#define PULLBACK_NBD_MAPS_H

#include <pthread.h>

#include "nbd-export.h"
#include "pullback.h"
#include "upstream.h"
#include "upstream-map.h"

/* The disk that the maps are of. */
struct nbd_disk {
  char *uri;
  char *export_name; /* as the server calls it where it says so */
  struct nbd_export_limits limits;
  bool is_multi;       /* several connections see the same disk */
  bool has_allocation; /* the first connection tells what is allocated */
  struct upstream *upstream; /* the first connection */
};

struct nbd_dirty_map; /* one of them */

struct nbd_maps {
  const struct nbd_disk *disk;
  size_t count;
  struct nbd_dirty_map *list;
  pthread_mutex_t lock; /* held while a map is opened, over the I/O of that, so
                         * that it is opened once; open ones are read without */
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

/* The map called NAME, which is MAPS', or NULL with an error set. */
struct upstream_map *nbd_maps_open (struct nbd_maps *maps, const char *name);

/* One more connection to the disk, or to EXPORT_NAME of its server, which must
 * be of the same size and have CONTEXT.  NULL with an error set.
 */
struct upstream *nbd_disk_connect (const struct nbd_disk *disk,
                                   const char *export_name,
                                   const char *context, unsigned seconds);

#endif /* PULLBACK_NBD_MAPS_H */
