/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* identity.c: who a client is. */

#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "identity.h"
#include "pullback.h"

static int
fail (const char *what)
{
  pb_set_error (errno, "%s: %s", what, strerror (errno));
  return -1;
}

/* SO_PEERCRED: what the kernel saw when the client connected. */
static int
init_unix (struct identity *identity, int fd)
{
  struct ucred peer;
  socklen_t length = sizeof peer;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == -1)
    return fail ("getsockopt SO_PEERCRED");
  identity->is_unix = true;
  identity->uid = peer.uid;
  snprintf (identity->text, sizeof identity->text, "unix uid %ju pid %jd",
            (uintmax_t) peer.uid, (intmax_t) peer.pid);
  return 0;
}

static int
init_tcp (struct identity *identity, int fd)
{
  socklen_t length = sizeof identity->address;
  char host[64], port[16];

  if (getpeername (fd, (struct sockaddr *) &identity->address, &length) == -1)
    return fail ("getpeername");
  if (getnameinfo ((struct sockaddr *) &identity->address, length, host,
                   sizeof host, port, sizeof port,
                   NI_NUMERICHOST | NI_NUMERICSERV)
      != 0) {
    pb_set_error (EIO, "getnameinfo: the client's address is of no known kind");
    return -1;
  }
  snprintf (identity->text, sizeof identity->text,
            strchr (host, ':') ? "[%s]:%s" : "%s:%s", host, port);
  return 0;
}

size_t
identity_address (const struct identity *identity, const unsigned char **bytes)
{
  static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
  const struct sockaddr_storage *address = &identity->address;

  if (identity->is_unix)
    return 0;
  if (address->ss_family == AF_INET) {
    *bytes = (const unsigned char *) &((const struct sockaddr_in *) address)
               ->sin_addr;
    return 4;
  }
  if (address->ss_family != AF_INET6)
    return 0;
  *bytes = ((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr;
  if (memcmp (*bytes, mapped, sizeof mapped) != 0)
    return 16;
  *bytes += sizeof mapped;
  return 4;
}

bool
identity_same_origin (const struct identity *a, const struct identity *b)
{
  const unsigned char *bytes_a = NULL, *bytes_b = NULL;
  size_t size = identity_address (a, &bytes_a);

  if (a->is_unix || b->is_unix)
    return a->is_unix && b->is_unix && a->uid == b->uid;
  if (identity_address (b, &bytes_b) != size || size == 0)
    return false;
  return memcmp (bytes_a, bytes_b, size == 16 ? 8 : size) == 0;
}

int
identity_init (struct identity *identity, int fd)
{
  struct sockaddr_storage own;
  socklen_t length = sizeof own;

  *identity = (struct identity) { .is_unix = false };
  if (getsockname (fd, (struct sockaddr *) &own, &length) == -1)
    return fail ("getsockname");
  return own.ss_family == AF_UNIX ? init_unix (identity, fd)
                                  : init_tcp (identity, fd);
}
