/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* line-error.h: what is wrong in a line of a file that the operator wrote. */

#ifndef PULLBACK_LINE_ERROR_H
#define PULLBACK_LINE_ERROR_H

/* What is being read, and where. */
struct line_place {
  const char *file;
  unsigned line;
};

/* Record "FILE: line N: " and the message; returns -1. */
int line_error (const struct line_place *place, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

#endif /* PULLBACK_LINE_ERROR_H */
