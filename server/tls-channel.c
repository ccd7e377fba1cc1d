/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-channel.c: a session of gnutls that takes from memory and gives to it. */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cleanup.h"
#include "pullback.h"
#include "round.h"
#include "tls-channel.h"

/* Records are sent when there are so many bytes of them: one call of the
 * system for four full ones.
 */
#define BATCH_SIZE (4 * TLS_RECORD_MAX)

/* For the goodbye to a client that perhaps does not listen any more. */
#define BYE_TIMEOUT_MS 1000

struct bytes {
  unsigned char *data;
  size_t length, capacity;
};

struct tls_channel {
  struct transport *plain;

  pthread_mutex_t lock; /* around every use of the session, and of out */
  gnutls_session_t session;
  struct bytes out; /* what the session has for the peer */

  /* The sender's alone: what is on its way.  Two, so that nothing that gnutls
   * should say meanwhile has to wait.
   */
  struct bytes sending;
  bool sending_failed;

  /* What came from the peer.  The session takes it with the lock held, by the
   * receiver, who gets more of it without when there is no more.
   */
  bool receiving_failed, has_ended;
  size_t start, end;
  unsigned char in[TLS_RECORD_MAX];
};

static int
fail (const char *what, int r)
{
  pb_set_error (EPROTO, "TLS: %s: %s", what, gnutls_strerror (r));
  return -1;
}

static ssize_t
pull (gnutls_transport_ptr_t opaque, void *buffer, size_t count)
{
  struct tls_channel *channel = opaque;
  size_t n = min_u64 (count, channel->end - channel->start);

  if (n == 0 && !channel->has_ended) {
    gnutls_transport_set_errno (channel->session, EAGAIN);
    return -1;
  }
  memcpy (buffer, channel->in + channel->start, n);
  channel->start += n;
  return n;
}

static int
reserve (struct bytes *bytes, size_t count)
{
  size_t capacity = bytes->length + count;
  unsigned char *data;

  if (capacity <= bytes->capacity)
    return 0;
  /* Enough for a batch and the record that makes it one, with what TLS adds. */
  capacity = max_u64 (capacity, BATCH_SIZE + 2 * TLS_RECORD_MAX);
  data = realloc (bytes->data, capacity);
  if (data == NULL)
    return -1;
  bytes->data = data;
  bytes->capacity = capacity;
  return 0;
}

/* All of it is taken, always: gnutls would have to be called again for the rest
 * of a record before anything else is done with the session.
 */
static ssize_t
push (gnutls_transport_ptr_t opaque, const giovec_t *iov, int nr_iov)
{
  struct tls_channel *channel = opaque;
  struct bytes *out = &channel->out;
  size_t count = 0;

  for (int i = 0; i < nr_iov; i++)
    count += iov[i].iov_len;
  if (reserve (out, count) == -1) {
    gnutls_transport_set_errno (channel->session, ENOMEM);
    return -1;
  }
  for (int i = 0; i < nr_iov; i++) {
    memcpy (out->data + out->length, iov[i].iov_base, iov[i].iov_len);
    out->length += iov[i].iov_len;
  }
  return count;
}

static int
start_session (struct tls_channel *channel,
               const struct tls_credentials *credentials)
{
  int r = gnutls_init (&channel->session, GNUTLS_SERVER | GNUTLS_NO_TICKETS);

  if (r < 0)
    return r;
  r = gnutls_priority_set (channel->session, credentials->priority);
  if (r >= 0 && credentials->certificates)
    r = gnutls_credentials_set (channel->session, GNUTLS_CRD_CERTIFICATE,
                                credentials->certificates);
  if (r >= 0 && credentials->psk)
    r = gnutls_credentials_set (channel->session, GNUTLS_CRD_PSK,
                                credentials->psk);
  if (r < 0)
    return r;
  gnutls_certificate_server_set_request (
    channel->session,
    credentials->verify_peer ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
  gnutls_session_set_ptr (channel->session, (void *) credentials);
  gnutls_transport_set_ptr (channel->session, channel);
  gnutls_transport_set_pull_function (channel->session, pull);
  gnutls_transport_set_vec_push_function (channel->session, push);
  /* The transport's deadline ends what takes too long. */
  gnutls_handshake_set_timeout (channel->session, 0);
  return 0;
}

struct tls_channel *
tls_channel_new (struct transport *plain,
                 const struct tls_credentials *credentials)
{
  struct tls_channel *channel = calloc (1, sizeof *channel);
  int r;

  if (channel == NULL) {
    pb_set_error (errno, "TLS: %s", strerror (errno));
    return NULL;
  }
  channel->plain = plain;
  pthread_mutex_init (&channel->lock, NULL); /* cannot fail on Linux */
  r = start_session (channel, credentials);
  if (r < 0) {
    fail ("a new session", r);
    channel->sending_failed = true; /* there is nothing to say goodbye to */
    tls_channel_free (channel);
    return NULL;
  }
  return channel;
}

gnutls_session_t
tls_channel_session (struct tls_channel *channel)
{
  return channel->session;
}

/* Get more from the peer, when all has been taken: wait for it. */
static int
fill (struct tls_channel *channel)
{
  ssize_t r = channel->plain->ops->receive (channel->plain, channel->in,
                                            sizeof channel->in);

  if (r == -1) {
    channel->receiving_failed = true;
    return -1;
  }
  LOCK_CURRENT_SCOPE (&channel->lock);
  channel->start = 0;
  channel->end = r;
  channel->has_ended = r == 0;
  return 0;
}

/* The last that the client is told, an alert, is out, or on its way.  What the
 * client has sent meanwhile must be taken: a TCP socket that is closed over it
 * is reset, and the client would see that instead.
 */
static void
end_after_alert (struct tls_channel *channel)
{
  transport_set_deadline (channel->plain, clock_ms () + BYE_TIMEOUT_MS);
  if (!channel->sending_failed && tls_channel_flush (channel) == 0
      && shutdown (channel->plain->fd, SHUT_WR) == 0)
    while (channel->plain->ops->receive (channel->plain, channel->in,
                                         sizeof channel->in)
           > 0)
      ;
  channel->sending_failed = true; /* there is nothing to say goodbye to */
}

/* R has ended the handshake. */
static void
tell_why (struct tls_channel *channel, int r)
{
  int sent;

  if (r == GNUTLS_E_FATAL_ALERT_RECEIVED
      || r == GNUTLS_E_PREMATURE_TERMINATION)
    return; /* the client knows, or has gone */
  /* "If the client does not send any certificates, the server MAY [...] respond
   * with a fatal handshake_failure alert" (RFC 5246).  gnutls would say that it
   * could not decode something; of TLS 1.3 it knows better.
   */
  if (r == GNUTLS_E_NO_CERTIFICATE_FOUND)
    sent = gnutls_alert_send (channel->session, GNUTLS_AL_FATAL,
                              GNUTLS_A_HANDSHAKE_FAILURE);
  else
    sent = gnutls_alert_send_appropriate (channel->session, r);
  if (sent >= 0)
    end_after_alert (channel);
}

int
tls_channel_handshake (struct tls_channel *channel)
{
  int r;

  while ((r = gnutls_handshake (channel->session)) < 0
         && !gnutls_error_is_fatal (r)) {
    if (tls_channel_flush (channel) == -1)
      return -1;
    if (channel->start == channel->end && fill (channel) == -1)
      return -1;
  }
  if (r >= 0)
    return tls_channel_flush (channel);
  tell_why (channel, r);
  channel->sending_failed = true; /* there is nothing to say goodbye to */
  return fail ("handshake", r);
}

void
tls_channel_refuse (struct tls_channel *channel,
                    gnutls_alert_description_t alert)
{
  int errnum = pb_get_errno ();
  char *CLEANUP_FREE text = strdup (pb_get_error ());

  if (gnutls_alert_send (channel->session, GNUTLS_AL_FATAL, alert) >= 0)
    end_after_alert (channel);
  pb_set_error (errnum, "%s", text ? text : "out of memory");
}

ssize_t
tls_channel_receive (struct tls_channel *channel, void *buffer, size_t count)
{
  ssize_t r;

  for (;;) {
    bool is_empty;

    pthread_mutex_lock (&channel->lock);
    r = gnutls_record_recv (channel->session, buffer, count);
    is_empty = channel->start == channel->end;
    pthread_mutex_unlock (&channel->lock);
    if (r != GNUTLS_E_AGAIN && r != GNUTLS_E_INTERRUPTED)
      break;
    /* Else it was no data but, say, a change of keys. */
    if (is_empty && fill (channel) == -1)
      return -1;
  }
  if (r == GNUTLS_E_PREMATURE_TERMINATION)
    return 0;
  return r < 0 ? fail ("receive", r) : r;
}

int
tls_channel_write (struct tls_channel *channel, const void *buffer,
                   size_t count)
{
  const unsigned char *bytes = buffer;

  while (count > 0) {
    bool is_batch;
    ssize_t r;

    /* Record by record, so that who receives can come between. */
    pthread_mutex_lock (&channel->lock);
    r = gnutls_record_send (channel->session, bytes,
                            min_u64 (count, TLS_RECORD_MAX));
    is_batch = channel->out.length >= BATCH_SIZE;
    pthread_mutex_unlock (&channel->lock);
    if (r < 0) { /* never since it would have to wait */
      channel->sending_failed = true;
      return fail ("send", r);
    }
    bytes += r;
    count -= r;
    if (is_batch && tls_channel_flush (channel) == -1)
      return -1;
  }
  return 0;
}

int
tls_channel_flush (struct tls_channel *channel)
{
  struct bytes bytes;
  struct iovec iov;

  pthread_mutex_lock (&channel->lock);
  bytes = channel->out;
  channel->out = channel->sending;
  pthread_mutex_unlock (&channel->lock);

  iov = (struct iovec) { bytes.data, bytes.length };
  bytes.length = 0;
  channel->sending = bytes;
  if (iov.iov_len == 0
      || channel->plain->ops->send (channel->plain, &iov, 1, false) == 0)
    return 0;
  channel->sending_failed = true;
  return -1;
}

/* Failing does not matter, the client may have gone as well. */
static void
say_goodbye (struct tls_channel *channel)
{
  if (channel->sending_failed || channel->receiving_failed)
    return; /* who has gone needs none */
  transport_set_deadline (channel->plain, clock_ms () + BYE_TIMEOUT_MS);
  gnutls_bye (channel->session, GNUTLS_SHUT_WR);
  tls_channel_flush (channel);
}

void
tls_channel_free (struct tls_channel *channel)
{
  if (channel == NULL)
    return;
  if (channel->session) {
    say_goodbye (channel);
    gnutls_deinit (channel->session);
  }
  pthread_mutex_destroy (&channel->lock);
  free (channel->out.data);
  free (channel->sending.data);
  free (channel);
}
