/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* connection.h: one client, from its first byte to its last.
 *
 * A connection is first in the handshake (handshake.h), one thread, then in
 * transmission (transmission.h), several threads.
 */

#ifndef PULLBACK_CONNECTION_H
#define PULLBACK_CONNECTION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exports.h"
#include "identity.h"
#include "input.h"
#include "reply.h"
#include "server.h"
#include "transport.h"

/* Of the answers to block status requests that a connection has at a time one
 * may be long: what becomes of it.
 */
struct long_answer {
  pthread_mutex_t lock;
  pthread_cond_t change;
  enum {
    LONG_ANSWER_NONE,
    LONG_ANSWER_IS_MADE,
    LONG_ANSWER_IS_SENT /* so the client may ask again before it is over */
  } state;
};

struct connection {
  const struct server_config *config;
  struct policy *policy; /* that the client has come under */
  struct identity identity;
  struct identity origin; /* as it was before TLS; does not change */
  uint64_t number; /* among all since the start, for the log */
  int fd; /* its socket, which the transport owns */
  struct transport *transport;
  struct input input;
  atomic_bool is_served; /* its handshake is over, but for the last answer */
  atomic_bool is_draining; /* no more requests are taken */
  atomic_uint nr_logged; /* by connection_log (), with what was left out */

  /* What has been negotiated. */
  bool is_fixed;   /* the client knows fixed newstyle */
  bool no_zeroes;
  enum reply_style style;
  char *context_export; /* the name that SET_META_CONTEXT was given, or NULL */
  uint32_t *contexts;   /* what it has selected: places in the export's list.
                         * The number of each on the wire is its place here,
                         * which tells nothing of what others may have */
  size_t nr_contexts;
  const struct export *export; /* that is to be served, when it is known */
  bool may_read;               /* its bytes, not only its maps */

  struct long_answer long_answer;

  /* Neighbours in the server's list. */
  struct connection *previous, *next;
};

/* A connection over the socket FD, which it owns from here on, also when this
 * fails.  POLICY gets a reference.
 */
struct connection *connection_new (const struct server_config *config,
                                   struct policy *policy, int fd,
                                   const struct identity *identity,
                                   uint64_t number);

/* Serve it until it ends, and log how. */
void connection_run (struct connection *connection);

/* Let it answer what it has taken, and end.  Safe from any thread. */
void connection_drain (struct connection *connection);

/* End it at once.  Safe from any thread. */
void connection_cut (struct connection *connection);

void connection_free (struct connection *connection);

/* A line in the log, that names the client, about something that it can bring
 * about as often as it likes.  CONNECTION_LOG_MAX of a connection are written;
 * how many more there were is said when it ends.  Safe from any thread.
 */
#define CONNECTION_LOG_MAX 16
void connection_log (struct connection *connection, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

/* So that it was refused something, because of WHY; with the export that it is
 * served, if it is.
 */
void connection_log_refusal (struct connection *connection, const char *why);

/* Forget which metadata contexts the client has selected. */
void connection_forget_contexts (struct connection *connection);

#endif /* PULLBACK_CONNECTION_H */
