/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input.h: what a client sends, buffered, so that a row of requests takes one
 * system call.  For one thread at a time.
 */

#ifndef PULLBACK_INPUT_H
#define PULLBACK_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

#define INPUT_BUFFER_SIZE 8192

struct input {
  struct transport *transport;

  /* Called before the client is waited for, where it is not NULL. */
  int (*before_wait) (void *opaque);
  void *opaque;

  size_t start, end; /* what of the buffer has not been taken yet */
  unsigned char buffer[INPUT_BUFFER_SIZE];
};

/* Take exactly COUNT bytes.  Returns 1, 0 where the stream ended before the
 * first of them, or -1, also where it ended before the last.
 */
int input_take (struct input *input, void *buffer, size_t count);

/* In the middle of a message: take exactly COUNT bytes, or drop them where
 * BUFFER is NULL.  That the stream ends is an error then.
 */
int input_take_rest (struct input *input, void *buffer, uint64_t count);

/* Has everything that came been taken? */
static inline bool
input_is_empty (const struct input *input)
{
  return input->start == input->end;
}

#endif /* PULLBACK_INPUT_H */
