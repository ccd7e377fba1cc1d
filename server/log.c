/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log.c: what the server says of its work. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"
#include "log-text.h"
#include "pullback.h"

#define LINE_MAX_BYTES 8192

/* Changed only while there is one thread, but for the descriptor's file. */
static int log_fd = STDERR_FILENO;
static char *log_path; /* NULL: standard error or syslog */
static bool to_syslog;
static bool is_verbose;

static int
open_file (const char *path)
{
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

  if (fd == -1)
    pb_set_error (errno, "%s: cannot be opened for the log: %s", path,
                  strerror (errno));
  return fd;
}

int
log_open (const char *destination, bool verbose)
{
  is_verbose = verbose;
  if (strcmp (destination, "stderr") == 0)
    return 0;
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
  if (to_syslog)
    closelog ();
  if (log_path)
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

/* One write () a line, so that lines of several threads do not mix. */
__attribute__ ((__format__ (__printf__, 1, 0))) static void
write_line (const char *format, va_list args)
{
  static const char name[] = "backup-serve: ";
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
  /* A log that cannot be written has nowhere to say so. */
  if (write (log_fd, line, length) == -1)
    return;
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
