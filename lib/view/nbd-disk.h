/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-disk.h: a disk of another NBD server, and further connections to it. */

#ifndef PULLBACK_NBD_DISK_H
#define PULLBACK_NBD_DISK_H

#include <stdbool.h>

#include "nbd-export.h"
#include "upstream.h"

struct nbd_disk {
  char *uri;
  char *export_name; /* as the server calls it where it says so */
  struct nbd_export_limits limits;
  bool is_multi;       /* several connections see the same disk */
  bool has_allocation; /* the first connection tells what is allocated */
  struct upstream *upstream; /* the first connection */
};

/* One more connection to the disk, or to EXPORT_NAME of its server, which must
 * be of the same size and have CONTEXT; no step of it takes more than SECONDS
 * to connect.  NULL with an error set, which is ENOTCONN where the server is not
 * the one that was connected to first: that would be another disk, perhaps.
 */
struct upstream *nbd_disk_connect (const struct nbd_disk *disk,
                                   const char *export_name,
                                   const char *context, unsigned seconds);

#endif /* PULLBACK_NBD_DISK_H */
