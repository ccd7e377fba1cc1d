/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unix-socket.h: making a unix socket that listens, and a place for it. */

#ifndef PULLBACK_UNIX_SOCKET_H
#define PULLBACK_UNIX_SOCKET_H

#include <stdbool.h>

/* A new folder that only this user can enter, under $XDG_RUNTIME_DIR, $TMPDIR
 * or /tmp; NULL with an error set.  The name is freed by the caller.
 */
char *unix_socket_folder (void);

/* Listen at PATH, where a socket that nobody listens on any more is
 * replaced.  Only this user can connect, unless it is FOR_ALL.  Returns the
 * socket, which is closed on exec, or -1 with an error set.
 */
int unix_socket_listen (const char *path, bool for_all);

/* The URI of the default export at PATH, one by which clients use TLS if
 * HAS_TLS; freed by the caller.
 */
char *unix_socket_uri (const char *path, bool has_tls);

#endif /* PULLBACK_UNIX_SOCKET_H */
