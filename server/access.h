/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* access.h: who may see what. */

#ifndef PULLBACK_ACCESS_H
#define PULLBACK_ACCESS_H

#include <stdbool.h>

#include "identity.h"

struct access {
  /* Serve whoever can connect, also where nobody knows who that is. */
  bool insecure;
};

/* May this client connect at all?  If not, the error says why.  Without any
 * rule that is whoever runs the server, and root, over a unix socket.
 */
int access_check_client (const struct access *access,
                         const struct identity *identity);

#endif /* PULLBACK_ACCESS_H */
