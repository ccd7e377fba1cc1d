/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml-limits.c: what libxml2 itself does not bound. */

#include "config.h"

#include <string.h>

#include "xml-limits.h"

/* Text that is gone through once, from its start to its end. */
struct scan {
  const char *next;
  const char *end;
  int line; /* of NEXT */
};

static bool
is_at_end (const struct scan *scan)
{
  return scan->next == scan->end;
}

static char
take (struct scan *scan)
{
  char c = *scan->next++;

  scan->line += c == '\n';
  return c;
}

static bool
starts_with (const struct scan *scan, const char *text)
{
  size_t length = strlen (text);

  return length <= (size_t) (scan->end - scan->next)
         && memcmp (scan->next, text, length) == 0;
}

/* Behind the next STOP, or to the end. */
static void
skip_to (struct scan *scan, const char *stop)
{
  while (!is_at_end (scan) && !starts_with (scan, stop))
    take (scan);
  for (size_t i = 0; stop[i] && !is_at_end (scan); i++)
    take (scan);
}

/* From behind a tag's '<' to behind its '>': how many values has it? */
static size_t
count_attributes (struct scan *scan)
{
  size_t count = 0;

  while (!is_at_end (scan)) {
    char c = take (scan);

    if (c == '>')
      break;
    if (c != '\'' && c != '"')
      continue;
    count++;
    skip_to (scan, (char[]) { c, '\0' });
  }
  return count;
}

bool
xml_has_too_many_attributes (const char *text, size_t count, int *line)
{
  struct scan scan = { .next = text, .end = text + count, .line = 1 };

  while (!is_at_end (&scan)) {
    *line = scan.line;
    if (take (&scan) != '<')
      continue;
    if (starts_with (&scan, "!--"))
      skip_to (&scan, "-->");
    else if (starts_with (&scan, "![CDATA["))
      skip_to (&scan, "]]>");
    else if (starts_with (&scan, "?"))
      skip_to (&scan, "?>");
    else if (count_attributes (&scan) > XML_ATTRIBUTES_MAX)
      return true;
  }
  return false;
}
