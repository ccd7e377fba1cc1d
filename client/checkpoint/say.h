/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* say.h: what backup-checkpoint tells people. */

#ifndef PULLBACK_CHECKPOINT_SAY_H
#define PULLBACK_CHECKPOINT_SAY_H

#include <stdio.h>

#include "command.h"

#define SAY_FORMAT(format, first)                                             \
  __attribute__ ((__format__ (__printf__, format, first)))

/* A line on standard output that says what has been done; --quiet mutes it. */
void say (const struct arguments *arguments, const char *format, ...)
  SAY_FORMAT (2, 3);

/* A line on standard error. */
void say_error (const char *format, ...) SAY_FORMAT (1, 2);

/* The library's last error, by itself or after "WHAT: ".  Returns
 * EXIT_CODE_FAILED.
 */
enum exit_code failed (void);
enum exit_code failed_to (const char *what, ...) SAY_FORMAT (1, 2);

/* The command line is wrong; COMMAND may be NULL.  Returns EXIT_CODE_USAGE. */
enum exit_code wrong (const struct command *command, const char *format, ...)
  SAY_FORMAT (2, 3);

/* TEXT fit for a terminal and for one line: a line break is a space, and each
 * other control character a '?'.  Names of files may have any of them.
 */
void print_clean (FILE *file, const char *text);

#endif /* PULLBACK_CHECKPOINT_SAY_H */
