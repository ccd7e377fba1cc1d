/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pull.c: the life of a pull: connections, threads, the first error. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "nbd-handle.h"
#include "plan.h"
#include "pull.h"
#include "worker.h"

/* Bytes of all requests in flight together; each connection gets its share.
 * A quarter of this keeps a fast local server busy, all of it a line of 1 GB/s
 * with 30 ms of delay.
 */
#define IN_FLIGHT_MAX (32U << 20)

/* A server that has all the clients it wants may let one more wait.  Those that
 * there are do without it.
 */
#define CONNECT_SECONDS 5

/* How long the server has for what it still wants to send at the end.  One that
 * dies of our leaving earlier (nbd_leave ()) takes its other clients with it.
 */
#define LEAVE_NS UINT64_C (5000000000)

void
pull_stop (struct pull *pull)
{
  __atomic_store_n (&pull->stop, true, __ATOMIC_RELEASE);
  queue_stop (&pull->queue);
  wake (pull->mapper_wake_fd);
  for (unsigned i = 0; i < pull->nr_workers; i++)
    wake (pull->workers[i].wake_fd);
}

void
pull_fail (struct pull *pull)
{
  pthread_mutex_lock (&pull->error_lock);
  if (pull->errnum == 0) {
    pull->error = strdup (pb_get_error ());
    pull->errnum = pb_get_errno ();
  }
  pthread_mutex_unlock (&pull->error_lock);
  pull_stop (pull);
}

void
pull_thread_ends (struct pull *pull)
{
  if (atomic_fetch_sub (&pull->running, 1) == 1)
    wake (pull->done_fd);
}

static int
make_eventfd (int *fd)
{
  *fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (*fd == -1) {
    pb_set_error (errno, "eventfd: %s", strerror (errno));
    return -1;
  }
  return 0;
}

static int
init (struct pull *pull, const struct pull_config *config)
{
  memset (pull, 0, sizeof *pull);
  pull->config = *config;
  pull->mapper_wake_fd = pull->done_fd = -1;
  pthread_mutex_init (&pull->error_lock, NULL);
  rate_init (&pull->rate, config->rate_limit);
  if (make_eventfd (&pull->mapper_wake_fd) == -1
      || make_eventfd (&pull->done_fd) == -1)
    return -1;
  return 0;
}

/* Work is in tasks that are whole granules.  Neither a granule nor a request is
 * larger than IN_FLIGHT_MAX.
 */
static uint32_t
task_size_of (const struct pull_config *config)
{
  return config->request_size > config->granule ? config->request_size
                                                : config->granule;
}

/* One more connection, where the server takes it.  Returns 1, 0 where it does
 * not, or -1.
 */
static int
connect_one_more (struct pull *pull, struct nbd_handle **nbd)
{
  if (pull->refusal)
    return 0; /* it is not asked again */
  *nbd = source_connect (pull->config.source, CONNECT_SECONDS);
  if (*nbd)
    return 1;
  if (pb_get_errno () == ESTALE)
    return -1;
  pull->refusal = strdup (pb_get_error ());
  return pull->refusal ? 0 : -1;
}

/* The first connection, and as many more for data as are wanted and to be had:
 * no more than can have a task in flight.
 */
static int
open_connections (struct pull *pull, uint32_t task_size)
{
  const struct pull_config *config = &pull->config;
  unsigned max = config->source->multi_conn ? config->connections : 1;
  int r = 1;

  if (max > IN_FLIGHT_MAX / task_size)
    max = IN_FLIGHT_MAX / task_size;
  pull->connections = calloc (max, sizeof pull->connections[0]);
  if (pull->connections == NULL) {
    pb_set_error (ENOMEM, "no memory for connections: %s", strerror (ENOMEM));
    return -1;
  }
  pull->connections[0] = config->source->nbd;
  config->source->nbd = NULL;
  pull->nr_connections = 1;
  while (r == 1 && pull->nr_connections < max) {
    r = connect_one_more (pull, &pull->connections[pull->nr_connections]);
    pull->nr_connections += r == 1;
  }
  return r == -1 ? -1 : 0;
}

/* How much each of NR_WORKERS has in flight, and asks for at once. */
static void
share_memory (const struct pull_config *config, unsigned nr_workers,
              unsigned *nr_tasks, uint32_t *read_size)
{
  uint32_t max_block = config->source->max_block;

  *read_size
    = config->request_size < max_block ? config->request_size : max_block;
  *read_size -= *read_size % config->source->min_block;
  if (*read_size == 0)
    *read_size = config->source->min_block;
  *nr_tasks = IN_FLIGHT_MAX / nr_workers / task_size_of (config);
  if (*nr_tasks > config->requests)
    *nr_tasks = config->requests;
}

static int
make_workers (struct pull *pull)
{
  const struct pull_config *config = &pull->config;
  uint32_t task_size = task_size_of (config), read_size;
  unsigned nr_workers, nr_tasks;

  if (open_connections (pull, task_size) == -1)
    return -1;
  nr_workers = pull->nr_connections;
  share_memory (config, nr_workers, &nr_tasks, &read_size);
  pull->workers = calloc (nr_workers, sizeof *pull->workers);
  pull->consumers = calloc (nr_workers, sizeof *pull->consumers);
  if (pull->workers == NULL || pull->consumers == NULL) {
    pb_set_error (ENOMEM, "no memory for workers: %s", strerror (ENOMEM));
    return -1;
  }
  for (unsigned i = 0; i < nr_workers; i++) {
    struct worker *worker = &pull->workers[i];

    pull->nr_workers++;
    if (worker_init (worker, pull, i, nr_tasks, task_size, read_size) == -1)
      return -1;
    pull->consumers[i].wake_fd = worker->wake_fd;
    worker->nbd = pull->connections[i];
    pull->connections[i] = NULL;
  }
  return 0;
}

/* The mapper has a connection of its own where that is allowed, so that its
 * small replies do not queue up behind data.
 */
static int
make_plan (struct pull *pull)
{
  const struct worker *first = &pull->workers[0];

  if (pull->config.source->multi_conn
      && connect_one_more (pull, &pull->map_nbd) == -1)
    return -1;
  pull->plan = pull->map_nbd ? plan_new (pull, pull->map_nbd, -1)
                             : plan_new (pull, first->nbd, first->wake_fd);
  return pull->plan ? 0 : -1;
}

static int
start_thread (struct pull *pull, pthread_t *thread, void *(*run) (void *),
              void *opaque)
{
  int err;

  atomic_fetch_add (&pull->running, 1);
  err = pthread_create (thread, NULL, run, opaque);
  if (err) {
    atomic_fetch_sub (&pull->running, 1);
    pb_set_error (err, "cannot start a thread: %s", strerror (err));
    return -1;
  }
  pull->nr_threads++;
  return 0;
}

/* End all connections in good order, where the server lets us. */
static void
leave (struct pull *pull)
{
  uint64_t deadline = monotonic_ns () + LEAVE_NS;

  if (pull->map_nbd)
    nbd_leave (pull->map_nbd, deadline);
  if (pull->config.source->map_nbd)
    nbd_leave (pull->config.source->map_nbd, deadline);
  if (pull->config.source->nbd)
    nbd_leave (pull->config.source->nbd, deadline);
  for (unsigned i = 0; i < pull->nr_connections; i++)
    if (pull->connections[i])
      nbd_leave (pull->connections[i], deadline);
  for (unsigned i = 0; i < pull->nr_workers; i++)
    if (pull->workers[i].nbd)
      nbd_leave (pull->workers[i].nbd, deadline);
}

static void
destroy (struct pull *pull)
{
  leave (pull);

  /* Closing a connection ends its commands, which use buffers, windows of the
   * map and eventfds: those go last.
   */
  pb_extents_free (pull->plan);
  if (pull->map_nbd)
    nbd_close (pull->map_nbd);
  for (unsigned i = 0; i < pull->nr_workers; i++)
    if (pull->workers[i].nbd)
      nbd_close (pull->workers[i].nbd);
  for (unsigned i = 0; i < pull->nr_connections; i++)
    nbd_close (pull->connections[i]);
  free (pull->connections);
  free (pull->refusal);
  source_disconnect (pull->config.source);
  for (unsigned i = 0; i < pull->nr_workers; i++)
    worker_destroy (&pull->workers[i]);
  free (pull->workers);
  free (pull->consumers);
  if (pull->mapper_wake_fd >= 0)
    close (pull->mapper_wake_fd);
  if (pull->done_fd >= 0)
    close (pull->done_fd);
  free (pull->error);
  pthread_mutex_destroy (&pull->error_lock);
}

int
pull_connect (struct pull *pull, const struct pull_config *config)
{
  if (init (pull, config) == -1 || make_workers (pull) == -1
      || make_plan (pull) == -1
      || queue_init (&pull->queue, pull->consumers, pull->nr_workers) == -1) {
    destroy (pull);
    return -1;
  }
  return 0;
}

int
pull_start (struct pull *pull)
{
  /* One more, so that done_fd is written to only when all have started. */
  atomic_store (&pull->running, 1);
  if (start_thread (pull, &pull->mapper, mapper_run, pull) == -1)
    goto fail;
  for (unsigned i = 0; i < pull->nr_workers; i++)
    if (start_thread (pull, &pull->workers[i].thread, worker_run,
                      &pull->workers[i])
        == -1)
      goto fail;
  pull_thread_ends (pull);
  return 0;

 fail:
  pull_fail (pull);
  return pull_finish (pull);
}

int
pull_finish (struct pull *pull)
{
  int result = 0;

  if (pull->nr_threads)
    pthread_join (pull->mapper, NULL);
  for (unsigned i = 0; i + 1 < pull->nr_threads; i++)
    pthread_join (pull->workers[i].thread, NULL);
  if (pull->errnum) {
    pb_set_error (pull->errnum, "%s",
                  pull->error ? pull->error : strerror (pull->errnum));
    result = -1;
  }
  else if (pull->stop) {
    pb_set_error (ECANCELED, "stopped");
    result = -1;
  }
  queue_destroy (&pull->queue);
  destroy (pull);
  return result;
}

int
pull_map (struct pull *pull, const struct pull_config *config)
{
  int result = -1;

  if (init (pull, config) == 0) {
    pull->plan = plan_new (pull, config->source->nbd, -1);
    if (pull->plan)
      result = mapper_count (pull);
  }
  destroy (pull);
  return result;
}
