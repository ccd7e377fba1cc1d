/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-handle.c: small things that every user of a libnbd handle needs. */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "nbd-handle.h"
#include "pullback.h"

static void record (int errnum, const char *cause, const char *format,
                    va_list args)
  __attribute__ ((__format__ (__printf__, 3, 0)));

static void
record (int errnum, const char *cause, const char *format, va_list args)
{
  char what[2048];

  vsnprintf (what, sizeof what, format, args);
  pb_set_error (errnum ? errnum : EIO, "%s: %s", what,
                cause ? cause : NBD_GONE);
}

void
set_nbd_error (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  record (nbd_get_errno (), nbd_get_error (), format, args);
  va_end (args);
}

void
set_command_error (struct nbd_handle *nbd, const char *format, ...)
{
  const char *cause = nbd_get_error ();
  int errnum = nbd_get_errno ();
  va_list args;

  if (nbd_is_gone (nbd)) {
    cause = NBD_GONE;
    errnum = ENOTCONN;
  }
  va_start (args, format);
  record (errnum, cause, format, args);
  va_end (args);
}

bool
nbd_is_gone (struct nbd_handle *nbd)
{
  return nbd_aio_is_dead (nbd) == 1 || nbd_aio_is_closed (nbd) == 1;
}

void
nbd_retire (struct nbd_handle *nbd, int64_t cookie)
{
  nbd_aio_command_completed (nbd, cookie); /* fails as the command has */
}

void
nbd_leave (struct nbd_handle *nbd, uint64_t deadline)
{
  int r = -1;

  if (nbd_aio_is_negotiating (nbd) == 1)
    r = nbd_aio_opt_abort (nbd);
  else if (nbd_aio_is_ready (nbd) == 1 || nbd_aio_is_processing (nbd) == 1)
    r = nbd_aio_disconnect (nbd, 0);
  if (r == -1)
    return;
  while (!nbd_is_gone (nbd)) {
    uint64_t now = monotonic_ns ();

    if (now >= deadline
        || nbd_poll (nbd, (deadline - now) / 1000000 + 1) == -1)
      return;
  }
}

void
wake (int wake_fd)
{
  uint64_t one = 1;
  ssize_t r;

  /* Fails only where the counter is full, and then it is awake already. */
  r = write (wake_fd, &one, sizeof one);
  (void) r;
}

int
nbd_wait (struct nbd_handle *nbd, int wake_fd, int timeout_ms)
{
  unsigned direction = 0;
  struct pollfd fds[2] = {
    { .fd = wake_fd, .events = POLLIN },
    { .fd = -1 },
  };
  uint64_t counter;

  if (nbd && !nbd_is_gone (nbd)) {
    direction = nbd_aio_get_direction (nbd);
    fds[1].fd = nbd_aio_get_fd (nbd);
    if (direction & LIBNBD_AIO_DIRECTION_READ)
      fds[1].events |= POLLIN;
    if (direction & LIBNBD_AIO_DIRECTION_WRITE)
      fds[1].events |= POLLOUT;
  }
  if (poll (fds, 2, timeout_ms) == -1) {
    if (errno == EINTR)
      return 0;
    pb_set_error (errno, "poll: %s", strerror (errno));
    return -1;
  }
  if (fds[0].revents) {
    ssize_t r = read (wake_fd, &counter, sizeof counter);
    (void) r;
  }
  /* A hang-up is found by reading.  Both calls fail when the connection ends;
   * whoever has commands in flight is told through their callbacks.
   */
  if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)
      && direction & LIBNBD_AIO_DIRECTION_READ)
    nbd_aio_notify_read (nbd);
  else if (fds[1].revents & (POLLOUT | POLLHUP | POLLERR)
           && direction & LIBNBD_AIO_DIRECTION_WRITE)
    nbd_aio_notify_write (nbd);
  return 0;
}

const char *
printable (const char *text, char *buffer, size_t size)
{
  size_t i;

  for (i = 0; i + 1 < size && text[i]; i++)
    buffer[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
  buffer[i] = '\0';
  return buffer;
}
