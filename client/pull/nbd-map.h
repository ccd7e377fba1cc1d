/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-map.h: what an NBD server says of its blocks, as a stream of extents.
 *
 * Requests for the next parts of the map are under way while the first is
 * read, so a map costs bandwidth rather than round trips.  Their length adapts
 * to what comes back, which bounds the memory, whatever the size of the disk.
 */

#ifndef PULLBACK_NBD_MAP_H
#define PULLBACK_NBD_MAP_H

#include <libnbd.h>
#include <stdbool.h>
#include <stdint.h>

#include "nbd-reply.h"
#include "pullback.h"

struct nbd_map_config {
  struct nbd_handle *nbd; /* ready; not owned */
  const char *name;       /* of the export, for messages */
  uint64_t size;          /* bytes of the disk */
  uint32_t min_block;

  /* An eventfd that ends the waiting in pb_extents_next (), for a stop. */
  int wake_fd;

  /* True once the stream shall fail: looked at whenever it wakes up. */
  const bool *stop;

  /* Where another thread drives NBD: the eventfd that wakes it.  Else -1: the
   * stream drives NBD itself.
   */
  int driver_wake_fd;

  unsigned nr_contexts;
  struct {
    const char *context;
    enum nbd_meaning meaning;
  } contexts[NBD_REPLY_CONTEXTS_MAX];
};

/* The whole disk's map; CONFIG's strings must outlive it.  Freeing the stream
 * while requests are under way is fine; they end with the connection.
 */
pb_extents *nbd_map_new (const struct nbd_map_config *config);

#endif /* PULLBACK_NBD_MAP_H */
