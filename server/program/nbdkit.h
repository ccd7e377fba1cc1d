/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbdkit.h: an nbdkit of our own, behind a socket that nobody else can reach.
 *
 * We make the socket and hand it over, as systemd does with sockets (nbdkit(1),
 * "SOCKET ACTIVATION"): so there is no moment in which it is not there yet, and
 * none in which another program could take its place.  nbdkit ends when we do,
 * however that comes about.
 */

#ifndef PULLBACK_NBDKIT_H
#define PULLBACK_NBDKIT_H

#include <stdbool.h>
#include <sys/types.h>

struct nbdkit {
  pid_t pid;    /* 0: not started, or ended */
  char *folder; /* NULL: not started */
  char *socket;
  char *uri;    /* of its default export */
};

/* Start nbdkit with ARGUMENTS, a list that is ended by NULL.  It may find them
 * wrong and end at once, which connecting to it then shows.  nbdkit_stop () is
 * needed in any case.  Until the program takes SIGHUP, SIGINT and SIGTERM in
 * order they have handlers that remove the socket; so NBDKIT must stay.
 */
int nbdkit_start (struct nbdkit *nbdkit, char *const *arguments);

/* Has it ended, or does it within TIMEOUT_MS?  Then the error that is set says
 * how; that is told once.
 */
bool nbdkit_has_ended (struct nbdkit *nbdkit, unsigned timeout_ms);

/* End it, when nobody is connected any more, and remove its socket. */
void nbdkit_stop (struct nbdkit *nbdkit);

#endif /* PULLBACK_NBDKIT_H */
