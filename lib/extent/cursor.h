/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cursor.h: a stream of extents that can be taken in pieces of any length. */

#ifndef PULLBACK_CURSOR_H
#define PULLBACK_CURSOR_H

#include "extents.h"

struct cursor {
  pb_extents *stream;
  struct pb_extent extent; /* what is left of it; length 0: nothing */
};

/* Make sure that something is left, where the stream is known not to have
 * ended.
 */
int cursor_fill (struct cursor *cursor);

/* Take LENGTH bytes, which must not be more than are left. */
static inline void
cursor_take (struct cursor *cursor, uint64_t length)
{
  cursor->extent.offset += length;
  cursor->extent.length -= length;
}

#endif /* PULLBACK_CURSOR_H */
