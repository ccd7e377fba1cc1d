/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unix-socket.c: making a unix socket that listens, and a place for it. */

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cleanup.h"
#include "pullback.h"
#include "unix-socket.h"

static int
fail (const char *path, const char *what)
{
  pb_set_error (errno, "unix socket %s: %s: %s", path, what,
                strerror (errno));
  return -1;
}

char *
unix_socket_folder (void)
{
  const char *base = getenv ("XDG_RUNTIME_DIR");
  char *folder;

  if (base == NULL || base[0] != '/' || access (base, W_OK) == -1)
    base = getenv ("TMPDIR");
  if (base == NULL || base[0] == '\0')
    base = "/tmp";
  if (asprintf (&folder, "%s/backup-serve-XXXXXX", base) == -1) {
    fail (base, "folder");
    return NULL;
  }
  if (mkdtemp (folder) == NULL) { /* with mode 0700 */
    fail (folder, "mkdtemp");
    free (folder);
    return NULL;
  }
  return folder;
}

/* Is there a socket at ADDRESS that nobody listens on? */
static bool
is_left_over (const struct sockaddr_un *address)
{
  struct stat st;

  if (lstat (address->sun_path, &st) == -1 || !S_ISSOCK (st.st_mode))
    return false;

  int CLEANUP_CLOSE fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return fd != -1
         && connect (fd, (const struct sockaddr *) address, sizeof *address)
              == -1
         && errno == ECONNREFUSED;
}

/* The umask decides who may connect to a unix socket. */
static int
bind_unix (int fd, const struct sockaddr_un *address, bool for_all)
{
  const struct sockaddr *generic = (const struct sockaddr *) address;
  mode_t umask_before = umask (for_all ? 0111 : 0177);
  int r = bind (fd, generic, sizeof *address);

  if (r == -1 && errno == EADDRINUSE) {
    struct stat st;

    if (is_left_over (address) && unlink (address->sun_path) == 0)
      r = bind (fd, generic, sizeof *address);
    else
      errno = lstat (address->sun_path, &st) == 0 && !S_ISSOCK (st.st_mode)
                ? EEXIST
                : EADDRINUSE;
  }
  umask (umask_before);
  return r;
}

int
unix_socket_listen (const char *path, bool for_all)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int CLEANUP_CLOSE fd = -1;

  if (path[0] == '\0' || strlen (path) >= sizeof address.sun_path) {
    pb_set_error (EINVAL, "unix socket '%s': the path of a unix socket has 1 "
                          "to %zu bytes",
                  path, sizeof address.sun_path - 1);
    return -1;
  }
  strcpy (address.sun_path, path);
  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd == -1)
    return fail (path, "socket");
  if (bind_unix (fd, &address, for_all) == -1)
    return fail (path, "bind");
  if (listen (fd, SOMAXCONN) == -1) {
    fail (path, "listen");
    unlink (path);
    return -1;
  }

  int listening = fd;
  fd = -1;
  return listening;
}

/* PATH as it is written in a URI's query. */
static char *
escape (const char *path)
{
  char *text = malloc (strlen (path) * 3 + 1), *out = text;

  for (; text && *path; path++) {
    if (isalnum ((unsigned char) *path) || strchr ("-._~/", *path))
      *out++ = *path;
    else
      out += sprintf (out, "%%%02X", (unsigned char) *path);
  }
  if (text)
    *out = '\0';
  return text;
}

char *
unix_socket_uri (const char *path, bool has_tls)
{
  char *CLEANUP_FREE escaped = escape (path);
  char *uri;

  if (escaped == NULL
      || asprintf (&uri, "%s+unix:///?socket=%s", has_tls ? "nbds" : "nbd",
                   escaped)
           == -1) {
    fail (path, "address");
    return NULL;
  }
  return uri;
}
