/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-connect.h: one connection to an NBD server, up to its export.
 *
 * A server that is about to end, or that has all the clients it wants, may let
 * a new one wait for ever; so each step here is done in time or fails with
 * ETIMEDOUT, and then the connection is of no more use.
 */

#ifndef PULLBACK_NBD_CONNECT_H
#define PULLBACK_NBD_CONNECT_H

#include <libnbd.h>

/* For each step, in seconds. */
#define NBD_CONNECT_SECONDS 60

/* A connection to URI's server that is still negotiating, so that the export
 * and its contexts can be chosen.  NULL with an error set, also where that
 * takes more than SECONDS.
 */
struct nbd_handle *nbd_connect_start (const char *uri, unsigned seconds);

/* What is the export EXPORT_NAME, with the contexts that were added to NBD?
 * The connection goes on negotiating.
 */
int nbd_connect_info (struct nbd_handle *nbd, const char *uri,
                      const char *export_name);

/* Finish negotiating, within SECONDS: use EXPORT_NAME.  On failure the connection
 * goes on negotiating.
 */
int nbd_connect_go (struct nbd_handle *nbd, const char *uri,
                    const char *export_name, unsigned seconds);

/* Call back with each export that the server lists, or with each context that
 * matches those that were added to NBD, of the export that was named last.
 * Where a callback returns -1 the rest is left out.  Never more than
 * NBD_CONNECT_LIST_MAX entries are taken (E2BIG).
 */
#define NBD_CONNECT_LIST_MAX 65536

struct nbd_connect_list {
  int (*callback) (void *opaque, const char *name, const char *description);
  void *opaque;
};

int nbd_connect_list_exports (struct nbd_handle *nbd, const char *uri,
                              const struct nbd_connect_list *list);
int nbd_connect_list_contexts (struct nbd_handle *nbd, const char *uri,
                               const struct nbd_connect_list *list);

#endif /* PULLBACK_NBD_CONNECT_H */
