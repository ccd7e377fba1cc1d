/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport-tls.c: a transport with TLS around another one. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pullback.h"
#include "round.h"
#include "tls-channel.h"

struct tls_transport {
  struct transport transport; /* must be first */
  struct transport *plain;
  struct tls_channel *channel;

  /* The start of a message that is to be followed by more. */
  size_t nr_kept;
  unsigned char kept[TLS_RECORD_MAX];
};

static ssize_t
tls_receive (struct transport *transport, void *buffer, size_t count)
{
  return tls_channel_receive (((struct tls_transport *) transport)->channel,
                              buffer, count);
}

static int
write_kept (struct tls_transport *tls)
{
  size_t count = tls->nr_kept;

  tls->nr_kept = 0;
  return tls_channel_write (tls->channel, tls->kept, count);
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
      if ((tls->nr_kept == sizeof tls->kept || is_last)
          && write_kept (tls) == -1)
        return -1;
    }
    if (tls_channel_write (tls->channel, bytes, count) == -1)
      return -1;
  }
  /* Kept is still something where the last piece was empty. */
  if (!more && write_kept (tls) == -1)
    return -1;
  return tls_channel_flush (tls->channel);
}

static void
tls_set_deadline (struct transport *transport, uint64_t deadline)
{
  transport_set_deadline (((struct tls_transport *) transport)->plain,
                          deadline);
}

static void
tls_linger (struct transport *transport)
{
  struct transport *plain = ((struct tls_transport *) transport)->plain;

  if (plain->ops->linger)
    plain->ops->linger (plain);
}

static void
tls_free (struct transport *transport)
{
  struct tls_transport *tls = (struct tls_transport *) transport;

  tls_channel_free (tls->channel);
  transport_free (tls->plain);
  free (tls);
}

static const struct transport_ops tls_ops = {
  .receive = tls_receive,
  .send = tls_send,
  .set_deadline = tls_set_deadline,
  .linger = tls_linger,
  .free = tls_free,
};

struct transport *
transport_tls_new (struct transport *plain,
                   const struct tls_credentials *credentials,
                   struct identity *identity)
{
  struct tls_transport *tls = calloc (1, sizeof *tls);
  gnutls_alert_description_t alert;

  if (tls == NULL) {
    pb_set_error (errno, "TLS: %s", strerror (errno));
    return NULL;
  }
  tls->transport.ops = &tls_ops;
  tls->transport.fd = plain->fd;
  tls->plain = plain;
  tls->channel = tls_channel_new (plain, credentials);
  if (tls->channel == NULL || tls_channel_handshake (tls->channel) == -1)
    goto error;
  if (tls_identify (tls_channel_session (tls->channel), credentials, identity,
                    &alert)
      == -1) {
    tls_channel_refuse (tls->channel, alert);
    goto error;
  }
  return &tls->transport;

error:
  tls_channel_free (tls->channel);
  free (tls);
  return NULL;
}
