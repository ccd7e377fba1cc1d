/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* activation.c: being started by systemd. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "activation.h"
#include "cleanup.h"
#include "pullback.h"

/* More than anybody wants, and no harm to an int. */
#define NR_FDS_MAX 1024

static int
add_socket (struct listeners *listeners, int fd)
{
  int is_listening = 0;
  socklen_t length = sizeof is_listening;

  if (fcntl (fd, F_SETFD, FD_CLOEXEC) == -1
      || getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length)
           == -1) {
    pb_set_error (errno, "LISTEN_FDS: descriptor %d: %s", fd,
                  strerror (errno));
    return -1;
  }
  if (!is_listening) {
    pb_set_error (EINVAL, "LISTEN_FDS: descriptor %d is no socket that "
                          "listens",
                  fd);
    return -1;
  }
  return listeners_add_open (listeners, fd);
}

int
activation_take (struct listeners *listeners)
{
  const char *pid = getenv ("LISTEN_PID"), *fds = getenv ("LISTEN_FDS");
  char *end;
  long nr;
  int r = 0;

  if (pid == NULL || fds == NULL || strtol (pid, &end, 10) != getpid ()
      || *end != '\0')
    return 0; /* not for this process */
  nr = strtol (fds, &end, 10);
  if (fds[0] < '0' || fds[0] > '9' || *end != '\0' || nr > NR_FDS_MAX) {
    pb_set_error (EINVAL, "LISTEN_FDS: '%s' is no number of descriptors", fds);
    return -1;
  }
  for (int i = 0; i < nr && r == 0; i++)
    r = add_socket (listeners, ACTIVATION_FIRST_FD + i);
  unsetenv ("LISTEN_PID");
  unsetenv ("LISTEN_FDS");
  unsetenv ("LISTEN_FDNAMES");
  return r;
}

/* A datagram to the socket that $NOTIFY_SOCKET names; '@' stands for the NUL of
 * an abstract one.  Nobody waits for an answer, so that it fails is no matter.
 */
static void
notify (const char *text)
{
  const char *path = getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  size_t length = path ? strlen (path) : 0;

  if (length < 2 || length >= sizeof address.sun_path)
    return;
  memcpy (address.sun_path, path, length);
  if (path[0] == '@')
    address.sun_path[0] = '\0';

  int CLEANUP_CLOSE fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd == -1
      || sendto (fd, text, strlen (text), MSG_NOSIGNAL,
                 (struct sockaddr *) &address,
                 offsetof (struct sockaddr_un, sun_path) + length)
           == -1)
    return;
}

void
activation_notify_ready (void)
{
  notify ("READY=1");
}

void
activation_notify_stopping (void)
{
  notify ("STOPPING=1");
}
