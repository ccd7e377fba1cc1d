/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transmission.c: requests of one connection, done in parallel. */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "command.h"
#include "nbd-protocol.h"
#include "round.h"
#include "threads.h"
#include "transmission.h"

/* A client is left alone for so long for each short answer that it has to read,
 * which takes it some system calls; from so many on, and for no more than so many.
 */
#define NAP_NS 2500
#define NAP_ANSWERS_MIN 8
#define NAP_ANSWERS_MAX 40

struct transmission {
  struct connection *connection;
  struct request_rules rules;
  struct reply_wire wire; /* its lock is never taken with the one below held */

  pthread_mutex_t lock;
  pthread_cond_t turn;
  bool is_receiving;   /* a thread waits for the next request */
  bool has_ended;      /* there is no next request */
  unsigned nr_idle;    /* threads that wait for their turn */
  unsigned nr_threads; /* with the connection's own */
  pthread_t threads[TRANSMISSION_THREADS_MAX - 1]; /* without it */

  /* Why it has ended, where that was no goodbye. */
  int result;
  int errnum;
  char *error;
};

static void *run_thread (void *opaque);

/* With the lock held: there is no next request, because of the error that is
 * set if R is -1.  The first error counts: it cuts the connection, which others
 * may notice before it is told here, as a client that has left.
 */
static void
end (struct transmission *transmission, int r)
{
  if (r == -1 && transmission->result == 0) {
    transmission->result = -1;
    transmission->errnum = pb_get_errno ();
    transmission->error = strdup (pb_get_error ());
  }
  transmission->has_ended = true;
  pthread_cond_broadcast (&transmission->turn);
}

/* With the lock held: see to it that somebody waits for the next request, now
 * that this thread has one to do.  Where no thread can be started this one goes
 * on by itself, later.
 */
static void
hand_over (struct transmission *transmission)
{
  if (transmission->nr_idle > 0) {
    pthread_cond_signal (&transmission->turn);
    return;
  }
  if (transmission->nr_threads == TRANSMISSION_THREADS_MAX)
    return;
  if (thread_start (&transmission->threads[transmission->nr_threads - 1],
                    run_thread, transmission)
      == -1)
    connection_log (transmission->connection,
                    "is served by %u threads only: %s",
                    transmission->nr_threads, pb_get_error ());
  else
    transmission->nr_threads++;
}

/* Wait for this thread's turn to receive.  Returns whether there is one. */
static bool
take_turn (struct transmission *transmission)
{
  bool is_mine;

  pthread_mutex_lock (&transmission->lock);
  transmission->nr_idle++;
  while (transmission->is_receiving && !transmission->has_ended)
    pthread_cond_wait (&transmission->turn, &transmission->lock);
  transmission->nr_idle--;
  is_mine = !transmission->has_ended;
  if (is_mine)
    transmission->is_receiving = true;
  pthread_mutex_unlock (&transmission->lock);
  return is_mine;
}

/* Give the turn to another thread.  R is what receiving, or what was done
 * before that, has come to: 1 where there is a next request.
 */
static void
give_turn (struct transmission *transmission, int r)
{
  pthread_mutex_lock (&transmission->lock);
  transmission->is_receiving = false;
  if (r != 1)
    end (transmission, r);
  /* It may have ended meanwhile, because an answer could not be sent: then the
   * connection's own thread counts on it that no thread is started any more.
   */
  else if (!transmission->has_ended)
    hand_over (transmission);
  pthread_mutex_unlock (&transmission->lock);
}

/* What is done in memory is done before the turn is given away: that would take
 * longer than the request.  Returns 1 where it is done, 0 where it is none of
 * those, or -1 where the connection must end.
 */
static int
do_quickly (const struct command *command)
{
  const struct request *request = command->request;
  int r;

  if (request->errnum) {
    connection_log_refusal (command->connection, request->why);
    r = reply_error (command->sink, request, request->errnum, request->why);
  }
  else
    switch (request->type) {
    case NBD_CMD_READ:
      return command_read_cached (command);
    case NBD_CMD_BLOCK_STATUS: /* which may look through many tables */
      return reply_flush (command->sink) == -1
               ? -1
               : command_block_status_cached (command);
    case NBD_CMD_FLUSH: /* nothing is ever written */
      r = reply_done (command->sink, request);
      break;
    default:
      return 0;
    }
  return r == -1 ? -1 : 1;
}

static int
do_request (const struct command *command)
{
  switch (command->request->type) {
  case NBD_CMD_READ:
    return command_read (command);
  case NBD_CMD_BLOCK_STATUS:
    return command_block_status (command);
  default:
    return command_cache (command);
  }
}

/* Is the request, which was done quickly, of those whose answers are held?  A
 * long one keeps the client busy for longer than any nap.
 */
static bool
is_short (const struct request *request)
{
  return request->type != NBD_CMD_READ
         || request->length <= COMMAND_READ_SHORT;
}

/* With the turn: receive requests and do what is done quickly, up to one that
 * is not.  Returns 1 where REQUEST is that one, and else what there is to end.
 */
static int
receive (const struct command *command, struct request *request,
         struct transmission *transmission)
{
  struct connection *connection = transmission->connection;

  for (;;) {
    int r = request_receive (request, &connection->input,
                             &transmission->rules);

    if (r != 1)
      return r;
    if (connection->is_draining) {
      request_clear (request);
      return 0;
    }
    r = do_quickly (command);
    if (r == 0)
      return 1;
    if (is_short (request))
      command->sink->nr_answers++;
    request_clear (request);
    if (r == -1)
      return -1;
  }
}

/* How many of the short answers that were sent, NR_ANSWERS of them just now, in
 * NR_HELD bytes, the client has still to read, as far as the transport's memory
 * tells, UNREAD bytes of it: each was sent by itself, or those of now together.
 * What a message takes in the kernel is rounded up to a power of two, with some
 * 600 bytes besides, so that a short one takes many times its length.
 */
static size_t
nr_unread (size_t unread, size_t nr_answers, size_t nr_held)
{
  size_t memory_of_one = 2 * (nr_held / nr_answers) + 1024;

  return unread == 0 ? 0 : max_u64 (unread / memory_of_one, nr_answers);
}

/* Before the client is waited for.  One that has answers to read sends its next
 * requests between them, and would wake this thread with each, which takes it
 * longer than the reading: so they are left to gather for a moment.
 */
static int
before_wait (void *opaque)
{
  struct reply_sink *sink = opaque;
  struct transport *transport = sink->wire->transport;
  size_t nr_held = sink->nr_held, nr_answers = sink->nr_answers;

  if (reply_flush (sink) == -1)
    return -1;
  if (nr_answers > 0 && nr_held > 0 && transport->ops->get_unread) {
    size_t unread = nr_unread (transport->ops->get_unread (transport),
                               nr_answers, nr_held);
    struct timespec nap
      = { .tv_nsec = NAP_NS * (long) min_u64 (unread, NAP_ANSWERS_MAX) };

    if (unread >= NAP_ANSWERS_MIN)
      nanosleep (&nap, NULL);
  }
  return 0;
}

/* With the turn: as receive (), with the answers held as long as that makes
 * nobody wait.
 */
static int
receive_holding (const struct command *command, struct request *request,
                 struct transmission *transmission)
{
  struct input *input = &transmission->connection->input;
  int r;

  input->before_wait = before_wait;
  input->opaque = command->sink;
  reply_hold (command->sink);
  r = receive (command, request, transmission);
  if (reply_release (command->sink) == -1) {
    request_clear (request);
    r = -1;
  }
  input->before_wait = NULL;
  return r;
}

static void
work_with (struct transmission *transmission, void *buffer)
{
  struct request request = { 0 };
  struct read_memory memory = { .tmpfs_fd = -1, .slow_fd = -1 };
  struct reply_sink sink = { .wire = &transmission->wire, .held = buffer };
  const struct command command = {
    .connection = transmission->connection,
    .export = transmission->connection->export,
    .sink = &sink,
    .request = &request,
    .buffer = buffer,
    .memory = &memory,
  };

  while (take_turn (transmission)) {
    int r = receive_holding (&command, &request, transmission);

    give_turn (transmission, r);
    if (r != 1)
      return;
    r = do_request (&command);
    request_clear (&request);
    if (r == -1) {
      pthread_mutex_lock (&transmission->lock);
      end (transmission, -1);
      pthread_mutex_unlock (&transmission->lock);
    }
  }
}

static void
work (struct transmission *transmission)
{
  /* Not by malloc (), whose heaps would keep it: a client takes memory only as
   * long as it is there, and only as much as its requests are long.
   */
  void *buffer = mmap (NULL, COMMAND_BUFFER_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  /* A nap shall not take the 50 us more that threads are usually granted. */
  prctl (PR_SET_TIMERSLACK, 1);
  if (buffer != MAP_FAILED) {
    work_with (transmission, buffer);
    munmap (buffer, COMMAND_BUFFER_SIZE);
    return;
  }
  pthread_mutex_lock (&transmission->lock);
  pb_set_error (ENOMEM, "no memory for a request");
  end (transmission, -1);
  pthread_mutex_unlock (&transmission->lock);
}

static void *
run_thread (void *opaque)
{
  work (opaque);
  return NULL;
}

int
transmission_run (struct connection *connection)
{
  struct transmission transmission = {
    .connection = connection,
    .nr_threads = 1,
    .rules = {
      .size = pb_view_get_size (connection->export->view),
      .may_read = connection->may_read,
      .is_structured = connection->style != REPLY_SIMPLE,
      .is_extended = connection->style == REPLY_EXTENDED,
      .nr_contexts = connection->nr_contexts,
    },
  };
  uint32_t minimum, preferred;

  pb_view_get_block_size (connection->export->view, &minimum, &preferred,
                          &transmission.rules.maximum);
  reply_wire_init (&transmission.wire, connection->transport,
                   connection->style);
  pthread_mutex_init (&transmission.lock, NULL); /* neither fails on Linux */
  pthread_cond_init (&transmission.turn, NULL);

  work (&transmission);
  /* This thread has seen the end, after which none is started. */
  for (unsigned i = 0; i + 1 < transmission.nr_threads; i++)
    pthread_join (transmission.threads[i], NULL);

  pthread_cond_destroy (&transmission.turn);
  pthread_mutex_destroy (&transmission.lock);
  reply_wire_destroy (&transmission.wire);
  if (transmission.result == -1)
    pb_set_error (transmission.errnum, "%s",
                  transmission.error ? transmission.error : "out of memory");
  free (transmission.error);
  return transmission.result;
}
