/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-block-status.c: BLOCK_STATUS, for any number of contexts at once.
 *
 * All contexts of one answer cover one common length, as they do with
 * qemu-nbd: some clients add up the extents of each context, go on where one of
 * them ends, and lose data where another ends before that.
 */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "nbd-protocol.h"
#include "round.h"
#include "status.h"

/* Of one answer, in all contexts together: 2 MiB of memory.  As many as QEMU
 * gives, since virtnbdbackup 1.9 asks beyond the end of a disk that is smaller
 * than 4 GiB where it needs a second answer.
 */
#define DESCRIPTORS_MAX 131072

/* A connection has one such answer at a time.  Of others, whose clients do not
 * wait for one before they ask for the next, 128 KiB each.
 */
#define DESCRIPTORS_BESIDE 8192

/* The contexts that are asked about, and what they say. */
struct answer {
  size_t count;
  uint32_t *ids; /* on the wire */
  const struct context **contexts;
  struct status *statuses;
};

static int
answer_init (struct answer *answer, const struct command *command)
{
  const struct connection *connection = command->connection;
  const struct request *request = command->request;

  answer->count
    = request->contexts ? request->nr_contexts : connection->nr_contexts;
  answer->ids = calloc (answer->count, sizeof answer->ids[0]);
  answer->contexts = calloc (answer->count, sizeof answer->contexts[0]);
  answer->statuses = calloc (answer->count, sizeof answer->statuses[0]);
  if (answer->ids == NULL || answer->contexts == NULL
      || answer->statuses == NULL) {
    pb_set_error (errno, "block status: %s", strerror (errno));
    return -1;
  }
  for (size_t i = 0; i < answer->count; i++) {
    answer->ids[i] = request->contexts ? request->contexts[i] : i;
    answer->contexts[i]
      = &command->export->contexts[connection->contexts[answer->ids[i]]];
  }
  return 0;
}

static void
answer_clear (struct answer *answer)
{
  for (size_t i = 0; answer->statuses && i < answer->count; i++)
    status_clear (&answer->statuses[i]);
  free (answer->statuses);
  free (answer->contexts);
  free (answer->ids);
}

/* Ask the contexts that are (not) dirty bitmaps about what is left of the
 * common length.
 */
static int
ask (struct answer *answer, const struct command *command, bool bitmaps,
     uint32_t max, uint64_t *length)
{
  for (size_t i = 0; i < answer->count; i++) {
    const struct context *context = answer->contexts[i];

    if ((context->kind == CONTEXT_DIRTY) != bitmaps)
      continue;
    if (status_get (&answer->statuses[i], command->export, context,
                    command->request->offset, *length, max)
        == -1)
      return -1;
    *length = min_u64 (*length, answer->statuses[i].length);
  }
  return 0;
}

static int
send_answer (struct answer *answer, const struct command *command,
             uint64_t length)
{
  for (size_t i = 0; i < answer->count; i++) {
    struct status *status = &answer->statuses[i];

    status_trim (status, length);
    if (reply_status (command->sink, command->request,
                      answer->ids[i], status->list, status->count,
                      i + 1 == answer->count)
        == -1)
      return -1;
  }
  return 0;
}

/* Find out all of what is to be told, and of what LENGTH. */
static int
make_answer (struct answer *answer, const struct command *command,
             uint32_t max_in_all, uint64_t *length)
{
  uint32_t max;

  if (answer_init (answer, command) == -1)
    return -1;
  max = command->request->flags & NBD_CMD_FLAG_REQ_ONE
          ? 1
          : max_u64 (max_in_all / max_u64 (answer->count, 1), 1);
  *length = command->request->length;
  /* Bitmaps first: they are quick to look through, and what they shorten the
   * answer to need not be looked up in the tables of images.
   */
  return ask (answer, command, true, max, length) == 0
           ? ask (answer, command, false, max, length)
           : -1;
}

static bool
needs_no_place (const struct command *command)
{
  return command->request->flags & NBD_CMD_FLAG_REQ_ONE;
}

/* Returns 1, 0 where NOWAIT is in the way, or -1 where the connection must end. */
static int
answer_by (const struct command *command, uint32_t max_in_all, bool nowait)
{
  struct answer answer = { 0 };
  uint64_t length;
  int r;

  pb_set_nowait (nowait);
  r = make_answer (&answer, command, max_in_all, &length);
  pb_set_nowait (false);
  if (max_in_all == DESCRIPTORS_MAX)
    command->connection->long_is_sent = true;
  if (r == 0)
    r = send_answer (&answer, command, length) == -1 ? -1 : 1;
  else if (nowait && pb_get_errno () == EAGAIN)
    r = 0;
  else
    r = command_fail (command) == -1 ? -1 : 1;
  answer_clear (&answer);
  return r;
}

static bool
try_long_place (struct connection *connection)
{
  if (pthread_mutex_trylock (&connection->long_status) != 0)
    return false;
  connection->long_is_sent = false;
  return true;
}

/* Take the place of the long answer.  A client that asks again as soon as it has
 * that does so before its place is free, which is waited for; one that asks before
 * can do with less.
 */
static bool
take_long_place (struct connection *connection)
{
  if (try_long_place (connection))
    return true;
  if (!connection->long_is_sent)
    return false;
  pthread_mutex_lock (&connection->long_status);
  connection->long_is_sent = false;
  return true;
}

int
command_block_status (const struct command *command)
{
  struct connection *connection = command->connection;
  int r;

  if (needs_no_place (command) || !take_long_place (connection))
    return answer_by (command, DESCRIPTORS_BESIDE, false) == -1 ? -1 : 0;
  r = answer_by (command, DESCRIPTORS_MAX, false);
  pthread_mutex_unlock (&connection->long_status);
  return r == -1 ? -1 : 0;
}

int
command_block_status_cached (const struct command *command)
{
  struct connection *connection = command->connection;
  int r;

  if (pb_view_is_remote (command->export->view))
    return 0;
  if (needs_no_place (command))
    return answer_by (command, DESCRIPTORS_BESIDE, true);
  if (!try_long_place (connection))
    return 0;
  r = answer_by (command, DESCRIPTORS_MAX, true);
  pthread_mutex_unlock (&connection->long_status);
  return r;
}
