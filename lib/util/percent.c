/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* percent.c: any string as printable ASCII. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "percent.h"

static const char digits[] = "0123456789ABCDEF";

static bool
is_plain (char c)
{
  return c >= ' ' && c <= '~' && strchr ("%<>&\"'", c) == NULL;
}

char *
percent_encode (const char *text)
{
  char *encoded = calloc (strlen (text) + 1, 3), *p = encoded;

  if (encoded == NULL) {
    set_error_errno ("'%s'", text);
    return NULL;
  }
  for (; *text; text++) {
    if (is_plain (*text))
      *p++ = *text;
    else {
      *p++ = '%';
      *p++ = digits[(unsigned char) *text >> 4];
      *p++ = digits[(unsigned char) *text & 15];
    }
  }
  return encoded;
}

/* The value of a hexadecimal digit, or -1. */
static int
digit_value (char c)
{
  const char *digit = c ? strchr (digits, c) : NULL;

  return digit ? (int) (digit - digits) : -1;
}

char *
percent_decode (const char *what, const char *text)
{
  char *decoded = calloc (strlen (text) + 1, 1), *p = decoded;

  if (decoded == NULL) {
    set_error_errno ("%s", what);
    return NULL;
  }
  for (; *text; text++) {
    int high, low;

    if (*text != '%') {
      *p++ = *text;
      continue;
    }
    high = digit_value (text[1]);
    low = high == -1 ? -1 : digit_value (text[2]);
    if (low == -1 || high * 16 + low == 0) {
      pb_set_error (EINVAL,
                    "%s: '%%' is not followed by the two hexadecimal digits "
                    "of a byte",
                    what);
      free (decoded);
      return NULL;
    }
    *p++ = (char) (high * 16 + low);
    text += 2;
  }
  return decoded;
}
