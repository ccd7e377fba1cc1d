/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pull.h: the engine: one mapper, and a worker for each connection.
 *
 *   server --map--> mapper --batches--> workers --reads--> server
 *                                          |
 *                                          +----> writer
 *
 * The mapper turns the server's maps into work and runs ahead of the workers,
 * which start with the first batch.  A worker has its own connection, keeps
 * many reads in flight on it, and hands what comes back to the writer; on the
 * way of the data no lock is taken but the writer's short one for its tables.
 * Where the server takes no connection for the mapper it asks over that of the
 * first worker, who then drives it for both.
 */

#ifndef PULLBACK_PULL_H
#define PULLBACK_PULL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "pullback.h"
#include "queue.h"
#include "rate.h"
#include "source.h"

struct pull_config {
  struct source *source;
  pb_writer *writer;      /* NULL: map only (pull_map ()) */
  bool is_increment;
  uint64_t backing_size;  /* bytes of an increment's backing file */
  uint32_t granule;       /* work is cut at multiples of this power of two */
  unsigned connections;   /* for data, at most: as many as the server takes */
  unsigned requests;      /* in flight on each connection */
  uint32_t request_size;  /* bytes */
  uint64_t rate_limit;    /* bytes a second, 0: none */
};

/* How far it is.  Read at any time. */
struct pull_counters {
  _Atomic uint64_t mapped;      /* bytes of the disk whose map is known */
  _Atomic uint64_t clean;       /* of these: not to be pulled */
  _Atomic uint64_t zero;        /* changed to zeroes: not read either */
  _Atomic uint64_t data;        /* to be read */
  _Atomic uint64_t data_extents, zero_extents;
  _Atomic uint64_t read;        /* bytes read and written */
};

struct worker;

struct pull {
  struct pull_config config;
  struct pull_counters counters;
  struct rate rate;
  struct queue queue;
  struct queue_consumer *consumers;

  struct nbd_handle **connections; /* until workers have them */
  unsigned nr_connections;
  char *refusal; /* why there are not as many as were wanted, or NULL */

  pthread_t mapper;
  int mapper_wake_fd;
  pb_extents *plan;
  struct nbd_handle *map_nbd; /* the mapper's own connection, or NULL */

  unsigned nr_workers;
  struct worker *workers;
  unsigned nr_threads; /* started, mapper first */

  bool stop;             /* __atomic: everyone ends as soon as possible */
  atomic_uint running;   /* threads that have not ended */
  int done_fd;           /* written to when the last one ends */

  pthread_mutex_t error_lock;
  char *error; /* of the thread that failed first, or NULL */
  int errnum;
};

/* Open the connections that are still missing.  This waits for the server, and
 * can only be ended by ending the program: signals must not be blocked yet.
 */
int pull_connect (struct pull *pull, const struct pull_config *config);

/* Start the threads of a pull that is connected.  When this fails, everything
 * is freed already.
 */
int pull_start (struct pull *pull);

/* Make it end early. */
void pull_stop (struct pull *pull);

/* Wait for all threads and free everything but the counters.  Returns 0 when
 * all of the plan was carried out, else -1 with the first error.
 */
int pull_finish (struct pull *pull);

/* Only read the map, and fill in PULL's counters. */
int pull_map (struct pull *pull, const struct pull_config *config);

/*** For the engine's own files. ***/

/* Record the error of this thread, if it is the first, and stop everyone. */
void pull_fail (struct pull *pull);

/* The last thing that a thread does. */
void pull_thread_ends (struct pull *pull);

static inline bool
pull_is_stopped (const struct pull *pull)
{
  return __atomic_load_n (&pull->stop, __ATOMIC_ACQUIRE);
}

#endif /* PULLBACK_PULL_H */
