/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listen.h: the sockets that clients connect to. */

#ifndef PULLBACK_LISTEN_H
#define PULLBACK_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct listener {
  int fd;
  char *uri;    /* of the default export, for clients on this host; or NULL */
  char *path;   /* of a unix socket, else NULL */
  char *folder; /* a private one that was made for it, or NULL */
  bool is_ours; /* the path, which is removed at the end, as the folder is */
  dev_t device; /* which file that is, while it is ours */
  ino_t inode;
  int port;     /* of TCP, else 0 */
};

struct listeners {
  size_t count;
  struct listener *list;
};

/* Listen on "unix:PATH", or on "tcp:HOST[:PORT]" at every address that HOST
 * has; an IPv6 address is written in brackets, an empty HOST means all of this
 * machine's, PORT 0 any that is free.  A unix socket that nobody listens on
 * any more is replaced; only this user can connect to one, unless it is for
 * all.
 */
int listeners_add (struct listeners *listeners, const char *address,
                   bool for_all);

/* Listen on a unix socket in a new folder that only this user can enter. */
int listeners_add_private (struct listeners *listeners);

/* Take over FD, a socket that somebody else has made listen and will remove. */
int listeners_add_open (struct listeners *listeners, int fd);

/* Give all of them their URIs, which say so where clients must use TLS. */
int listeners_set_uris (struct listeners *listeners, bool unix_has_tls,
                        bool tcp_has_tls);

/* Are there sockets that do not say which user a client is? */
bool listeners_have_tcp (const struct listeners *listeners);

/* No more clients come in; sockets and folders are removed, but for a socket
 * that somebody else has put in the place of ours.
 */
void listeners_close (struct listeners *listeners);

#endif /* PULLBACK_LISTEN_H */
