/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log.c: what the server says of its work. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "log-text.h"
#include "pullback.h"

/* A pipe takes lines of this size whole, or not at all. */
#define LINE_MAX_BYTES PIPE_BUF

/* How long one line waits for a place; after that none does until one fits. */
#define WAIT_MS 100

static const char name[] = "backup-serve: ";

/* Changed only while there is one thread, but for the descriptor's file. */
static int log_fd = STDERR_FILENO;
static char *log_path; /* NULL: standard error or syslog */
static bool to_syslog;
static bool is_verbose;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held over a write
                                                          * and WAIT_MS */
static unsigned long nr_lost; /* lines since the last that was written */

/* With the lock held: write the line, if there is room for it in TIMEOUT_MS.
 * One write () a line, so that lines of several programs do not mix.
 */
static bool
put (const char *line, size_t length, int timeout_ms)
{
  struct pollfd pollfd = { .fd = log_fd, .events = POLLOUT };

  return poll (&pollfd, 1, timeout_ms) == 1
         && write (log_fd, line, length) != -1;
}

/* With the lock held: say how many lines were lost, if that can be written. */
static void
put_nr_lost (void)
{
  char line[128];
  int n = snprintf (line, sizeof line,
                    "%s%lu lines could not be written to the log\n", name,
                    nr_lost);

  if (nr_lost > 0 && put (line, n, 0))
    nr_lost = 0;
}

static void
put_or_lose (const char *line, size_t length)
{
  LOCK_CURRENT_SCOPE (&lock);

  put_nr_lost ();
  if (nr_lost > 0 || !put (line, length, WAIT_MS))
    nr_lost++;
}

static int
open_file (const char *path)
{
  int fd = open (path,
                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);

  if (fd == -1)
    pb_set_error (errno, "%s: cannot be opened for the log: %s", path,
                  strerror (errno));
  return fd;
}

/* Standard error without waiting, where it is a pipe.  Other programs have the
 * same end of it, which must stay as it is for them; so a new one is opened, or
 * where that cannot be, looking first whether there is room has to do.
 */
static void
open_pipe (void)
{
  struct stat st;

  if (fstat (STDERR_FILENO, &st) == -1 || !S_ISFIFO (st.st_mode))
    return;

  int fd = open ("/proc/self/fd/2", O_WRONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd != -1)
    log_fd = fd;
}

int
log_open (const char *destination, bool verbose)
{
  is_verbose = verbose;
  if (strcmp (destination, "stderr") == 0) {
    open_pipe ();
    return 0;
  }
  if (strcmp (destination, "syslog") == 0) {
    openlog ("backup-serve", LOG_PID, LOG_DAEMON);
    to_syslog = true;
    return 0;
  }
  log_path = strdup (destination);
  if (log_path == NULL) {
    pb_set_error (errno, "%s: %s", destination, strerror (errno));
    return -1;
  }
  int fd = open_file (destination);
  if (fd == -1) {
    free (log_path);
    log_path = NULL;
    return -1;
  }
  log_fd = fd;
  return 0;
}

int
log_reopen (void)
{
  if (log_path == NULL)
    return 0;

  int CLEANUP_CLOSE fd = open_file (log_path);
  if (fd == -1)
    return -1;
  /* Under the same number, since other threads may be writing to it. */
  if (dup3 (fd, log_fd, O_CLOEXEC) == -1) {
    pb_set_error (errno, "%s: dup: %s", log_path, strerror (errno));
    return -1;
  }
  return 0;
}

void
log_close (void)
{
  pthread_mutex_lock (&lock);
  put_nr_lost ();
  pthread_mutex_unlock (&lock);
  if (to_syslog)
    closelog ();
  if (log_fd != STDERR_FILENO)
    close (log_fd);
  free (log_path);
  log_path = NULL;
  to_syslog = false;
  log_fd = STDERR_FILENO;
}

/* "2026-11-21T19:30:05Z ", for files, which have no clock of their own. */
static size_t
add_time (char *line, size_t size)
{
  time_t now = time (NULL);
  struct tm tm;

  return gmtime_r (&now, &tm) ? strftime (line, size, "%FT%TZ ", &tm) : 0;
}

__attribute__ ((__format__ (__printf__, 1, 0))) static void
write_line (const char *format, va_list args)
{
  char line[LINE_MAX_BYTES];
  size_t length = log_path ? add_time (line, sizeof line) : 0;
  int n;

  if (!to_syslog) {
    memcpy (line + length, name, sizeof name - 1);
    length += sizeof name - 1;
  }
  n = vsnprintf (line + length, sizeof line - length - 1, format, args);
  if (n < 0)
    return;
  length += (size_t) n < sizeof line - length - 1 ? (size_t) n
                                                  : sizeof line - length - 2;
  line[length] = '\0';
  log_text_clean (line);
  if (to_syslog) {
    syslog (LOG_NOTICE, "%s", line);
    return;
  }
  length = strlen (line);
  line[length++] = '\n';
  put_or_lose (line, length);
}

void
log_line (const char *format, ...)
{
  va_list args;

  va_start (args, format);
  write_line (format, args);
  va_end (args);
}

bool
log_is_verbose (void)
{
  return is_verbose;
}

void
log_verbose (const char *format, ...)
{
  va_list args;

  if (!is_verbose)
    return;
  va_start (args, format);
  write_line (format, args);
  va_end (args);
}
