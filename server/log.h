/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log.h: what the server says of its work, a line at a time. */

#ifndef PULLBACK_LOG_H
#define PULLBACK_LOG_H

#include <stdbool.h>

/* Where the lines go: "stderr", "syslog", or the name of a file, to whose end
 * they are added.  Until this is called they go to standard error.
 */
int log_open (const char *destination, bool verbose);

/* Open the file again, after it was renamed for rotation.  Where that fails
 * lines go on to the old one.
 */
int log_reopen (void);

void log_close (void);

/* A line that is always written: what went wrong, and who was refused what.
 * Safe from any thread.  Characters that do something instead of being shown
 * are '?' (log-text.h), so that no name from outside can make up a line of its
 * own.
 *
 * Nobody waits for the log's reader for more than a moment: a line that cannot
 * be written is lost, and the next one that can says how many were.  (syslog(3)
 * has its own ways.)
 */
void log_line (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));

/* A line for those who asked to be told more; and have they? */
bool log_is_verbose (void);
void log_verbose (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));

#endif /* PULLBACK_LOG_H */
