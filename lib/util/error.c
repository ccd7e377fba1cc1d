/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* error.c: the thread's last error. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/* Messages hold at most two path names and some words.  A fixed size makes
 * recording an error something that cannot fail, also when memory is short.
 */
#define ERROR_MAX 8192

static _Thread_local char last_message[ERROR_MAX] = "no error";
static _Thread_local int last_errno;

/* Messages quote names that come from images and servers, and end up on
 * terminals and in logs: no name may drive the one or break the lines of the
 * other.
 */
static void
make_printable (char *text)
{
  for (; *text; text++)
    if ((unsigned char) *text < ' ' || *text == '\x7f')
      *text = '?';
}

/* FORMAT's arguments may point into last_message, so the text is made beside
 * it first.
 */
__attribute__ ((__format__ (__printf__, 3, 0))) static void
record (int errnum, const char *cause, const char *format, va_list args)
{
  char text[ERROR_MAX];
  int n = vsnprintf (text, sizeof text, format, args);

  if (n < 0)
    n = 0;
  else if ((size_t) n >= sizeof text)
    n = sizeof text - 1;
  if (cause)
    snprintf (text + n, sizeof text - n, ": %s", cause);
  make_printable (text);
  memcpy (last_message, text, sizeof text);
  last_errno = errnum;
}

const char *
pb_get_error (void)
{
  return last_message;
}

int
pb_get_errno (void)
{
  return last_errno;
}

void
pb_set_error (int errnum, const char *format, ...)
{
  va_list args;

  assert (errnum != 0);
  va_start (args, format);
  record (errnum, NULL, format, args);
  va_end (args);
}

void
set_error_errno (const char *format, ...)
{
  int errnum = errno ? errno : EIO;
  /* Not strerror_r (), which takes the C library's lock on locales for a
   * translation: messages are in English.
   */
  const char *cause = strerrordesc_np (errnum);
  va_list args;

  va_start (args, format);
  record (errnum, cause ? cause : "unknown error", format, args);
  va_end (args);
}

void
prefix_error (const char *format, ...)
{
  char cause[ERROR_MAX];
  va_list args;

  memcpy (cause, last_message, sizeof cause);
  va_start (args, format);
  record (last_errno, cause, format, args);
  va_end (args);
}
