/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* server.h: all connections to the exports, and their limits. */

#ifndef PULLBACK_SERVER_H
#define PULLBACK_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "exports.h"
#include "policy.h"

/* Must stay as it is until server_free (). */
struct server_config {
  const struct exports *exports;
  unsigned max_connections;      /* at once; of those in the handshake see
                                  * server_accept () */
  unsigned handshake_timeout_ms; /* from connecting to transmission */
};

struct server;

/* POLICY holds for clients from now on; the reference is the server's. */
struct server *server_new (const struct server_config *config,
                           struct policy *policy);

/* Another policy for clients that are accepted from now on; this reference is
 * the server's, too.  For the thread that accepts.
 */
void server_set_policy (struct server *server, struct policy *policy);

/* Take a client from the listening socket LISTENER and serve it in threads of
 * its own.  A client that may not connect, or is one too many, is sent away and
 * logged.
 *
 * In their handshake are half of the connections at most, and half of those
 * from one user or address (identity_same_origin ()), where these are not very
 * few.  One more takes the place of the oldest, which is cut, as does one more
 * of all connections: so who connects and says nothing keeps out nobody who is
 * quick.
 *
 * Only for a moment without what it takes to serve one more (memory,
 * descriptors) is it -1.
 */
int server_accept (struct server *server, int listener);

/* Let all connections answer the requests that they have taken, then end; after
 * TIMEOUT_MS they are cut.  Returns 0 when none is left, or -1 where one cannot
 * end, because it waits for a file: then nothing that it uses may be freed.
 */
int server_drain (struct server *server, unsigned timeout_ms);

/* There must be no connections. */
void server_free (struct server *server);

#endif /* PULLBACK_SERVER_H */
