/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport-tls.c: a transport with TLS around another one. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pullback.h"
#include "round.h"
#include "tls-internal.h"

/* What TLS puts into one record. */
#define RECORD_MAX 16384

/* For the goodbye to a client that perhaps does not listen any more. */
#define BYE_TIMEOUT_MS 1000

struct tls_transport {
  struct transport transport; /* must be first */
  struct transport *plain;
  gnutls_session_t session;

  /* gnutls only knows that its transport has failed; the error that is set by
   * that thread says how.  One for each direction, which are different
   * threads'.
   */
  bool receiving_failed, sending_failed;

  /* The start of a message that is to be followed by more. */
  size_t nr_kept;
  unsigned char kept[RECORD_MAX];
};

/* gnutls's own reason, or that of the socket. */
static void
set_tls_error (bool socket_failed, const char *what, int r)
{
  if (!socket_failed)
    pb_set_error (EPROTO, "TLS: %s: %s", what, gnutls_strerror (r));
}

static ssize_t
pull (gnutls_transport_ptr_t opaque, void *buffer, size_t count)
{
  struct tls_transport *tls = opaque;
  ssize_t r = tls->plain->ops->receive (tls->plain, buffer, count);

  if (r == -1) {
    tls->receiving_failed = true;
    gnutls_transport_set_errno (tls->session, EIO);
  }
  return r;
}

static ssize_t
push (gnutls_transport_ptr_t opaque, const giovec_t *iov, int nr_iov)
{
  struct tls_transport *tls = opaque;
  struct iovec copy[16];
  ssize_t count = 0;

  /* A part is enough; gnutls gives the rest again. */
  if (nr_iov > 16)
    nr_iov = 16;
  for (int i = 0; i < nr_iov; i++) {
    copy[i] = (struct iovec) { iov[i].iov_base, iov[i].iov_len };
    count += iov[i].iov_len;
  }
  if (tls->plain->ops->send (tls->plain, copy, nr_iov, false) == -1) {
    tls->sending_failed = true;
    gnutls_transport_set_errno (tls->session, EIO);
    return -1;
  }
  return count;
}

static ssize_t
tls_receive (struct transport *transport, void *buffer, size_t count)
{
  struct tls_transport *tls = (struct tls_transport *) transport;
  ssize_t r;

  do
    r = gnutls_record_recv (tls->session, buffer, count);
  while (r == GNUTLS_E_INTERRUPTED || r == GNUTLS_E_AGAIN);
  /* A client that closes without goodbye has nothing more to say: a request
   * that was cut is not taken for a whole one.
   */
  if (r == GNUTLS_E_PREMATURE_TERMINATION && !tls->receiving_failed)
    return 0;
  if (r < 0) {
    set_tls_error (tls->receiving_failed, "receive", r);
    return -1;
  }
  return r;
}

static int
send_record (struct tls_transport *tls, const unsigned char *bytes,
             size_t count)
{
  while (count > 0) {
    ssize_t r = gnutls_record_send (tls->session, bytes, count);

    if (r >= 0) {
      bytes += r;
      count -= r;
    }
    else if (r != GNUTLS_E_INTERRUPTED && r != GNUTLS_E_AGAIN) {
      set_tls_error (tls->sending_failed, "send", r);
      return -1;
    }
  }
  return 0;
}

/* Short pieces, which headers are, go into one record with what follows them;
 * the rest is not copied.
 */
static int
tls_send (struct transport *transport, struct iovec *iov, int nr_iov,
          bool more)
{
  struct tls_transport *tls = (struct tls_transport *) transport;

  for (int i = 0; i < nr_iov; i++) {
    const unsigned char *bytes = iov[i].iov_base;
    size_t count = iov[i].iov_len;
    bool is_last = i + 1 == nr_iov && !more;

    if (count == 0)
      continue;
    if (tls->nr_kept > 0 || (count < sizeof tls->kept && !is_last)) {
      size_t n = min_u64 (count, sizeof tls->kept - tls->nr_kept);

      memcpy (tls->kept + tls->nr_kept, bytes, n);
      tls->nr_kept += n;
      bytes += n;
      count -= n;
      if (tls->nr_kept == sizeof tls->kept || is_last) {
        if (send_record (tls, tls->kept, tls->nr_kept) == -1)
          return -1;
        tls->nr_kept = 0;
      }
    }
    if (send_record (tls, bytes, count) == -1)
      return -1;
  }
  if (!more && tls->nr_kept > 0) { /* the last piece was empty */
    if (send_record (tls, tls->kept, tls->nr_kept) == -1)
      return -1;
    tls->nr_kept = 0;
  }
  return 0;
}

static void
tls_set_deadline (struct transport *transport, uint64_t deadline)
{
  transport_set_deadline (((struct tls_transport *) transport)->plain,
                          deadline);
}

static void
tls_free (struct transport *transport)
{
  struct tls_transport *tls = (struct tls_transport *) transport;

  if (tls->session) {
    transport_set_deadline (tls->plain, clock_ms () + BYE_TIMEOUT_MS);
    if (!tls->sending_failed && !tls->receiving_failed)
      gnutls_bye (tls->session, GNUTLS_SHUT_WR); /* who has gone needs none */
    gnutls_deinit (tls->session);
  }
  transport_free (tls->plain);
  free (tls);
}

static const struct transport_ops tls_ops = {
  .receive = tls_receive,
  .send = tls_send,
  .set_deadline = tls_set_deadline,
  .free = tls_free,
};

static int
start_session (struct tls_transport *tls,
               const struct tls_credentials *credentials)
{
  int r = gnutls_init (&tls->session, GNUTLS_SERVER | GNUTLS_NO_TICKETS);

  if (r < 0)
    return r;
  r = gnutls_priority_set (tls->session, credentials->priority);
  if (r >= 0 && credentials->certificates)
    r = gnutls_credentials_set (tls->session, GNUTLS_CRD_CERTIFICATE,
                                credentials->certificates);
  if (r >= 0 && credentials->psk)
    r = gnutls_credentials_set (tls->session, GNUTLS_CRD_PSK,
                                credentials->psk);
  if (r < 0)
    return r;
  gnutls_certificate_server_set_request (
    tls->session,
    credentials->verify_peer ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
  gnutls_transport_set_ptr (tls->session, tls);
  gnutls_transport_set_pull_function (tls->session, pull);
  gnutls_transport_set_vec_push_function (tls->session, push);
  /* The deadline below ends what takes too long. */
  gnutls_handshake_set_timeout (tls->session, 0);
  return 0;
}

struct transport *
transport_tls_new (struct transport *plain,
                   const struct tls_credentials *credentials,
                   struct identity *identity)
{
  struct tls_transport *tls = calloc (1, sizeof *tls);
  int r;

  if (tls == NULL) {
    pb_set_error (errno, "TLS: %s", strerror (errno));
    transport_free (plain);
    return NULL;
  }
  tls->transport.ops = &tls_ops;
  tls->transport.fd = plain->fd;
  tls->plain = plain;
  r = start_session (tls, credentials);
  if (r >= 0)
    do
      r = gnutls_handshake (tls->session);
    while (r < 0 && !gnutls_error_is_fatal (r));
  if (r < 0) {
    set_tls_error (tls->receiving_failed || tls->sending_failed, "handshake",
                   r);
    tls->sending_failed = true; /* there is nothing to say goodbye to */
    tls_free (&tls->transport);
    return NULL;
  }
  if (tls_identify (tls->session, credentials, identity) == -1) {
    tls_free (&tls->transport);
    return NULL;
  }
  return &tls->transport;
}
