/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* connection.h: one connection to an NBD server, up to its export. */

#ifndef PULLBACK_CONNECTION_H
#define PULLBACK_CONNECTION_H

#include <libnbd.h>

/* A connection to URI's server that is still negotiating, so that the export
 * and its contexts can be chosen.  NULL with an error set, also where the
 * server does not answer within a minute.
 */
struct nbd_handle *connection_start (const char *uri);

/* Finish negotiating: use EXPORT_NAME.  On failure the connection goes on
 * negotiating.
 */
int connection_go (struct nbd_handle *nbd, const char *uri,
                   const char *export_name);

/* Record that the server has refused EXPORT_NAME, from libnbd's last error. */
void connection_set_export_error (struct nbd_handle *nbd, const char *uri,
                                  const char *export_name);

#endif /* PULLBACK_CONNECTION_H */
