/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command.c: what the commands have in common, and CACHE. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>

#include "command.h"
#include "round.h"

/* The cause names files of this host, which are none of a client's business;
 * it is for the log.
 */
static const char *
text_for_client (int errnum)
{
  switch (errnum) {
  case ENOMEM:
    return "the server is out of memory";
  case ENOTSUP:
    return "the disk has something that the server does not support";
  default:
    return "the disk cannot be read here; the server's log says why";
  }
}

void
command_log_failure (const struct command *command)
{
  connection_log (command->connection, "disk %s: %s", command->export->name,
                  pb_get_error ());
}

int
command_fail (const struct command *command)
{
  int errnum = pb_get_errno ();

  command_log_failure (command);
  return reply_error (command->sink, command->request, errnum,
                      text_for_client (errnum));
}

/* Between steps of so many bytes it is looked whether the server ends. */
#define CACHE_STEP ((uint64_t) 1 << 20)

/* "The client is informing the server that it plans to access" the range.  The
 * cache is the page cache; the kernel reads ahead and nobody waits for it.
 */
int
command_cache (const struct command *command)
{
  const struct request *request = command->request;
  uint64_t offset = request->offset, left = request->length;
  struct pb_location location;

  for (; left > 0 && !command->connection->is_draining;
       offset += location.length, left -= location.length) {
    if (pb_view_locate (command->export->view, offset,
                        min_u64 (left, CACHE_STEP), &location)
        == -1)
      return command_fail (command);
    if (location.kind == PB_LOCATION_FILE)
      /* A hint: where it is not taken nothing is lost. */
      posix_fadvise (location.fd, location.file_offset, location.length,
                     POSIX_FADV_WILLNEED);
  }
  return reply_done (command->sink, request);
}
