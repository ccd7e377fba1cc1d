/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* child.c: the command of --run. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "file-limit.h"
#include "pullback.h"

static int
set_environment (const struct listener *listener)
{
  char port[16];

  snprintf (port, sizeof port, "%d", listener->port);
  if (setenv ("uri", listener->uri, 1) == -1)
    return -1;
  return listener->path ? setenv ("unixsocket", listener->path, 1)
                        : setenv ("port", port, 1);
}

int
child_start (const char *command, const struct listener *listener, pid_t *pid)
{
  sigset_t none;

  sigemptyset (&none);
  fflush (NULL);
  *pid = fork ();
  if (*pid == -1) {
    pb_set_error (errno, "--run: fork: %s", strerror (errno));
    return -1;
  }
  if (*pid != 0)
    return 0;

  /* In the child, which shall not inherit how the server handles signals and
   * files.
   */
  if (set_environment (listener) == 0) {
    signal (SIGPIPE, SIG_DFL);
    sigprocmask (SIG_SETMASK, &none, NULL);
    file_limit_restore ();
    execl ("/bin/sh", "sh", "-c", command, (char *) NULL);
  }
  fprintf (stderr, "backup-serve: --run: %s\n", strerror (errno));
  _exit (127);
}

int
child_has_ended (pid_t pid, int *status)
{
  if (waitpid (pid, status, WNOHANG) != pid)
    return 0;
  *status = WIFSIGNALED (*status) ? 128 + WTERMSIG (*status)
                                  : WEXITSTATUS (*status);
  return 1;
}
