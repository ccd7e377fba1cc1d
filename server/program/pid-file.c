/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pid-file.c: a file that says that the server is ready, and its process id. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "pid-file.h"
#include "pullback.h"

static int
fail (const char *path)
{
  pb_set_error (errno, "--pid-file %s: %s", path, strerror (errno));
  return -1;
}

int
pid_file_write (const char *path)
{
  char *CLEANUP_FREE new_path = NULL;
  int fd, r;

  if (asprintf (&new_path, "%s.new", path) == -1) {
    new_path = NULL;
    return fail (path);
  }
  fd = open (new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
             0644);
  if (fd == -1)
    return fail (path);
  r = dprintf (fd, "%jd\n", (intmax_t) getpid ());
  if (close (fd) == -1 || r < 0 || rename (new_path, path) == -1) {
    fail (path);
    unlink (new_path);
    return -1;
  }
  return 0;
}
