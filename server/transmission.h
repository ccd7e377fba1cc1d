/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transmission.h: requests of one connection, taken in order, done in parallel,
 * answered as they are done.
 *
 * The threads take turns: one waits for the client's next request, and when it
 * has it another takes its place, so a request is never handed from thread to
 * thread.  What is done in memory (block status and reads as far as image tables
 * and the page cache have it, refusals) is done before that, and short answers
 * are held, in the thread's buffer, as long as the next request has come already:
 * never while the client is waited for, nor while another thread has the turn.
 * A connection starts with one thread and gets more when all that it has are
 * busy.
 */

#ifndef PULLBACK_TRANSMISSION_H
#define PULLBACK_TRANSMISSION_H

#include "connection.h"

/* Threads of one connection, which are as many requests in work at once.  Each
 * has a buffer of COMMAND_BUFFER_SIZE bytes; those, and the answers to block
 * status requests, are all the memory that a client can make the server take.
 */
#define TRANSMISSION_THREADS_MAX 16

/* Serve the export until the client has left (0) or must go (-1), and every
 * request that was taken is done.
 */
int transmission_run (struct connection *connection);

#endif /* PULLBACK_TRANSMISSION_H */
