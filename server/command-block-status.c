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

#include "cleanup.h"
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
is_one_extent (const struct command *command)
{
  return command->request->flags & NBD_CMD_FLAG_REQ_ONE;
}

static void
set_long_answer (struct connection *connection, int state)
{
  struct long_answer *answer = &connection->long_answer;
  LOCK_CURRENT_SCOPE (&answer->lock);

  answer->state = state;
  pthread_cond_broadcast (&answer->change);
}

/* Returns 1, 0 where NOWAIT is in the way, or -1: the connection must end.
 * IS_LONG: this is the connection's long answer, which is over then.
 */
static int
answer_by (const struct command *command, bool is_long, bool nowait)
{
  struct connection *connection = command->connection;
  struct answer answer = { 0 };
  uint64_t length;
  int r;

  pb_set_nowait (nowait);
  r = make_answer (&answer, command,
                   is_long ? DESCRIPTORS_MAX : DESCRIPTORS_BESIDE, &length);
  pb_set_nowait (false);
  if (r == -1 && nowait && pb_get_errno () == EAGAIN)
    r = 0;
  else {
    if (is_long)
      set_long_answer (connection, LONG_ANSWER_IS_SENT);
    r = r == 0 ? send_answer (&answer, command, length)
               : command_fail (command);
    r = r == -1 ? -1 : 1;
  }
  answer_clear (&answer);
  if (is_long)
    set_long_answer (connection, LONG_ANSWER_NONE);
  return r;
}

/* May this answer be the long one?  A client that asks again as soon as it has
 * that does so before it is over, which is waited for if MAY_WAIT; one that asks
 * before that can do with less.
 */
static bool
take_long_answer (struct connection *connection, bool may_wait)
{
  struct long_answer *answer = &connection->long_answer;
  LOCK_CURRENT_SCOPE (&answer->lock);

  while (may_wait && answer->state == LONG_ANSWER_IS_SENT)
    pthread_cond_wait (&answer->change, &answer->lock);
  if (answer->state != LONG_ANSWER_NONE)
    return false;
  answer->state = LONG_ANSWER_IS_MADE;
  return true;
}

int
command_block_status (const struct command *command)
{
  struct connection *connection = command->connection;
  bool is_long
    = !is_one_extent (command) && take_long_answer (connection, true);

  return answer_by (command, is_long, false) == -1 ? -1 : 0;
}

int
command_block_status_cached (const struct command *command)
{
  bool is_one = is_one_extent (command);

  if (pb_view_is_remote (command->export->view)
      || (!is_one && !take_long_answer (command->connection, false)))
    return 0;
  return answer_by (command, !is_one, true);
}
