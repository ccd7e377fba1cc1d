/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* queue.c: work on its way from the mapper to the workers. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "nbd-handle.h"
#include "queue.h"

int
queue_init (struct queue *queue, struct queue_consumer *consumers,
            unsigned nr_consumers)
{
  int err;

  memset (queue, 0, sizeof *queue);
  queue->consumers = consumers;
  queue->nr_consumers = nr_consumers;
  err = pthread_mutex_init (&queue->lock, NULL);
  if (err == 0) {
    err = pthread_cond_init (&queue->not_full, NULL);
    if (err)
      pthread_mutex_destroy (&queue->lock);
  }
  if (err) {
    pb_set_error (err, "cannot make a queue: %s", strerror (err));
    return -1;
  }
  return 0;
}

void
queue_destroy (struct queue *queue)
{
  pthread_cond_destroy (&queue->not_full);
  pthread_mutex_destroy (&queue->lock);
}

/* With the lock held. */
static void
wake_idle (struct queue *queue)
{
  for (unsigned i = 0; i < queue->nr_consumers; i++)
    if (queue->consumers[i].idle) {
      queue->consumers[i].idle = false;
      wake (queue->consumers[i].wake_fd);
    }
}

int
queue_push (struct queue *queue, const struct batch *batch)
{
  int result = -1;

  pthread_mutex_lock (&queue->lock);
  while (queue->count == QUEUE_BATCHES && !queue->stopped)
    pthread_cond_wait (&queue->not_full, &queue->lock);
  if (!queue->stopped) {
    queue->batches[(queue->head + queue->count) % QUEUE_BATCHES] = *batch;
    queue->count++;
    wake_idle (queue);
    result = 0;
  }
  pthread_mutex_unlock (&queue->lock);
  return result;
}

bool
queue_is_starved (struct queue *queue)
{
  bool starved = false;

  pthread_mutex_lock (&queue->lock);
  if (queue->count == 0)
    for (unsigned i = 0; i < queue->nr_consumers; i++)
      starved |= queue->consumers[i].idle;
  pthread_mutex_unlock (&queue->lock);
  return starved;
}

void
queue_end (struct queue *queue)
{
  pthread_mutex_lock (&queue->lock);
  queue->ended = true;
  wake_idle (queue);
  pthread_mutex_unlock (&queue->lock);
}

void
queue_stop (struct queue *queue)
{
  pthread_mutex_lock (&queue->lock);
  queue->stopped = true;
  queue->count = 0;
  pthread_cond_broadcast (&queue->not_full);
  wake_idle (queue);
  pthread_mutex_unlock (&queue->lock);
}

enum queue_result
queue_pop (struct queue *queue, unsigned consumer, struct batch *batch)
{
  enum queue_result result;

  pthread_mutex_lock (&queue->lock);
  if (queue->stopped)
    result = QUEUE_ENDED;
  else if (queue->count) {
    *batch = queue->batches[queue->head];
    queue->head = (queue->head + 1) % QUEUE_BATCHES;
    queue->count--;
    pthread_cond_signal (&queue->not_full);
    result = QUEUE_BATCH;
  }
  else if (queue->ended)
    result = QUEUE_ENDED;
  else {
    queue->consumers[consumer].idle = true;
    result = QUEUE_EMPTY;
  }
  pthread_mutex_unlock (&queue->lock);
  return result;
}
