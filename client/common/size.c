/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* size.c: sizes as people write and read them. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "size.h"

int
size_parse (const char *text, uint64_t *size)
{
  static const char suffixes[] = "bkmgt";
  const char *suffix;
  unsigned shift = 0;
  uint64_t value;
  char *end;

  if (text[0] < '0' || text[0] > '9') /* strtoull would take a sign */
    return -1;
  errno = 0;
  value = strtoull (text, &end, 10);
  if (errno != 0)
    return -1;
  if (*end) {
    int letter = *end >= 'A' && *end <= 'Z' ? *end - 'A' + 'a' : *end;

    suffix = strchr (suffixes, letter);
    if (suffix == NULL || end[1] != '\0')
      return -1;
    shift = 10 * (suffix - suffixes);
  }
  if (value > UINT64_MAX >> shift)
    return -1;
  *size = value << shift;
  return 0;
}

const char *
size_format (uint64_t bytes, char buffer[SIZE_TEXT_MAX])
{
  static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB",
                                       "EiB" };
  double value = (double) bytes / 1024;
  unsigned unit = 0;

  if (bytes < 1024) {
    snprintf (buffer, SIZE_TEXT_MAX, "%" PRIu64 " bytes", bytes);
    return buffer;
  }
  /* 1023.95 would be shown as 1024.0. */
  while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) {
    value /= 1024;
    unit++;
  }
  snprintf (buffer, SIZE_TEXT_MAX, "%.1f %s", value, units[unit]);
  return buffer;
}
