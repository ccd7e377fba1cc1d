/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-read.c: READ: data as it is, or as holes where it is zero. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "command.h"
#include "nbd-protocol.h"
#include "round.h"

/* Smaller holes are not worth a chunk of their own, smaller pieces of a file
 * not the system calls: they are read together with what follows them.
 */
#define HOLE_MIN ((uint64_t) 4096)
#define FILE_MIN ((uint64_t) 16384)

/* A chunk holds up the answers to other requests while it is sent. */
#define FILE_MAX ((uint64_t) 1 << 20)

/* What is left of a request. */
struct rest {
  uint64_t offset, left;
  bool is_ended; /* the last chunk has said that it is the last */
};

/* Send COUNT bytes from the file that they lie in.  Returns as
 * send_chunk ().
 */
static int
send_from_file (const struct command *command, struct rest *rest,
                const struct pb_location *location, uint32_t count)
{
  int64_t sent;

  /* Other requests' data comes from the disk while this one is sent. */
  posix_fadvise (location->fd, location->file_offset, count,
                 POSIX_FADV_WILLNEED);
  sent = reply_file (command->sink, command->request, rest->offset,
                     location->fd, location->file_offset, count);
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
send_chunk (const struct command *command, struct rest *rest)
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
      && count >= FILE_MIN)
    return send_from_file (command, rest, &location,
                           min_u64 (count, FILE_MAX));

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

static int
read_in_chunks (const struct command *command)
{
  const struct request *request = command->request;
  struct rest rest = { request->offset, request->length, false };

  while (rest.left > 0) {
    int r = send_chunk (command, &rest);

    if (r == -1)
      return -1;
    if (r == 0 && rest.offset == request->offset)
      return command_fail (command);
    if (r == 0) {
      command_log_failure (command);
      return reply_error_at (command->sink, request, pb_get_errno (),
                             "the disk cannot be read here", rest.offset);
    }
  }
  return rest.is_ended ? 0 : reply_end (command->sink, request);
}

/* For clients that want the answer in one piece: without structured replies, or
 * with DF ("don't fragment").  An error after the first piece can only end the
 * connection.
 */
static int
read_whole (const struct command *command)
{
  const struct request *request = command->request;
  pb_view *view = command->export->view;
  uint64_t offset = request->offset, left = request->length;
  uint32_t count = min_u64 (left, COMMAND_BUFFER_SIZE);

  if (pb_view_pread (view, command->buffer, count, offset) == -1)
    return command_fail (command);
  if (reply_begin (command->sink, request, command->buffer, count) == -1)
    return -1;
  for (;;) {
    offset += count;
    left -= count;
    if (left == 0)
      return 0;
    count = min_u64 (left, COMMAND_BUFFER_SIZE);
    if (pb_view_pread (view, command->buffer, count, offset) == -1) {
      command_log_failure (command);
      reply_abort (command->sink);
      return -1;
    }
    if (reply_more (command->sink, command->buffer, count, count == left)
        == -1)
      return -1;
  }
}

/* tmpfs does not know RWF_NOWAIT, but has no disk to wait for. */
static bool
is_on_tmpfs (int fd)
{
  struct statfs statfs;

  return fstatfs (fd, &statfs) == 0 && statfs.f_type == TMPFS_MAGIC;
}

/* Read without waiting for a disk.  Returns whether all could be. */
static bool
read_now (const struct command *command, const struct pb_location *location,
          void *buffer, size_t count)
{
  struct iovec iov = { .iov_base = buffer, .iov_len = count };
  bool is_memory = location->fd == *command->memory_fd;
  ssize_t r = preadv2 (location->fd, &iov, 1, location->file_offset,
                       is_memory ? 0 : RWF_NOWAIT);

  if (r == -1 && errno == EOPNOTSUPP && !is_memory
      && is_on_tmpfs (location->fd)) {
    *command->memory_fd = location->fd;
    r = preadv2 (location->fd, &iov, 1, location->file_offset, 0);
  }
  return r == (ssize_t) count;
}

int
command_read_cached (const struct command *command)
{
  const struct request *request = command->request;
  struct pb_location location;

  if (request->length > COMMAND_READ_SHORT
      || pb_view_locate (command->export->view, request->offset,
                         request->length, &location)
           == -1
      || location.length < request->length)
    return 0; /* what is wrong is found again, and answered then */
  if (location.kind == PB_LOCATION_COPY)
    return 0;
  void *place = reply_reserve (command->sink, request);
  if (place == NULL)
    return -1;
  if (location.kind == PB_LOCATION_ZERO)
    memset (place, 0, request->length);
  else if (!read_now (command, &location, place, request->length))
    return 0;
  reply_commit (command->sink);
  return 1;
}

int
command_read (const struct command *command)
{
  if (command->sink->wire->style == REPLY_SIMPLE
      || command->request->flags & NBD_CMD_FLAG_DF)
    return read_whole (command);
  return read_in_chunks (command);
}
