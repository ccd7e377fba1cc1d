/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listen.c: the sockets that clients connect to. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "listen.h"
#include "pullback.h"
#include "unix-socket.h"

/* Bytes of a unix socket's path. */
#define PATH_LENGTH_MAX (sizeof ((struct sockaddr_un *) 0)->sun_path - 1)

/* IANA's for NBD. */
#define DEFAULT_PORT "10809"

static int
fail (const char *address, const char *what)
{
  pb_set_error (errno, "--listen %s: %s: %s", address, what, strerror (errno));
  return -1;
}

static struct listener *
add (struct listeners *listeners)
{
  struct listener *list = reallocarray (
    listeners->list, listeners->count + 1, sizeof *listeners->list);

  if (list == NULL) {
    pb_set_error (errno, "--listen: %s", strerror (errno));
    return NULL;
  }
  listeners->list = list;
  list[listeners->count] = (struct listener) { .fd = -1 };
  return &list[listeners->count++];
}

/* A client that has gone before it is accepted, or that another process has
 * taken from a socket that is shared, must not be waited for.
 */
static int
set_nonblocking (const struct listener *listener)
{
  int flags = fcntl (listener->fd, F_GETFL);

  if (flags == -1 || fcntl (listener->fd, F_SETFL, flags | O_NONBLOCK) == -1)
    return fail ("socket", "fcntl");
  return 0;
}

/* The absolute path of a file that lies in the current folder, or under it. */
static char *
in_current_folder (const char *path)
{
  char *CLEANUP_FREE folder = getcwd (NULL, 0);
  char *absolute;

  return folder && asprintf (&absolute, "%s/%s", folder, path) != -1
           ? absolute
           : NULL;
}

static int
listen_unix (struct listener *listener, const char *path, bool for_all)
{
  struct stat st;

  listener->fd = unix_socket_listen (path, for_all);
  if (listener->fd == -1 || set_nonblocking (listener) == -1)
    return -1;
  if (lstat (path, &st) == -1)
    return fail (path, "stat");
  listener->is_ours = true;
  listener->device = st.st_dev;
  listener->inode = st.st_ino;
  /* The command of --run may go elsewhere, where such a path has room. */
  if (path[0] != '/')
    listener->path = in_current_folder (path);
  if (listener->path == NULL || strlen (listener->path) > PATH_LENGTH_MAX) {
    free (listener->path);
    listener->path = strdup (path);
  }
  return listener->path ? 0 : fail (path, "address");
}

static int
set_port (struct listener *listener)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;

  if (getsockname (listener->fd, (struct sockaddr *) &address, &length) == -1)
    return fail ("tcp", "getsockname");
  /* Which is in the same place for IPv4 and IPv6. */
  listener->port = ntohs (((struct sockaddr_in *) &address)->sin_port);
  return 0;
}

static int
listen_tcp (struct listener *listener, const char *text,
            const struct addrinfo *info)
{
  int on = 1;

  listener->fd = socket (info->ai_family,
                         SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener->fd == -1)
    return fail (text, "socket");
  /* A server that is started again need not wait for old connections; and an
   * IPv6 socket leaves IPv4 to the other one.
   */
  if (setsockopt (listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1
      || (info->ai_family == AF_INET6
          && setsockopt (listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
                         sizeof on)
               == -1))
    return fail (text, "setsockopt");
  if (bind (listener->fd, info->ai_addr, info->ai_addrlen) == -1)
    return fail (text, "bind");
  if (listen (listener->fd, SOMAXCONN) == -1)
    return fail (text, "listen");
  return set_port (listener);
}

/* Split "HOST[:PORT]", where HOST may be in brackets, in place. */
static int
split_tcp (char *text, char **host, const char **port)
{
  char *end;

  *port = DEFAULT_PORT;
  *host = text;
  if (text[0] == '[') {
    (*host)++;
    end = strchr (text, ']');
    if (end == NULL || (end[1] != '\0' && end[1] != ':'))
      return -1;
    *end++ = '\0';
  }
  else {
    end = text + strcspn (text, ":");
    if (*end && strchr (end + 1, ':'))
      return -1; /* which of the colons would part host and port? */
  }
  if (*end == ':') {
    *port = end + 1;
    *end = '\0';
    if (**port == '\0')
      return -1;
  }
  return 0;
}

static int
add_tcp (struct listeners *listeners, const char *address)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_PASSIVE | AI_ADDRCONFIG };
  char *CLEANUP_FREE text = strdup (address);
  struct addrinfo *infos;
  const char *port;
  char *host, chosen[16];
  int r;

  if (text == NULL)
    return fail (address, "address");
  if (split_tcp (text, &host, &port) == -1) {
    pb_set_error (EINVAL, "--listen tcp:%s: is not tcp:HOST[:PORT], with an "
                          "IPv6 address in brackets",
                  address);
    return -1;
  }
  /* Which the C library would take for an IPv4 address. */
  if (host[0] && strspn (host, "0123456789") == strlen (host)) {
    pb_set_error (EINVAL, "--listen tcp:%s: '%s' is no host; a port of all "
                          "addresses is written tcp::PORT",
                  address, host);
    return -1;
  }
  /* The C library would take a larger number for another one. */
  if (strspn (port, "0123456789") != strlen (port) || strlen (port) > 5
      || atoi (port) > 65535) {
    pb_set_error (EINVAL, "--listen tcp:%s: there is no port %s", address,
                  port);
    return -1;
  }
  r = getaddrinfo (host[0] ? host : NULL, port, &hints, &infos);
  if (r != 0) {
    pb_set_error (EINVAL, "--listen tcp:%s: %s", address, gai_strerror (r));
    return -1;
  }
  r = 0;
  for (struct addrinfo *info = infos; info && r == 0; info = info->ai_next) {
    struct listener *listener = add (listeners);

    r = listener ? listen_tcp (listener, address, info) : -1;
    if (r == 0 && strcmp (port, "0") == 0 && info->ai_next) {
      /* All of the host's addresses have the port that the first was given. */
      struct addrinfo *rest;

      snprintf (chosen, sizeof chosen, "%d", listener->port);
      for (rest = info->ai_next; rest; rest = rest->ai_next) {
        if (rest->ai_family == AF_INET6)
          ((struct sockaddr_in6 *) rest->ai_addr)->sin6_port
            = htons (listener->port);
        else
          ((struct sockaddr_in *) rest->ai_addr)->sin_port
            = htons (listener->port);
      }
      port = chosen;
    }
  }
  freeaddrinfo (infos);
  return r;
}

int
listeners_add (struct listeners *listeners, const char *address, bool for_all)
{
  struct listener *listener;

  if (strncmp (address, "tcp:", 4) == 0)
    return add_tcp (listeners, address + 4);
  if (strncmp (address, "unix:", 5) != 0) {
    pb_set_error (EINVAL, "--listen %s: is neither unix:PATH nor "
                          "tcp:HOST[:PORT]",
                  address);
    return -1;
  }
  listener = add (listeners);
  return listener ? listen_unix (listener, address + 5, for_all) : -1;
}

int
listeners_add_private (struct listeners *listeners)
{
  struct listener *listener = add (listeners);
  char *CLEANUP_FREE path = NULL;

  if (listener == NULL)
    return -1;
  listener->folder = unix_socket_folder ();
  if (listener->folder == NULL)
    return -1;
  if (asprintf (&path, "%s/nbd.sock", listener->folder) == -1) {
    path = NULL;
    return fail (listener->folder, "address");
  }
  return listen_unix (listener, path, false);
}

int
listeners_add_open (struct listeners *listeners, int fd)
{
  struct listener *listener = add (listeners);
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  const char *path = ((struct sockaddr_un *) &address)->sun_path;

  if (listener == NULL)
    return -1;
  listener->fd = fd;
  if (set_nonblocking (listener) == -1)
    return -1;
  /* A name that fills all of its place has no NUL behind it. */
  memset (&address, 0, sizeof address);
  if (getsockname (fd, (struct sockaddr *) &address, &length) == -1)
    return fail ("socket", "getsockname");
  if (address.ss_family != AF_UNIX)
    return set_port (listener);
  if (path[0] == '\0') {
    pb_set_error (EINVAL, "an abstract unix socket has no permissions, and is "
                          "not served on");
    return -1;
  }
  listener->path = strdup (path);
  return listener->path ? 0 : fail (path, "address");
}

/* HOST is one that a socket listens on; where that is all addresses, which is
 * none to connect to, it becomes one of this host's.
 */
static void
choose_host (const struct listener *listener, char *host, size_t size)
{
  int is_only_6 = 0;
  socklen_t length = sizeof is_only_6;

  if (strcmp (host, "::") == 0)
    getsockopt (listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_only_6, &length);
  else if (strcmp (host, "0.0.0.0") != 0)
    return;
  snprintf (host, size, "%s", is_only_6 ? "::1" : "localhost");
}

static char *
tcp_uri (const struct listener *listener, bool has_tls)
{
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  char host[64], *uri;

  if (getsockname (listener->fd, (struct sockaddr *) &address, &length) == -1) {
    fail ("tcp", "getsockname");
    return NULL;
  }
  if (getnameinfo ((struct sockaddr *) &address, length, host, sizeof host,
                   NULL, 0, NI_NUMERICHOST)
      != 0) {
    pb_set_error (EIO, "--listen: the kernel's address is not understood");
    return NULL;
  }
  choose_host (listener, host, sizeof host);
  if (asprintf (&uri, strchr (host, ':') ? "%s://[%s]:%d/" : "%s://%s:%d/",
                has_tls ? "nbds" : "nbd", host, listener->port)
      == -1) {
    fail ("tcp", "address");
    return NULL;
  }
  return uri;
}

int
listeners_set_uris (struct listeners *listeners, bool unix_has_tls,
                    bool tcp_has_tls)
{
  for (size_t i = 0; i < listeners->count; i++) {
    struct listener *listener = &listeners->list[i];

    listener->uri = listener->path
                      ? unix_socket_uri (listener->path, unix_has_tls)
                      : tcp_uri (listener, tcp_has_tls);
    if (listener->uri == NULL)
      return -1;
  }
  return 0;
}

bool
listeners_have_tcp (const struct listeners *listeners)
{
  for (size_t i = 0; i < listeners->count; i++)
    if (listeners->list[i].port != 0)
      return true;
  return false;
}

/* Before the socket is closed: until then nobody can take it for one that was
 * left behind, nor can another file get its number.
 */
static void
remove_path (const struct listener *listener)
{
  struct stat st;

  if (listener->is_ours && listener->path
      && lstat (listener->path, &st) == 0 && st.st_dev == listener->device
      && st.st_ino == listener->inode)
    unlink (listener->path);
}

void
listeners_close (struct listeners *listeners)
{
  for (size_t i = 0; i < listeners->count; i++) {
    struct listener *listener = &listeners->list[i];

    remove_path (listener);
    if (listener->fd != -1)
      close (listener->fd);
    if (listener->folder)
      rmdir (listener->folder);
    free (listener->uri);
    free (listener->path);
    free (listener->folder);
  }
  free (listeners->list);
  *listeners = (struct listeners) { 0 };
}
