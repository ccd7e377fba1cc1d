/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-read.c: READ: data as it is, or as holes where it is zero. */

#include "config.h"

#include <fcntl.h>

#include "command-read.h"
#include "nbd-protocol.h"
#include "round.h"

/* Smaller holes are not worth a chunk of their own, smaller pieces of a file
 * not the system calls: they are read together with what follows them.
 */
#define HOLE_MIN ((uint64_t) 4096)
#define FILE_MIN ((uint64_t) 16384)

bool
read_may_chunk (const struct command *command)
{
  return command->sink->wire->style != REPLY_SIMPLE
         && !(command->request->flags & NBD_CMD_FLAG_DF);
}

int
read_send_file (const struct command *command, struct read_rest *rest,
                const struct pb_location *location, uint32_t count)
{
  int64_t sent
    = reply_file (command->sink, command->request, rest->offset, location->fd,
                  location->file_offset, count);

  if (sent == -1)
    return -1;
  rest->offset += sent;
  rest->left -= sent;
  return sent == count;
}

/* Send the next chunk.  Returns 1, 0 where the disk could not be read at what
 * is then the rest's offset, or -1 where nothing can be sent any more.
 */
static int
send_chunk (const struct command *command, struct read_rest *rest)
{
  const struct request *request = command->request;
  struct reply_sink *sink = command->sink;
  pb_view *view = command->export->view;
  struct pb_location location;
  uint64_t count;
  int r;

  if (pb_view_locate (view, rest->offset, rest->left, &location) == -1)
    return 0;
  count = location.length;
  if (location.kind == PB_LOCATION_FILE && sink->wire->transport->ops->send_file
      && count >= FILE_MIN) {
    count = min_u64 (count, READ_FILE_MAX);
    /* Other requests' data comes from the disk while this one is sent. */
    posix_fadvise (location.fd, location.file_offset, count,
                   POSIX_FADV_WILLNEED);
    return read_send_file (command, rest, &location, count);
  }

  if (location.kind == PB_LOCATION_ZERO
      && (count == rest->left || count >= HOLE_MIN)) {
    rest->is_ended = count == rest->left;
    r = reply_hole (sink, request, rest->offset, count, rest->is_ended);
  }
  else {
    count = min_u64 (rest->left, COMMAND_BUFFER_SIZE);
    if (pb_view_pread (view, command->buffer, count, rest->offset) == -1)
      return 0;
    rest->is_ended = count == rest->left;
    r = reply_data (sink, request, rest->offset, command->buffer, count,
                    rest->is_ended);
  }
  rest->offset += count;
  rest->left -= count;
  return r == -1 ? -1 : 1;
}

int
read_end_chunks (const struct command *command, const struct read_rest *rest,
                 int r)
{
  const struct request *request = command->request;

  if (r == 1)
    return rest->is_ended ? 0 : reply_end (command->sink, request);
  if (r == -1)
    return -1;
  if (rest->offset == request->offset)
    return command_fail (command);
  command_log_failure (command);
  return reply_error_at (command->sink, request, pb_get_errno (),
                         "the disk cannot be read here", rest->offset);
}

static int
read_in_chunks (const struct command *command)
{
  const struct request *request = command->request;
  struct read_rest rest = { request->offset, request->length, false };
  int r;

  do
    r = send_chunk (command, &rest);
  while (r == 1 && rest.left > 0);
  return read_end_chunks (command, &rest, r);
}

/* The error that is set was met at OFFSET, when LEFT bytes from there on were
 * promised.
 */
static int
fail_whole (const struct command *command, uint64_t offset, uint64_t left)
{
  int errnum = pb_get_errno ();

  command_log_failure (command);
  if (reply_give_up (command->sink, left) == -1)
    return -1;
  return reply_error_at (command->sink, command->request, errnum,
                         "the disk cannot be read here", offset);
}

/* For clients that want the answer in one piece: without structured replies, or
 * with DF ("don't fragment").
 */
static int
read_whole (const struct command *command)
{
  const struct request *request = command->request;
  pb_view *view = command->export->view;
  uint64_t offset = request->offset, left = request->length;
  uint32_t count = min_u64 (left, COMMAND_BUFFER_SIZE);
  bool is_ended = count == left || command->sink->wire->style == REPLY_SIMPLE;

  if (pb_view_pread (view, command->buffer, count, offset) == -1)
    return command_fail (command);
  if (reply_begin (command->sink, request, command->buffer, count) == -1)
    return -1;
  for (;;) {
    offset += count;
    left -= count;
    if (left == 0)
      return is_ended ? 0 : reply_end (command->sink, request);
    count = min_u64 (left, COMMAND_BUFFER_SIZE);
    if (pb_view_pread (view, command->buffer, count, offset) == -1)
      return fail_whole (command, offset, left);
    if (reply_more (command->sink, command->buffer, count, count == left)
        == -1)
      return -1;
  }
}

int
command_read (const struct command *command)
{
  return read_may_chunk (command) ? read_in_chunks (command)
                                : read_whole (command);
}
