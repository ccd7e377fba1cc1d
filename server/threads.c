/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* threads.c: the server's threads. */

#include "config.h"

#include <string.h>

#include "pullback.h"
#include "threads.h"

/* A read through 200 layers of a backing chain takes a small part of it, errors
 * another; the C library's usual 8 MiB for each of thousands of threads would
 * run into limits on address space.
 */
#define STACK_SIZE ((size_t) 512 << 10)

static int
start (pthread_t *thread, int state, void *(*run) (void *), void *opaque)
{
  pthread_attr_t attributes;
  int errnum;

  pthread_attr_init (&attributes); /* none of these fails on Linux */
  pthread_attr_setstacksize (&attributes, STACK_SIZE);
  pthread_attr_setdetachstate (&attributes, state);
  errnum = pthread_create (thread, &attributes, run, opaque);
  pthread_attr_destroy (&attributes);
  if (errnum != 0) {
    pb_set_error (errnum, "a thread cannot be started: %s", strerror (errnum));
    return -1;
  }
  return 0;
}

int
thread_start (pthread_t *thread, void *(*run) (void *), void *opaque)
{
  return start (thread, PTHREAD_CREATE_JOINABLE, run, opaque);
}

int
thread_start_detached (void *(*run) (void *), void *opaque)
{
  pthread_t thread;

  return start (&thread, PTHREAD_CREATE_DETACHED, run, opaque);
}
