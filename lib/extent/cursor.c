/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cursor.c: a stream of extents that can be taken in pieces of any length. */

#include "config.h"

#include <assert.h>

#include "cursor.h"

int
cursor_fill (struct cursor *cursor)
{
  int r;

  if (cursor->extent.length > 0)
    return 0;
  r = pb_extents_next (cursor->stream, &cursor->extent);
  /* Streams cover all of their range, and those built on cursors check the
   * ranges first.
   */
  assert (r != 0);
  return r == 1 ? 0 : -1;
}
