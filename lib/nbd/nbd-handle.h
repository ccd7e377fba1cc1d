/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-handle.h: small things that every user of a libnbd handle needs. */

#ifndef PULLBACK_NBD_HANDLE_H
#define PULLBACK_NBD_HANDLE_H

#include <libnbd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Record libnbd's last error of this thread: "FORMAT...: libnbd's text". */
void set_nbd_error (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));

/* As set_nbd_error (), for a command that NBD did not take: where that is so
 * because the connection has ended, that is the cause given.
 */
void set_command_error (struct nbd_handle *nbd, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

/* What an error says when the connection has ended. */
#define NBD_GONE "the server has closed the connection"

/* Has the connection ended? */
bool nbd_is_gone (struct nbd_handle *nbd);

/* Wait until NBD can go on, WAKE_FD (an eventfd, which is then reset) is
 * written to, or TIMEOUT_MS have passed (-1: never), and let NBD go on.  NBD
 * may be NULL, or gone: then only WAKE_FD is waited for.  Returns 0, also when
 * the connection has just ended, or -1 with an error set.
 *
 * The handle is not locked while this waits, so that another thread can issue
 * a command on it; that thread must write to WAKE_FD afterwards, since the
 * command may have changed what there is to wait for.
 */
int nbd_wait (struct nbd_handle *nbd, int wake_fd, int timeout_ms);

/* What the callback of a command's completion returns, which is 0: the command
 * stays until nbd_retire ().  One that fails while it is issued completes before
 * that is over, and libnbd (1.14) then looks at it once more, for its cookie.
 */
#define NBD_NOT_YET_RETIRED 0

/* Be done with a command that has completed; COOKIE is what issuing it has
 * returned.
 */
void nbd_retire (struct nbd_handle *nbd, int64_t cookie);

/* Say goodbye to the server, also in the middle of negotiating, and read what
 * it still sends until it closes the connection, or until DEADLINE (of
 * monotonic_ns ()).  nbdkit before 1.33.10 aborts, and takes all of its other
 * clients with it, where a client vanishes with replies under way.  Callbacks
 * of commands in flight are called.
 */
void nbd_leave (struct nbd_handle *nbd, uint64_t deadline);

/* Write to an eventfd. */
void wake (int wake_fd);

/* TEXT, which a server has sent, fit for a terminal: everything but printable
 * ASCII is shown as '?', and what is longer than SIZE - 1 is cut.  Returns
 * BUFFER.
 */
const char *printable (const char *text, char *buffer, size_t size);

#endif /* PULLBACK_NBD_HANDLE_H */
