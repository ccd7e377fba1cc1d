/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* identity.h: who a client is, as far as can be known of it. */

#ifndef PULLBACK_IDENTITY_H
#define PULLBACK_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

#define IDENTITY_NAME_MAX 512
#define IDENTITY_TEXT_MAX 768

enum identity_tls {
  IDENTITY_NO_TLS = 0,
  IDENTITY_TLS_UNKNOWN, /* with TLS, but who it is was not asked */
  IDENTITY_PSK,         /* has the key of the user tls_name */
  IDENTITY_CERTIFICATE  /* has a verified certificate for tls_name */
};

struct identity {
  bool is_unix;                    /* else TCP */
  uid_t uid;                       /* unix: of the process that connected */
  struct sockaddr_storage address; /* TCP: where it connected from */
  enum identity_tls tls;
  char tls_name[IDENTITY_NAME_MAX]; /* user, or DN as RFC 4514 writes it */
  char text[IDENTITY_TEXT_MAX];    /* for the log: "unix uid 0 pid 17" */
};

/* The bytes of the client's address, those of IPv4 also where it comes by an
 * IPv6 socket.  Returns their number, 0 for a unix socket.
 */
size_t identity_address (const struct identity *identity,
                         const unsigned char **bytes);

/* Do both come from one user of this machine, one IPv4 address, or one IPv6
 * network (64 bits), within which a machine takes any addresses that it likes?
 */
bool identity_same_origin (const struct identity *a, const struct identity *b);

/* Find out who is at the other end of the connected socket FD. */
int identity_init (struct identity *identity, int fd);

#endif /* PULLBACK_IDENTITY_H */
