/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-channel.h: a session of gnutls over a transport, in which gnutls never
 * waits.
 *
 * A session of TLS 1.3 changes its keys now and then: where the peer asks for
 * it, and after 2^24 records by itself.  gnutls does not survive that while
 * another thread is inside it, as one that receives would always be.  So what
 * it takes and gives lies in memory here, a lock is around every use of it, and
 * whoever calls fetches and brings the bytes with the lock released.
 *
 * One thread may receive while another one writes and flushes; no more than one
 * each.  Neither ever waits for what the other one waits for: gnutls answers a
 * peer that asks for new keys before the next record that is written, not from
 * within receiving.
 */

#ifndef PULLBACK_TLS_CHANNEL_H
#define PULLBACK_TLS_CHANNEL_H

#include "tls-internal.h"

/* What TLS puts into one record. */
#define TLS_RECORD_MAX 16384

struct tls_channel;

/* A session of a server over PLAIN, which must outlive it. */
struct tls_channel *tls_channel_new (struct transport *plain,
                                     const struct tls_credentials *credentials);

/* By the only thread that uses CHANNEL, before anything else.  A client that
 * makes it fail is told why.
 */
int tls_channel_handshake (struct tls_channel *channel);

/* The session, for the only thread that uses CHANNEL. */
gnutls_session_t tls_channel_session (struct tls_channel *channel);

/* As a transport receives.  A client that closes without goodbye has nothing
 * more to say either: a request that was cut is not taken for a whole one.
 */
ssize_t tls_channel_receive (struct tls_channel *channel, void *buffer,
                             size_t count);

/* Put all of COUNT bytes into records, which perhaps are not sent before they
 * are flushed.
 */
int tls_channel_write (struct tls_channel *channel, const void *buffer,
                       size_t count);

/* Send what there is to send. */
int tls_channel_flush (struct tls_channel *channel);

/* For the only thread that uses CHANNEL, which can only be freed after it: tell
 * the client why it is refused, and wait until it has read that, for a second
 * at most.  The error stays as it is.
 */
void tls_channel_refuse (struct tls_channel *channel,
                         gnutls_alert_description_t alert);

/* Say goodbye, where that can be heard.  NULL does nothing. */
void tls_channel_free (struct tls_channel *channel);

#endif /* PULLBACK_TLS_CHANNEL_H */
