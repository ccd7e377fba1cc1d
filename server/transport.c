/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport.c: what all kinds of transport have in common. */

#include "config.h"

#include <sys/socket.h>
#include <time.h>

#include "transport.h"

uint64_t
clock_ms (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now); /* cannot fail with this clock */
  return (uint64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
transport_set_deadline (struct transport *transport, uint64_t deadline)
{
  transport->ops->set_deadline (transport, deadline);
}

void
transport_free (struct transport *transport)
{
  if (transport)
    transport->ops->free (transport);
}

void
transport_cut (struct transport *transport)
{
  /* Fails only where the peer has gone already. */
  shutdown (transport->fd, SHUT_RDWR);
}

int
transport_send (struct transport *transport, const void *buffer, size_t count,
                bool more)
{
  struct iovec iov = { .iov_base = (void *) buffer, .iov_len = count };

  return transport->ops->send (transport, &iov, 1, more);
}
