/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* line-error.c: what is wrong in a line of a file that the operator wrote. */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "line-error.h"
#include "pullback.h"

int
line_error (const struct line_place *place, const char *format, ...)
{
  char text[512];
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  pb_set_error (EINVAL, "%s: line %u: %s", place->file, place->line, text);
  return -1;
}
