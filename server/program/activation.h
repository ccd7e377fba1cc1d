/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* activation.h: being started by systemd, or by whoever does as it does
 * (sd_listen_fds(3), sd_notify(3)).
 */

#ifndef PULLBACK_ACTIVATION_H
#define PULLBACK_ACTIVATION_H

#include "listen.h"

/* Where such sockets start: SD_LISTEN_FDS_START. */
#define ACTIVATION_FIRST_FD 3

/* Add the sockets that this process was started with, if any, and take what
 * says so out of the environment.
 */
int activation_take (struct listeners *listeners);

/* Tell who has started this process that clients can connect, or that it is
 * ending; where nobody wants to know nothing happens.
 */
void activation_notify_ready (void);
void activation_notify_stopping (void);

#endif /* PULLBACK_ACTIVATION_H */
