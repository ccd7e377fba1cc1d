/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transmission.c: requests of one connection, done in parallel. */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command.h"
#include "log.h"
#include "nbd-protocol.h"
#include "threads.h"
#include "transmission.h"

struct transmission {
  struct connection *connection;
  struct request_rules rules;
  struct reply_sink sink; /* its lock is never taken with the one below held */

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
 * set if R is -1.  The first reason counts.
 */
static void
end (struct transmission *transmission, int r)
{
  if (!transmission->has_ended && r == -1) {
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
    log_line ("client (%s): is served by %u threads only: %s",
              transmission->connection->identity.text,
              transmission->nr_threads, pb_get_error ());
  else
    transmission->nr_threads++;
}

/* Wait for the turn, then for a request.  Returns whether there is one. */
static bool
take_request (struct transmission *transmission, struct request *request)
{
  struct connection *connection = transmission->connection;
  int r;

  pthread_mutex_lock (&transmission->lock);
  transmission->nr_idle++;
  while (transmission->is_receiving && !transmission->has_ended)
    pthread_cond_wait (&transmission->turn, &transmission->lock);
  transmission->nr_idle--;
  if (transmission->has_ended) {
    pthread_mutex_unlock (&transmission->lock);
    return false;
  }
  transmission->is_receiving = true;
  pthread_mutex_unlock (&transmission->lock);

  r = request_receive (request, &connection->input, &transmission->rules);

  pthread_mutex_lock (&transmission->lock);
  transmission->is_receiving = false;
  /* It may have ended meanwhile, because an answer could not be sent: then the
   * connection's own thread counts on it that no thread is started any more.
   */
  if (r == 1 && !connection->is_draining && !transmission->has_ended)
    hand_over (transmission);
  else {
    if (r == 1)
      request_clear (request);
    end (transmission, r);
    r = 0;
  }
  pthread_mutex_unlock (&transmission->lock);
  return r == 1;
}

static int
do_request (struct transmission *transmission, const struct request *request,
            unsigned char *buffer)
{
  struct command command = {
    .connection = transmission->connection,
    .export = transmission->connection->export,
    .sink = &transmission->sink,
    .request = request,
    .buffer = buffer,
  };

  if (request->errnum)
    return reply_error (&transmission->sink, request, request->errnum,
                        request->why);
  switch (request->type) {
  case NBD_CMD_READ:
    return command_read (&command);
  case NBD_CMD_BLOCK_STATUS:
    return command_block_status (&command);
  case NBD_CMD_CACHE:
    return command_cache (&command);
  default: /* a flush: nothing is ever written */
    return reply_done (&transmission->sink, request);
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
  struct request request;

  while (buffer != MAP_FAILED && take_request (transmission, &request)) {
    int r = do_request (transmission, &request, buffer);

    request_clear (&request);
    if (r == -1) {
      pthread_mutex_lock (&transmission->lock);
      end (transmission, -1);
      pthread_mutex_unlock (&transmission->lock);
    }
  }
  if (buffer != MAP_FAILED)
    munmap (buffer, COMMAND_BUFFER_SIZE);
  else {
    pthread_mutex_lock (&transmission->lock);
    pb_set_error (ENOMEM, "no memory for a request");
    end (transmission, -1);
    pthread_mutex_unlock (&transmission->lock);
  }
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
      .contexts = connection->contexts,
    },
  };
  uint32_t minimum, preferred;

  pb_view_get_block_size (connection->export->view, &minimum, &preferred,
                          &transmission.rules.maximum);
  reply_sink_init (&transmission.sink, connection->transport,
                   connection->style);
  pthread_mutex_init (&transmission.lock, NULL); /* these cannot fail on Linux */
  pthread_cond_init (&transmission.turn, NULL);

  work (&transmission);
  /* This thread has seen the end, after which none is started. */
  for (unsigned i = 0; i + 1 < transmission.nr_threads; i++)
    pthread_join (transmission.threads[i], NULL);

  pthread_cond_destroy (&transmission.turn);
  pthread_mutex_destroy (&transmission.lock);
  reply_sink_destroy (&transmission.sink);
  if (transmission.result == -1)
    pb_set_error (transmission.errnum, "%s",
                  transmission.error ? transmission.error : "out of memory");
  free (transmission.error);
  return transmission.result;
}
