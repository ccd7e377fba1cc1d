/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.h: the thread's last error, recorded once, where it is detected.
 *
 * A message says what failed, on which object and place, and why:
 * "vda.qcow2: L1 table, entry 3: L2 table offset 0x50200 is not cluster
 * aligned".
 */

#ifndef PULLBACK_ERROR_H
#define PULLBACK_ERROR_H

#include "pullback.h"

/* Control characters in a message are shown as '?'. */

/* Record "MESSAGE: strerror (errno)", and errno as the error's number. */
void set_error_errno (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));

/* Record "PREFIX: " and the error that is already set, keeping its number:
 * for a caller that knows the object when the callee only knew the cause.
 */
void prefix_error (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));

#endif /* PULLBACK_ERROR_H */
