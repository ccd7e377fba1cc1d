/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport-plain.c: a stream socket as it is. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "pullback.h"
#include "transport.h"

/* How long what was sent by TCP may take to arrive, how often that is looked at,
 * and how much is dropped each time (times 4 KiB).
 */
#define LINGER_MS      1000
#define LINGER_STEP_MS 5
#define LINGER_DROPS   64

struct plain_transport {
  struct transport transport; /* must be first */
  uint64_t deadline;          /* or 0 */
};

/* Wait until the socket is ready, or the deadline has passed. */
static int
wait_for (const struct plain_transport *plain, short events)
{
  struct pollfd pollfd = { .fd = plain->transport.fd, .events = events };
  uint64_t now;
  int r;

  do {
    now = clock_ms ();
    if (now >= plain->deadline) {
      pb_set_error (ETIMEDOUT, "the client was too slow");
      return -1;
    }
    r = poll (&pollfd, 1,
              plain->deadline - now < INT_MAX ? plain->deadline - now
                                              : INT_MAX);
  } while (r == 0 || (r == -1 && errno == EINTR));
  if (r == -1)
    pb_set_error (errno, "poll: %s", strerror (errno));
  return r == -1 ? -1 : 0;
}

static ssize_t
plain_receive (struct transport *transport, void *buffer, size_t count)
{
  const struct plain_transport *plain = (struct plain_transport *) transport;
  ssize_t r;

  if (plain->deadline && wait_for (plain, POLLIN) == -1)
    return -1;
  do
    r = recv (transport->fd, buffer, count, 0);
  while (r == -1 && errno == EINTR);
  if (r == -1)
    pb_set_error (errno, "receive: %s", strerror (errno));
  return r;
}

/* Take COUNT bytes, which were sent, off the front of IOV. */
static void
advance (struct iovec **iov, int *nr_iov, size_t count)
{
  while (*nr_iov > 0 && count >= (*iov)->iov_len) {
    count -= (*iov)->iov_len;
    (*iov)++;
    (*nr_iov)--;
  }
  if (count > 0) {
    (*iov)->iov_base = (char *) (*iov)->iov_base + count;
    (*iov)->iov_len -= count;
  }
}

static int
plain_send (struct transport *transport, struct iovec *iov, int nr_iov,
            bool more)
{
  const struct plain_transport *plain = (struct plain_transport *) transport;
  int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0)
              | (plain->deadline ? MSG_DONTWAIT : 0);

  advance (&iov, &nr_iov, 0); /* past empty ones */
  while (nr_iov > 0) {
    struct msghdr message = { .msg_iov = iov, .msg_iovlen = nr_iov };
    ssize_t r = sendmsg (transport->fd, &message, flags);

    if (r >= 0)
      advance (&iov, &nr_iov, r);
    else if (errno == EAGAIN && plain->deadline) {
      if (wait_for (plain, POLLOUT) == -1)
        return -1;
    }
    else if (errno != EINTR) {
      pb_set_error (errno, "send: %s", strerror (errno));
      return -1;
    }
  }
  return 0;
}

/* Is ERRNUM what a socket fails with, and no file? */
static bool
is_of_socket (int errnum)
{
  return errnum == EPIPE || errnum == ECONNRESET || errnum == ENOTCONN
         || errnum == ESHUTDOWN || errnum == ETIMEDOUT;
}

static int64_t
plain_send_file (struct transport *transport, int fd, uint64_t offset,
                 uint64_t count)
{
  off_t at = offset;

  while ((uint64_t) at < offset + count) {
    ssize_t r = sendfile (transport->fd, fd, &at, offset + count - at);

    if (r > 0 || (r == -1 && (errno == EINTR || errno == EAGAIN)))
      continue;
    if (r == -1 && is_of_socket (errno)) {
      pb_set_error (errno, "send: %s", strerror (errno));
      return -1;
    }
    pb_set_error (r == 0 ? EIO : errno, "its file at offset 0x%" PRIx64 ": %s",
                  (uint64_t) at,
                  r == 0 ? "was cut while it was served" : strerror (errno));
    break;
  }
  return at - offset;
}

static size_t
unix_get_unread (struct transport *transport)
{
  int unread;

  return ioctl (transport->fd, SIOCOUTQ, &unread) == -1 ? 0 : unread;
}

static void
plain_set_deadline (struct transport *transport, uint64_t deadline)
{
  ((struct plain_transport *) transport)->deadline = deadline;
}

static void
plain_free (struct transport *transport)
{
  close (transport->fd);
  free (transport);
}

static bool
is_open (int fd)
{
  struct tcp_info info;
  socklen_t length = sizeof info;

  return getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0
         && (info.tcpi_state == TCP_ESTABLISHED
             || info.tcpi_state == TCP_CLOSE_WAIT);
}

static void
drop_input (int fd)
{
  char buffer[4096];

  for (int i = 0; i < LINGER_DROPS; i++)
    if (recv (fd, buffer, sizeof buffer, MSG_DONTWAIT) <= 0)
      return;
}

/* A connection that is closed with something to read, or that gets something to
 * read when it is closed, is reset, and what is under way to the client is lost.
 */
static void
tcp_linger (struct transport *transport)
{
  const struct timespec step = { .tv_nsec = LINGER_STEP_MS * 1000000L };
  int fd = transport->fd, unsent;

  for (unsigned ms = 0; ms < LINGER_MS; ms += LINGER_STEP_MS) {
    drop_input (fd);
    if (!is_open (fd) || ioctl (fd, SIOCOUTQ, &unsent) == -1 || unsent == 0)
      return;
    nanosleep (&step, NULL);
  }
}

/* Over a unix socket sendfile hands the page cache's own pages to the client
 * and saves one of two copies (0.48 of nbdkit's time for a file in the cache,
 * against 0.66 for reading and sending).  Over TCP it was slower than that.
 */
static const struct transport_ops unix_ops = {
  .receive = plain_receive,
  .send = plain_send,
  .send_file = plain_send_file,
  .get_unread = unix_get_unread,
  .set_deadline = plain_set_deadline,
  .free = plain_free,
};

static const struct transport_ops tcp_ops = {
  .receive = plain_receive,
  .send = plain_send,
  .set_deadline = plain_set_deadline,
  .linger = tcp_linger,
  .free = plain_free,
};

struct transport *
transport_plain_new (int fd)
{
  struct plain_transport *plain = calloc (1, sizeof *plain);
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  if (plain == NULL
      || getsockname (fd, (struct sockaddr *) &address, &length) == -1) {
    pb_set_error (errno, "socket: %s", strerror (errno));
    free (plain);
    close (fd);
    return NULL;
  }
  plain->transport.ops = address.ss_family == AF_UNIX ? &unix_ops : &tcp_ops;
  plain->transport.fd = fd;
  return &plain->transport;
}
