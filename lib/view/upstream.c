/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upstream.c: one connection to another NBD server, for many threads. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "error.h"
#include "nbd-coverage.h"
#include "nbd-handle.h"
#include "upstream.h"

/* A request that is waited for. */
struct call {
  struct upstream *upstream;
  struct nbd_reply *reply;      /* of a block status request */
  struct nbd_coverage coverage; /* of a read */
  atomic_bool is_done;
  int error; /* errno, once done */
  pthread_cond_t woken;
  struct call *previous, *next;
};

struct upstream {
  struct nbd_handle *nbd;
  const char *name;
  int wake_fd; /* an eventfd: the driver must look anew what to wait for */

  /* Taken by callbacks, which run with NBD's own lock held; so NBD is never
   * called with this one held.
   */
  pthread_mutex_t lock;
  bool is_driven;
  pthread_t driver;
  struct call *calls; /* that are waited for */
};

static int
on_completion (void *opaque, int *error)
{
  struct call *call = opaque;
  struct upstream *upstream = call->upstream;

  pthread_mutex_lock (&upstream->lock);
  call->error = *error;
  atomic_store (&call->is_done, true);
  pthread_cond_signal (&call->woken);
  /* It may be the driver's own, who waits in another way; and one who sends a
   * command may be the one that finds the connection at its end.
   */
  if (upstream->is_driven
      && !pthread_equal (upstream->driver, pthread_self ()))
    wake (upstream->wake_fd);
  pthread_mutex_unlock (&upstream->lock);
  return NBD_NOT_YET_RETIRED;
}

static int
on_extents (void *opaque, const char *context, uint64_t offset,
            uint32_t *entries, size_t nr_entries, int *error)
{
  return nbd_reply_add (((struct call *) opaque)->reply, context, offset,
                        entries, nr_entries, error);
}

static void
call_init (struct call *call, struct upstream *upstream)
{
  *call = (struct call) { .upstream = upstream };
  pthread_cond_init (&call->woken, NULL); /* cannot fail on Linux */

  pthread_mutex_lock (&upstream->lock);
  call->next = upstream->calls;
  if (call->next)
    call->next->previous = call;
  upstream->calls = call;
  pthread_mutex_unlock (&upstream->lock);
}

/* With the lock held: where nobody drives the connection, somebody who still
 * waits has to.
 */
static void
hand_over (struct upstream *upstream)
{
  if (upstream->is_driven)
    return;
  for (struct call *call = upstream->calls; call; call = call->next)
    if (!atomic_load (&call->is_done)) {
      pthread_cond_signal (&call->woken);
      return;
    }
}

static void
call_end (struct call *call)
{
  struct upstream *upstream = call->upstream;

  pthread_mutex_lock (&upstream->lock);
  if (call->previous)
    call->previous->next = call->next;
  else
    upstream->calls = call->next;
  if (call->next)
    call->next->previous = call->previous;
  hand_over (upstream);
  pthread_mutex_unlock (&upstream->lock);
  pthread_cond_destroy (&call->woken);
}

/* Be woken when the call is done, or when there is nobody to drive the
 * connection.
 */
static void
call_wait (struct call *call)
{
  struct upstream *upstream = call->upstream;

  pthread_mutex_lock (&upstream->lock);
  while (!atomic_load (&call->is_done)) {
    if (upstream->is_driven) {
      pthread_cond_wait (&call->woken, &upstream->lock);
      continue;
    }
    upstream->is_driven = true;
    upstream->driver = pthread_self ();
    pthread_mutex_unlock (&upstream->lock);
    /* That waiting fails is for lack of memory, and passes.  A connection that
     * ends completes all calls.
     */
    while (!atomic_load (&call->is_done))
      if (nbd_wait (upstream->nbd, upstream->wake_fd, -1) == -1)
        usleep (1000);
    pthread_mutex_lock (&upstream->lock);
    upstream->is_driven = false;
  }
  pthread_mutex_unlock (&upstream->lock);
}

/* Wait for what has been sent, or was not if COOKIE is -1.  The command was to
 * do WHAT with COUNT bytes at OFFSET.
 */
static int
finish (struct call *call, int64_t cookie, const char *what, uint64_t count,
        uint64_t offset)
{
  struct upstream *upstream = call->upstream;
  int r = -1;

  if (cookie == -1)
    set_command_error (upstream->nbd, "%s: cannot %s %" PRIu64
                       " bytes at offset 0x%" PRIx64,
                       upstream->name, what, count, offset);
  else {
    /* A driver waits for what it saw to wait for before this was sent. */
    if (nbd_aio_get_direction (upstream->nbd) & LIBNBD_AIO_DIRECTION_WRITE)
      wake (upstream->wake_fd);
    call_wait (call);
    nbd_retire (upstream->nbd, cookie);
    r = call->error ? -1 : 0;
  }
  if (call->error) {
    /* What is cut off is told so before the handle itself says that it is. */
    bool is_gone
      = call->error == ENOTCONN || upstream_is_gone (upstream);

    pb_set_error (is_gone ? ENOTCONN : call->error,
                  "%s: the server cannot %s %" PRIu64
                  " bytes at offset 0x%" PRIx64 ": %s",
                  upstream->name, what, count, offset,
                  is_gone ? NBD_GONE : strerror (call->error));
  }
  call_end (call);
  return r;
}

int
upstream_read (struct upstream *upstream, void *buffer, size_t count,
               uint64_t offset)
{
  struct call call;
  nbd_chunk_callback chunk
    = { .callback = nbd_coverage_add, .user_data = &call.coverage };
  nbd_completion_callback completion
    = { .callback = on_completion, .user_data = &call };

  call_init (&call, upstream);
  nbd_coverage_start (&call.coverage, offset, count);
  if (finish (&call,
              nbd_aio_pread_structured (upstream->nbd, buffer, count, offset,
                                        chunk, completion, 0),
              "read", count, offset)
      == -1)
    return -1;
  return nbd_coverage_check (&call.coverage, upstream->name);
}

int
upstream_block_status (struct upstream *upstream, struct nbd_reply *reply)
{
  struct call call;
  nbd_extent_callback each = { .callback = on_extents, .user_data = &call };
  nbd_completion_callback completion
    = { .callback = on_completion, .user_data = &call };

  call_init (&call, upstream);
  call.reply = reply;
  return finish (&call,
                 nbd_aio_block_status (upstream->nbd, reply->length,
                                       reply->offset, each, completion, 0),
                 "map", reply->length, reply->offset);
}

bool
upstream_is_gone (const struct upstream *upstream)
{
  return nbd_is_gone (upstream->nbd);
}

/* Who listens at the other end of NBD's unix socket; 0 for other sockets. */
static pid_t
peer_of (struct nbd_handle *nbd)
{
  struct ucred peer = { .pid = 0 };
  socklen_t length = sizeof peer;

  if (getsockopt (nbd_aio_get_fd (nbd), SOL_SOCKET, SO_PEERCRED, &peer,
                  &length)
      == -1)
    return 0;
  return peer.pid;
}

bool
upstream_has_peer (const struct upstream *upstream, struct nbd_handle *nbd)
{
  return peer_of (upstream->nbd) == peer_of (nbd);
}

struct upstream *
upstream_new (struct nbd_handle *nbd, const char *name)
{
  struct upstream *upstream = calloc (1, sizeof *upstream);
  uint32_t strict = nbd_get_strict_mode (nbd);
  int on = 1;

  if (upstream == NULL) {
    set_error_errno ("%s", name);
    nbd_close (nbd);
    return NULL;
  }
  upstream->nbd = nbd;
  upstream->name = name;
  pthread_mutex_init (&upstream->lock, NULL); /* cannot fail on Linux */
  upstream->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (upstream->wake_fd == -1) {
    set_error_errno ("%s: eventfd", name);
    upstream_free (upstream);
    return NULL;
  }
  /* The end of a disk may lie inside a block of the server's. */
  nbd_set_strict_mode (nbd, strict & ~LIBNBD_STRICT_ALIGN);
  /* A server whose machine is gone is not waited for for ever; a unix socket
   * does not need that, and does not mind.
   */
  setsockopt (nbd_aio_get_fd (nbd), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return upstream;
}

void
upstream_free (struct upstream *upstream)
{
  if (upstream == NULL)
    return;
  /* Nothing is under way, so there is nothing to wait for. */
  if (!nbd_is_gone (upstream->nbd))
    nbd_aio_disconnect (upstream->nbd, 0);
  nbd_close (upstream->nbd);
  if (upstream->wake_fd != -1)
    close (upstream->wake_fd);
  pthread_mutex_destroy (&upstream->lock);
  free (upstream);
}
