/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* child.h: the command of --run. */

#ifndef PULLBACK_CHILD_H
#define PULLBACK_CHILD_H

#include <sys/types.h>

#include "listen.h"

/* Start COMMAND in a shell, with $uri, and $unixsocket or $port, in its
 * environment.  There must be only one thread.
 */
int child_start (const char *command, const struct listener *listener,
                 pid_t *pid);

/* Has the child ended?  Then *STATUS is its exit status, or 128 + N where
 * signal N has ended it.
 */
int child_has_ended (pid_t pid, int *status);

#endif /* PULLBACK_CHILD_H */
