/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* queue.h: work on its way from the mapper to the workers.
 *
 * Work travels in batches, so the lock is taken once for some megabytes and is
 * no part of the data path.  The queue is bounded: a mapper that is far ahead
 * waits.
 */

#ifndef PULLBACK_QUEUE_H
#define PULLBACK_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "pullback.h"

#define BATCH_ITEMS 64
#define BATCH_BYTES (UINT64_C (4) << 20) /* of data, not of zeroes */

struct batch {
  struct pb_extent items[BATCH_ITEMS]; /* DIRTY, or DIRTY | ZERO */
  unsigned nr_items;
  uint64_t data_bytes;
};

#define QUEUE_BATCHES 64

struct queue {
  pthread_mutex_t lock;
  pthread_cond_t not_full;
  struct batch batches[QUEUE_BATCHES]; /* a ring, oldest at head */
  unsigned head, count;
  bool ended;   /* no batch will follow */
  bool stopped; /* nobody will take what is left */

  /* Workers that found the queue empty wait on their eventfds. */
  unsigned nr_consumers;
  struct queue_consumer {
    int wake_fd;
    bool idle;
  } *consumers;
};

enum queue_result {
  QUEUE_BATCH, /* *batch is filled in */
  QUEUE_EMPTY, /* for now: the consumer's eventfd will be written to */
  QUEUE_ENDED  /* for good */
};

/* CONSUMERS has one entry for each of NR_CONSUMERS, and outlives the queue. */
int queue_init (struct queue *queue, struct queue_consumer *consumers,
                unsigned nr_consumers);
void queue_destroy (struct queue *queue);

/* Add BATCH, after waiting for room.  Returns -1 when the queue was stopped. */
int queue_push (struct queue *queue, const struct batch *batch);

/* Is some worker waiting for work? */
bool queue_is_starved (struct queue *queue);

/* No batch will follow. */
void queue_end (struct queue *queue);

/* Let everyone go: pushes fail and pops say QUEUE_ENDED from now on. */
void queue_stop (struct queue *queue);

enum queue_result queue_pop (struct queue *queue, unsigned consumer,
                             struct batch *batch);

#endif /* PULLBACK_QUEUE_H */
