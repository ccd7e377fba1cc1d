/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-read.h: what the ways to answer a READ share. */

#ifndef PULLBACK_COMMAND_READ_H
#define PULLBACK_COMMAND_READ_H

#include "command.h"

/* A chunk holds up the answers to other requests while it is sent. */
#define READ_FILE_MAX ((uint64_t) 1 << 20)

/* What is left of a request. */
struct read_rest {
  uint64_t offset, left;
  bool is_ended; /* the last chunk has said that it is the last */
};

/* May the answer come in pieces? */
bool read_may_chunk (const struct command *command);

/* Send COUNT bytes, READ_FILE_MAX at most, from the file that they lie in, by
 * the transport's send_file ().  Returns 1, 0 where the disk could not be read
 * at what is then the rest's offset, or -1 where nothing can be sent any more.
 */
int read_send_file (const struct command *command, struct read_rest *rest,
                    const struct pb_location *location, uint32_t count);

/* End the answer after its last chunk, about which sending it has returned R.
 * Returns -1 where the connection must end.
 */
int read_end_chunks (const struct command *command,
                     const struct read_rest *rest, int r);

#endif /* PULLBACK_COMMAND_READ_H */
