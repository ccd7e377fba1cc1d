/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* worker.c: one connection, many reads in flight, one writer behind it. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "nbd-handle.h"
#include "worker.h"

static int
on_read (void *opaque, int *error)
{
  struct task *task = ((struct read *) opaque)->task;

  if (*error)
    atomic_store (&task->error, *error);
  atomic_fetch_sub (&task->pending, 1);
  return NBD_NOT_YET_RETIRED;
}

static int
ask_for (struct worker *worker, struct task *task)
{
  uint32_t done = 0;

  task->is_asked_for = true;
  task->nr_reads = 0;
  while (done < task->length) {
    struct read *read = &task->reads[task->nr_reads];
    nbd_chunk_callback chunk
      = { .callback = nbd_coverage_add, .user_data = &read->coverage };
    nbd_completion_callback completion
      = { .callback = on_read, .user_data = read };
    uint32_t n = task->length - done;

    if (n > worker->read_size)
      n = worker->read_size;
    nbd_coverage_start (&read->coverage, task->offset + done, n);
    task->nr_reads++;
    atomic_fetch_add (&task->pending, 1);
    read->cookie
      = nbd_aio_pread_structured (worker->nbd, task->buffer + done, n,
                                  task->offset + done, chunk, completion, 0);
    if (read->cookie == -1) {
      atomic_fetch_sub (&task->pending, 1);
      set_command_error (worker->nbd, "%s: cannot read %" PRIu32
                         " bytes at offset 0x%" PRIx64,
                         worker->pull->config.source->uri, n,
                         task->offset + done);
      return -1;
    }
    done += n;
  }
  return 0;
}

/* Memory of a task, when it is used for the first time. */
static int
allocate_task (struct worker *worker, struct task *task)
{
  unsigned nr_reads = (worker->task_size - 1) / worker->read_size + 1;

  if (task->buffer)
    return 0;
  task->reads = calloc (nr_reads, sizeof *task->reads);
  task->buffer = malloc (worker->task_size);
  if (task->reads == NULL || task->buffer == NULL) {
    pb_set_error (ENOMEM, "no memory for a request: %s", strerror (ENOMEM));
    return -1;
  }
  for (unsigned i = 0; i < nr_reads; i++)
    task->reads[i].task = task;
  return 0;
}

static struct task *
free_task (struct worker *worker)
{
  for (unsigned i = 0; i < worker->nr_tasks; i++) {
    struct task *task = &worker->tasks[i];

    if (task->length == 0)
      return allocate_task (worker, task) == 0 ? task : NULL;
  }
  return NULL;
}

/* Fill in TASK from the work at hand.  Zeroes need no request, so they are
 * written on the way.  Returns 1, 0 when there is nothing to do for now, or -1
 * on error.
 */
static int
next_task (struct worker *worker, struct task *task)
{
  struct pull *pull = worker->pull;

  for (;;) {
    struct pb_extent *item = &worker->batch.items[worker->next_item];

    if (worker->next_item == worker->batch.nr_items) {
      if (worker->no_more)
        return 0;
      worker->batch.nr_items = 0;
      worker->next_item = 0;
      switch (queue_pop (&pull->queue, worker->index, &worker->batch)) {
      case QUEUE_BATCH:
        continue;
      case QUEUE_ENDED:
        worker->no_more = true;
        return 0;
      case QUEUE_EMPTY:
        return 0;
      }
    }
    if (pull_is_stopped (pull))
      return 0;
    if (item->flags & PB_EXTENT_ZERO) {
      if (pb_writer_zero (pull->config.writer, item->length, item->offset)
          == -1)
        return -1;
      worker->next_item++;
      continue;
    }
    task->offset = item->offset;
    task->length = worker->task_size;
    if (item->length < task->length)
      task->length = item->length;
    task->is_asked_for = false;
    atomic_store (&task->error, 0);
    item->offset += task->length;
    item->length -= task->length;
    if (item->length == 0)
      worker->next_item++;
    task->due = rate_reserve (&pull->rate, task->length);
    return 1;
  }
}

/* Give every free task something to do. */
static int
start_tasks (struct worker *worker)
{
  while (worker->nr_busy < worker->nr_tasks) {
    struct task *task = free_task (worker);
    int r;

    if (task == NULL)
      return -1;
    r = next_task (worker, task);
    if (r <= 0)
      return r;
    worker->nr_busy++;
  }
  return 0;
}

/* Ask for what is due.  Sets *WAIT_MS to the time until something else is. */
static int
ask_for_due (struct worker *worker, int *wait_ms)
{
  uint64_t now = worker->pull->config.rate_limit ? monotonic_ns () : 0;
  uint64_t next = UINT64_MAX;

  for (unsigned i = 0; i < worker->nr_tasks; i++) {
    struct task *task = &worker->tasks[i];

    if (task->length == 0 || task->is_asked_for)
      continue;
    if (task->due > now) {
      if (task->due < next)
        next = task->due;
    }
    else if (ask_for (worker, task) == -1)
      return -1;
  }
  *wait_ms = -1;
  if (next != UINT64_MAX)
    *wait_ms = (next - now) / 1000000 < 1000 ? (next - now) / 1000000 + 1
                                             : 1000;
  return 0;
}

/* TASK's reply is there: check it and hand it to the writer. */
static int
complete (struct worker *worker, struct task *task)
{
  struct pull *pull = worker->pull;
  const char *uri = pull->config.source->uri;
  int error = atomic_load (&task->error);

  for (unsigned i = 0; i < task->nr_reads; i++)
    nbd_retire (worker->nbd, task->reads[i].cookie);
  if (error) {
    pb_set_error (error, "%s: cannot read %" PRIu32 " bytes at offset 0x%"
                  PRIx64 ": %s",
                  uri, task->length, task->offset,
                  nbd_is_gone (worker->nbd) ? NBD_GONE : strerror (error));
    return -1;
  }
  for (unsigned i = 0; i < task->nr_reads; i++)
    if (nbd_coverage_check (&task->reads[i].coverage, uri) == -1)
      return -1;
  if (pb_writer_write (pull->config.writer, task->buffer, task->length,
                       task->offset)
      == -1)
    return -1;
  atomic_fetch_add (&pull->counters.read, task->length);
  task->length = 0;
  worker->nr_busy--;
  return 0;
}

static int
complete_tasks (struct worker *worker)
{
  for (unsigned i = 0; i < worker->nr_tasks; i++) {
    struct task *task = &worker->tasks[i];

    if (task->length && task->is_asked_for
        && atomic_load (&task->pending) == 0
        && complete (worker, task) == -1)
      return -1;
  }
  return 0;
}

/* Each round asks for all that it can before it writes what has come, so the
 * server always has something to do.
 */
static int
work (struct worker *worker)
{
  int wait_ms;

  for (;;) {
    if (pull_is_stopped (worker->pull))
      return 0;
    if (start_tasks (worker) == -1 || ask_for_due (worker, &wait_ms) == -1)
      return -1;
    if (worker->nr_busy == 0 && worker->no_more)
      return 0;
    if (nbd_wait (worker->nbd, worker->wake_fd, wait_ms) == -1)
      return -1;
    if (complete_tasks (worker) == -1)
      return -1;
  }
}

void *
worker_run (void *opaque)
{
  struct worker *worker = opaque;

  if (work (worker) == -1)
    pull_fail (worker->pull);
  pull_thread_ends (worker->pull);
  return NULL;
}

int
worker_init (struct worker *worker, struct pull *pull, unsigned index,
             unsigned nr_tasks, uint32_t task_size, uint32_t read_size)
{
  *worker = (struct worker) {
    .pull = pull,
    .index = index,
    .nr_tasks = nr_tasks,
    .task_size = task_size,
    .read_size = read_size,
    .wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK),
  };
  if (worker->wake_fd == -1) {
    pb_set_error (errno, "eventfd: %s", strerror (errno));
    return -1;
  }
  worker->tasks = calloc (nr_tasks, sizeof *worker->tasks);
  if (worker->tasks == NULL) {
    pb_set_error (ENOMEM, "no memory for requests: %s", strerror (ENOMEM));
    return -1;
  }
  return 0;
}

void
worker_destroy (struct worker *worker)
{
  if (worker->tasks)
    for (unsigned i = 0; i < worker->nr_tasks; i++) {
      free (worker->tasks[i].buffer);
      free (worker->tasks[i].reads);
    }
  free (worker->tasks);
  if (worker->wake_fd >= 0)
    close (worker->wake_fd);
}
