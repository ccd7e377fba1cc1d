/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* line-file.h: a small file of lines that the operator wrote. */

#ifndef PULLBACK_LINE_FILE_H
#define PULLBACK_LINE_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* No file has a use for more, and a wrong name may be that of a disk. */
#define LINE_FILE_MAX ((size_t) 1 << 20)

struct line_file {
  const char *name; /* the caller's, for messages */
  unsigned line;    /* the number of the line that was taken last, from 1 on */
  char *text;       /* LINE_FILE_MAX + 1 bytes */
  size_t size, taken;
};

/* Read all of the file NAME.  Where this fails there is nothing to close. */
int line_file_open (struct line_file *file, const char *name);

/* Take the next line: its LENGTH bytes, which are FILE's and may be changed,
 * and a NUL in the place of its end.  Returns whether there was one.
 */
bool line_file_next (struct line_file *file, char **line, size_t *length);

/* Record "NAME: line N: " and the message; returns -1. */
int line_error (const struct line_file *file, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

/* What was read, which may be a secret, does not stay in memory. */
void line_file_close (struct line_file *file);

#endif /* PULLBACK_LINE_FILE_H */
