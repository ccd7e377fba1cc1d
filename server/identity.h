/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* identity.h: who a client is, as far as can be known of it. */

#ifndef PULLBACK_IDENTITY_H
#define PULLBACK_IDENTITY_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

#define IDENTITY_TEXT_MAX 192

struct identity {
  bool is_unix;                    /* else TCP */
  uid_t uid;                       /* unix: of the process that connected */
  struct sockaddr_storage address; /* TCP: where it connected from */
  char text[IDENTITY_TEXT_MAX];    /* for the log: "unix uid 0 pid 17" */
};

/* Find out who is at the other end of the connected socket FD. */
int identity_init (struct identity *identity, int fd);

#endif /* PULLBACK_IDENTITY_H */
