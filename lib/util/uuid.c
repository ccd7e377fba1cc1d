/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uuid.c: the identity of a domain. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "uuid.h"

#define NR_DIGITS   32
#define TEXT_LENGTH 36

static int
malformed (const char *text)
{
  pb_set_error (EINVAL, "malformed uuid '%s'", text);
  return -1;
}

/* A dash may stand before any digit but the first, as libvirt has it, and
 * white space around all of them.
 */
static int
read_digits (const char *text, char *digits)
{
  static const char hexadecimal[] = "0123456789abcdefABCDEF";
  static const char blank[] = " \t\r\n";
  const char *p = text + strspn (text, blank);

  for (size_t i = 0; i < NR_DIGITS; i++) {
    if (i > 0 && *p == '-')
      p++;
    if (*p == '\0' || strchr (hexadecimal, *p) == NULL)
      return malformed (text);
    digits[i] = *p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p;
    p++;
  }
  return p[strspn (p, blank)] == '\0' ? 0 : malformed (text);
}

char *
uuid_normalize (const char *text)
{
  char digits[NR_DIGITS];
  char *normal, *p;

  if (read_digits (text, digits) == -1)
    return NULL;
  p = normal = malloc (TEXT_LENGTH + 1);
  if (normal == NULL) {
    set_error_errno ("uuid");
    return NULL;
  }
  for (size_t i = 0; i < NR_DIGITS; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20)
      *p++ = '-';
    *p++ = digits[i];
  }
  *p = '\0';
  return normal;
}
