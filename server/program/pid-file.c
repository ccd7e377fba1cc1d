/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pid-file.c: a file that says that the server is ready, and its process id. */

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "pid-file.h"
#include "pullback.h"

/* More digits than any process id has. */
#define TEXT_MAX 32

static int
fail (const char *path)
{
  pb_set_error (errno, "--pid-file %s: %s", path, strerror (errno));
  return -1;
}

/* Is what lies at PATH a file with a number, or with nothing, as servers leave
 * them behind?  Its text is left in TEXT.
 */
static bool
is_pid_file (const char *path, char text[TEXT_MAX + 1])
{
  /* Neither followed nor waited for, whatever it is. */
  int CLEANUP_CLOSE fd
    = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct stat st;
  ssize_t length;

  if (fd == -1 || fstat (fd, &st) == -1 || !S_ISREG (st.st_mode)
      || st.st_size > TEXT_MAX)
    return false;
  length = read (fd, text, TEXT_MAX);
  if (length == -1)
    return false;
  text[length] = '\0';
  for (ssize_t i = 0; i < length; i++)
    if (!isdigit ((unsigned char) text[i])
        && !isspace ((unsigned char) text[i]))
      return false;
  return true;
}

/* A wrong name may be that of a disk. */
static int
check_place (const char *path)
{
  char text[TEXT_MAX + 1];
  struct stat st;

  if (lstat (path, &st) == -1)
    return errno == ENOENT ? 0 : fail (path);
  if (is_pid_file (path, text))
    return 0;
  pb_set_error (EEXIST, "--pid-file %s: is there already, and is no pid file",
                path);
  return -1;
}

int
pid_file_write (const char *path)
{
  char *CLEANUP_FREE new_path = NULL;
  int fd, r;

  if (check_place (path) == -1)
    return -1;
  if (asprintf (&new_path, "%s.%jd", path, (intmax_t) getpid ()) == -1) {
    new_path = NULL;
    return fail (path);
  }
  fd = open (new_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd == -1)
    return fail (new_path);
  r = dprintf (fd, "%jd\n", (intmax_t) getpid ());
  if (close (fd) == -1 || r < 0 || rename (new_path, path) == -1) {
    fail (path);
    unlink (new_path);
    return -1;
  }
  return 0;
}

void
pid_file_remove (const char *path)
{
  char text[TEXT_MAX + 1];

  if (is_pid_file (path, text)
      && strtoimax (text, NULL, 10) == (intmax_t) getpid ())
    unlink (path);
}
