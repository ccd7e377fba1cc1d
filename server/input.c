/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* input.c: what a client sends, buffered. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "input.h"
#include "pullback.h"
#include "round.h"

static ssize_t
wait_for_client (struct input *input, void *buffer, size_t count)
{
  if (input->before_wait && input->before_wait (input->opaque) == -1)
    return -1;
  return input->transport->ops->receive (input->transport, buffer, count);
}

/* Receive into BUFFER, or into the input's own where COUNT is smaller. */
static ssize_t
receive (struct input *input, void *buffer, size_t count)
{
  ssize_t r;

  if (count >= sizeof input->buffer)
    return wait_for_client (input, buffer, count);

  r = wait_for_client (input, input->buffer, sizeof input->buffer);
  if (r <= 0)
    return r;
  input->start = min_u64 (count, r);
  input->end = r;
  if (buffer)
    memcpy (buffer, input->buffer, input->start);
  return input->start;
}

static void
set_gone_error (void)
{
  pb_set_error (ECONNRESET, "the client went away in the middle of a message");
}

/* BUFFER is NULL where the bytes are not wanted. */
static int
take (struct input *input, unsigned char *buffer, uint64_t count)
{
  size_t n = min_u64 (count, input->end - input->start);
  bool has_begun = n > 0;

  if (buffer)
    memcpy (buffer, input->buffer + input->start, n);
  input->start += n;
  while (n < count) {
    uint64_t left = count - n;
    ssize_t r;

    if (buffer == NULL && left >= sizeof input->buffer) {
      /* Nothing is buffered now, so the buffer can take what is dropped. */
      input->start = input->end = 0;
      r = wait_for_client (input, input->buffer, sizeof input->buffer);
    }
    else
      r = receive (input, buffer ? buffer + n : NULL, left);
    if (r == -1)
      return -1;
    if (r == 0 && !has_begun)
      return 0;
    if (r == 0) {
      set_gone_error ();
      return -1;
    }
    has_begun = true;
    count -= r;
    if (buffer)
      buffer += r;
  }
  return 1;
}

int
input_take (struct input *input, void *buffer, size_t count)
{
  return take (input, buffer, count);
}

int
input_take_rest (struct input *input, void *buffer, uint64_t count)
{
  int r = take (input, buffer, count);

  if (r == 0)
    set_gone_error ();
  return r == 1 ? 0 : -1;
}
