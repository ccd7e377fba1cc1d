/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* worker.h: one connection, many reads in flight, one writer behind it. */

#ifndef PULLBACK_WORKER_H
#define PULLBACK_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "nbd-coverage.h"
#include "pull.h"

struct task;

/* One request of a task. */
struct read {
  struct task *task;
  struct nbd_coverage coverage;
  int64_t cookie;
};

/* A piece of the disk on its way.  It may take several reads, where the
 * server's longest request is shorter than the piece.
 */
struct task {
  uint8_t *buffer;
  uint64_t offset;
  uint32_t length;  /* 0: the task is free */
  uint64_t due;     /* when it may be asked for (monotonic_ns ()) */
  bool is_asked_for;
  atomic_uint pending;       /* reads in flight */
  atomic_int error;          /* errno of a read that failed */
  struct read *reads;
  unsigned nr_reads;
};

struct worker {
  struct pull *pull;
  unsigned index; /* also among the queue's consumers */
  struct nbd_handle *nbd;
  int wake_fd;
  pthread_t thread;

  struct task *tasks;
  unsigned nr_tasks;
  unsigned nr_busy;
  uint32_t task_size; /* bytes, a multiple of the granule */
  uint32_t read_size; /* bytes of one read at most */

  struct batch batch; /* work taken from the queue */
  unsigned next_item;
  bool no_more; /* the queue has ended */
};

/* TASK_SIZE times NR_TASKS bytes of buffers are allocated as they are needed.
 */
int worker_init (struct worker *worker, struct pull *pull, unsigned index,
                 unsigned nr_tasks, uint32_t task_size, uint32_t read_size);

/* After its thread has ended and its connection is closed. */
void worker_destroy (struct worker *worker);

/* A thread's main function. */
void *worker_run (void *worker);

#endif /* PULLBACK_WORKER_H */
