/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-read-cached.c: READ of what needs no disk, done by who received it. */

#include "config.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "command-read.h"

/* tmpfs does not know RWF_NOWAIT, but has no disk to wait for. */
static bool
fd_is_on_tmpfs (int fd)
{
  struct statfs statfs;

  return fstatfs (fd, &statfs) == 0 && statfs.f_type == TMPFS_MAGIC;
}

/* Read without waiting for a disk.  Returns whether all could be. */
static bool
read_now (const struct command *command, const struct pb_location *location,
          void *buffer, size_t count)
{
  struct read_memory *memory = command->memory;
  struct iovec iov = { .iov_base = buffer, .iov_len = count };
  bool is_on_tmpfs = location->fd == memory->tmpfs_fd;
  ssize_t r;

  if (location->fd == memory->slow_fd)
    return false;
  r = preadv2 (location->fd, &iov, 1, location->file_offset,
               is_on_tmpfs ? 0 : RWF_NOWAIT);
  if (r == -1 && errno == EOPNOTSUPP && !is_on_tmpfs) {
    if (!fd_is_on_tmpfs (location->fd)) {
      memory->slow_fd = location->fd;
      return false;
    }
    memory->tmpfs_fd = location->fd;
    r = preadv2 (location->fd, &iov, 1, location->file_offset, 0);
  }
  return r == (ssize_t) count;
}

/* Into the buffer of what is held. */
static int
read_short (const struct command *command, const struct pb_location *location)
{
  const struct request *request = command->request;
  void *place = reply_reserve (command->sink, request);

  if (place == NULL)
    return -1;
  if (location->kind == PB_LOCATION_ZERO)
    memset (place, 0, request->length);
  else if (!read_now (command, location, place, request->length))
    return 0;
  reply_commit (command->sink);
  return 1;
}

/* By way of the buffer, in one piece. */
static int
read_copied (const struct command *command,
             const struct pb_location *location)
{
  const struct request *request = command->request;

  if (request->length > COMMAND_BUFFER_SIZE)
    return 0;
  if (reply_flush (command->sink) == -1) /* which lies in the buffer */
    return -1;
  if (!read_now (command, location, command->buffer, request->length))
    return 0;
  return reply_begin (command->sink, request, command->buffer, request->length)
             == -1
           ? -1
           : 1;
}

/* Is it all in the page cache?  Its first and its last byte tell.  Where they
 * are wrong, the connection's next requests wait for the disk with this one.
 */
static bool
is_cached (const struct command *command, const struct pb_location *location,
           uint32_t count)
{
  struct pb_location last = *location;
  unsigned char byte;

  last.file_offset += count - 1;
  return read_now (command, location, &byte, 1)
         && read_now (command, &last, &byte, 1);
}

/* Straight from the file. */
static int
read_from_file (const struct command *command,
                const struct pb_location *location)
{
  const struct request *request = command->request;
  struct read_rest rest = { request->offset, request->length, false };
  int r;

  if (!is_cached (command, location, request->length))
    return 0;
  r = read_send_file (command, &rest, location, request->length);
  return read_end_chunks (command, &rest, r) == -1 ? -1 : 1;
}

static int
read_long (const struct command *command, const struct pb_location *location)
{
  bool may_send_file = command->sink->wire->transport->ops->send_file != NULL;

  if (location->kind == PB_LOCATION_ZERO)
    return 0;
  return may_send_file && read_may_chunk (command)
           ? read_from_file (command, location)
           : read_copied (command, location);
}

int
command_read_cached (const struct command *command)
{
  const struct request *request = command->request;
  struct pb_location location;
  int r;

  if (request->length > READ_FILE_MAX)
    return 0;
  pb_set_nowait (true);
  r = pb_view_locate (command->export->view, request->offset, request->length,
                      &location);
  pb_set_nowait (false);
  if (r == -1 || location.length < request->length
      || location.kind == PB_LOCATION_COPY)
    return 0; /* what is wrong is found again, and answered then */
  return request->length <= COMMAND_READ_SHORT
           ? read_short (command, &location)
           : read_long (command, &location);
}
