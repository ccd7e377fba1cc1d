/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upstream.h: one connection to another NBD server, for many threads at once.
 *
 * It has no thread of its own.  Of those that wait for an answer one drives the
 * connection for all of them, and hands that over to another when its own
 * answer is there.  So a single reader waits for nothing but the server, and a
 * program that forks or gives up privileges has no threads it does not know of.
 */

#ifndef PULLBACK_UPSTREAM_H
#define PULLBACK_UPSTREAM_H

#include <libnbd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nbd-reply.h"

struct upstream;

/* NBD, which is ready for commands, is owned from here on, also when this
 * fails.  NAME, for messages, must outlive it.
 */
struct upstream *upstream_new (struct nbd_handle *nbd, const char *name);

/* Say goodbye and close.  Nobody may be waiting. */
void upstream_free (struct upstream *upstream);

/* Has the server ended the connection, as far as that was noticed? */
bool upstream_is_gone (const struct upstream *upstream);

/* Does the server of UPSTREAM, which has just been asked something, also answer
 * over NBD?  As far as can be told: of a unix socket the process that listens
 * is known.
 */
bool upstream_has_peer (const struct upstream *upstream,
                        struct nbd_handle *nbd);

/* Read exactly COUNT bytes, in one request. */
int upstream_read (struct upstream *upstream, void *buffer, size_t count,
                   uint64_t offset);

/* Ask for what REPLY was started for, and let it take that in.  It still is to
 * be completed.
 */
int upstream_block_status (struct upstream *upstream, struct nbd_reply *reply);

#endif /* PULLBACK_UPSTREAM_H */
