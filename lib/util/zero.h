/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* zero.h: is a buffer all zeroes? */

#ifndef PULLBACK_ZERO_H
#define PULLBACK_ZERO_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* A buffer whose first bytes are zero, and which equals itself moved by as
 * many bytes, is zero throughout.  So the C library's memcmp (), written for
 * the widest registers of the machine, does the work, and stops at the first
 * difference; data mostly differs in the head already.
 */
static inline bool
buffer_is_zero (const void *buffer, size_t count)
{
  static const char zeroes[32];
  const char *bytes = buffer;
  size_t head = count < sizeof zeroes ? count : sizeof zeroes;

  return memcmp (bytes, zeroes, head) == 0
         && memcmp (bytes, bytes + head, count - head) == 0;
}

#endif /* PULLBACK_ZERO_H */
