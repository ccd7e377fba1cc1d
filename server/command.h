/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command.h: the commands of transmission, one file for each that has more to
 * it than an answer.
 */

#ifndef PULLBACK_COMMAND_H
#define PULLBACK_COMMAND_H

#include "connection.h"
#include "reply.h"
#include "request.h"

/* Data is read and sent in pieces of so many bytes at most.  A unix socket
 * moves little more at a time, so larger ones gain nothing.
 */
#define COMMAND_BUFFER_SIZE ((uint32_t) 256 << 10)

/* What a command is done with. */
struct command {
  struct connection *connection;
  const struct export *export;
  struct reply_sink *sink;
  const struct request *request; /* that has passed the gate */
  unsigned char *buffer;         /* COMMAND_BUFFER_SIZE bytes of the thread's,
                                  * the sink's while it holds */
  struct read_memory *memory;    /* the thread's */
};

/* What a thread remembers of how files answer it when it will not wait; -1 where
 * there is none.
 */
struct read_memory {
  int tmpfs_fd; /* the last file that does not, since it is in memory anyway */
  int slow_fd;  /* the last one that does not for another reason */
};

/* A read that is so short that its answer is held with others. */
#define COMMAND_READ_SHORT ((uint32_t) 32 << 10)

/* Answer a read at once, where its data is in the page cache, or where it is
 * short and zero.  What the client sends meanwhile waits until it has taken a
 * long one.  Returns 1, 0 where that is not so, or -1 where the connection must
 * end.
 */
int command_read_cached (const struct command *command);

/* Answer a block status request at once, where all that it takes is in memory.
 * Returns as command_read_cached ().
 */
int command_block_status_cached (const struct command *command);

/* Do it and answer it.  Returns -1 only where the connection must end. */
int command_read (const struct command *command);
int command_block_status (const struct command *command);
int command_cache (const struct command *command);

/* Answer that it has failed with the error that is set, and log that. */
int command_fail (const struct command *command);

/* Log the error that is set, with the first of this connection. */
void command_log_failure (const struct command *command);

#endif /* PULLBACK_COMMAND_H */
