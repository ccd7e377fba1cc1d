/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log-text.c: text from outside as it may stand in a log. */

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "log-text.h"

/* The character of UTF-8 that TEXT starts with.  Returns how many bytes it has,
 * or 0 where it is none.
 */
static size_t
take_character (const unsigned char *text, uint32_t *character)
{
  static const uint32_t minimum[] = { 0, 0, 0x80, 0x800, 0x10000 };
  size_t length = text[0] < 0x80             ? 1
                  : (text[0] & 0xe0) == 0xc0 ? 2
                  : (text[0] & 0xf0) == 0xe0 ? 3
                  : (text[0] & 0xf8) == 0xf0 ? 4
                                             : 0;

  if (length == 0)
    return 0;
  *character = length == 1 ? text[0] : text[0] & (0x7f >> length);
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) /* also at the end */
      return 0;
    *character = *character << 6 | (text[i] & 0x3f);
  }
  if (*character < minimum[length] || *character > 0x10ffff
      || (*character >= 0xd800 && *character <= 0xdfff))
    return 0;
  return length;
}

static bool
is_shown (uint32_t character)
{
  static const struct {
    uint32_t first, last;
  } hidden[] = {
    { 0, 0x1f },         { 0x7f, 0x9f },     /* control characters */
    { 0x61c, 0x61c },    { 0x200b, 0x200f }, /* of no width, of direction */
    { 0x2028, 0x202e },  { 0x2060, 0x206f }, /* ends of lines, direction */
    { 0xfeff, 0xfeff },  { 0xfff9, 0xfffb },
    { 0xe0000, 0xe007f }, /* tags */
  };

  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
    if (character >= hidden[i].first && character <= hidden[i].last)
      return false;
  return true;
}

void
log_text_clean (char *text)
{
  char *out = text;

  while (*text) {
    uint32_t character;
    size_t length = take_character ((const unsigned char *) text, &character);

    if (length > 0 && is_shown (character)) {
      memmove (out, text, length);
      out += length;
    }
    else
      *out++ = '?';
    text += length > 0 ? length : 1;
  }
  *out = '\0';
}
