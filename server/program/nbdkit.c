/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbdkit.c: an nbdkit of our own, behind a private socket. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "activation.h"
#include "cleanup.h"
#include "file-limit.h"
#include "nbdkit.h"
#include "pullback.h"
#include "unix-socket.h"

/* It is asked to end, and after this time made to. */
#define STOP_TIMEOUT_MS 2000
#define WAIT_STEP_MS    20

static int
fail (const char *what)
{
  pb_set_error (errno, "--nbdkit: %s: %s", what, strerror (errno));
  return -1;
}

/* "nbdkit --exit-with-parent ARGUMENTS". */
static char **
make_command (char *const *arguments)
{
  size_t count = 0;
  char **command;

  while (arguments[count])
    count++;
  command = calloc (count + 3, sizeof command[0]);
  if (command == NULL)
    return NULL;
  command[0] = (char *) "nbdkit";
  command[1] = (char *) "--exit-with-parent";
  memcpy (command + 2, arguments, count * sizeof command[0]);
  return command;
}

/* In the child: nbdkit's standard input is empty, its standard output is our
 * standard error, since ours is for addresses, and the socket is where it looks
 * for it.
 */
static int
set_files (int fd)
{
  int null = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  if (null == -1 || dup2 (null, STDIN_FILENO) == -1
      || dup2 (STDERR_FILENO, STDOUT_FILENO) == -1)
    return -1;
  return fd == ACTIVATION_FIRST_FD
           ? fcntl (fd, F_SETFD, 0)
           : dup2 (fd, ACTIVATION_FIRST_FD) == -1 ? -1 : 0;
}

static int
set_environment (void)
{
  char pid[16];

  snprintf (pid, sizeof pid, "%d", (int) getpid ());
  unsetenv ("LISTEN_FDNAMES");
  return setenv ("LISTEN_PID", pid, 1) == -1
             || setenv ("LISTEN_FDS", "1", 1) == -1
           ? -1
           : 0;
}

/* In the child.  It leaves our process group, so that an interrupt from the
 * terminal reaches it by us, after our clients have been answered.
 */
static void __attribute__ ((__noreturn__))
run (char **command, int fd)
{
  sigset_t none;

  sigemptyset (&none);
  setpgid (0, 0);
  signal (SIGPIPE, SIG_DFL);
  sigprocmask (SIG_SETMASK, &none, NULL);
  file_limit_restore ();
  if (set_files (fd) == 0 && set_environment () == 0)
    execvp (command[0], command);
  fprintf (stderr, "backup-serve: --nbdkit: nbdkit: %s\n", strerror (errno));
  _exit (127);
}

/* That the handler below is about; no more than one is ever started. */
static const struct nbdkit *started;

/* Until the program takes signals in order one ends it at once, and what lies in
 * the file system would stay there.
 */
static void
on_early_signal (int signum)
{
  if (started->socket)
    unlink (started->socket);
  if (started->folder)
    rmdir (started->folder);
  raise (signum); /* which is blocked now, and has its default action again */
}

static const int early_signals[] = { SIGHUP, SIGINT, SIGTERM };
#define NR_EARLY_SIGNALS (sizeof early_signals / sizeof early_signals[0])

static void
handle_early_signals (const struct nbdkit *nbdkit)
{
  struct sigaction action
    = { .sa_handler = on_early_signal, .sa_flags = SA_RESETHAND };
  struct sigaction before;

  started = nbdkit;
  for (size_t i = 0; i < NR_EARLY_SIGNALS; i++)
    if (sigaction (early_signals[i], NULL, &before) == 0
        && before.sa_handler != SIG_IGN) /* as under nohup(1) */
      sigaction (early_signals[i], &action, NULL);
}

/* What the handler looks at changes. */
static void
block_early_signals (sigset_t *before)
{
  sigset_t signals;

  sigemptyset (&signals);
  for (size_t i = 0; i < NR_EARLY_SIGNALS; i++)
    sigaddset (&signals, early_signals[i]);
  sigprocmask (SIG_BLOCK, &signals, before);
}

static int
make_socket (struct nbdkit *nbdkit)
{
  nbdkit->folder = unix_socket_folder ();
  if (nbdkit->folder == NULL)
    return -1;
  if (asprintf (&nbdkit->socket, "%s/nbdkit.sock", nbdkit->folder) == -1) {
    nbdkit->socket = NULL;
    return fail ("socket");
  }
  nbdkit->uri = unix_socket_uri (nbdkit->socket, false);
  return nbdkit->uri ? unix_socket_listen (nbdkit->socket, false) : -1;
}

int
nbdkit_start (struct nbdkit *nbdkit, char *const *arguments)
{
  /* Only nbdkit has it in the end: when that is gone nobody waits there. */
  int CLEANUP_CLOSE fd = -1;
  char **CLEANUP_FREE command = make_command (arguments);
  sigset_t before;

  block_early_signals (&before);
  handle_early_signals (nbdkit);
  fd = make_socket (nbdkit);
  sigprocmask (SIG_SETMASK, &before, NULL);
  if (fd == -1)
    return -1;
  if (command == NULL)
    return fail ("arguments");
  fflush (NULL);
  nbdkit->pid = fork ();
  if (nbdkit->pid == 0)
    run (command, fd);
  if (nbdkit->pid == -1) {
    nbdkit->pid = 0;
    return fail ("fork");
  }
  return 0;
}

/* As waitpid (), but no longer than TIMEOUT_MS. */
static pid_t
wait_for (pid_t pid, int *status, unsigned timeout_ms)
{
  const struct timespec step = { .tv_nsec = WAIT_STEP_MS * 1000000L };
  pid_t r;

  for (unsigned ms = 0; (r = waitpid (pid, status, WNOHANG)) == 0;
       ms += WAIT_STEP_MS) {
    if (ms >= timeout_ms)
      break;
    nanosleep (&step, NULL);
  }
  return r;
}

bool
nbdkit_has_ended (struct nbdkit *nbdkit, unsigned timeout_ms)
{
  int status;

  if (nbdkit->pid == 0
      || wait_for (nbdkit->pid, &status, timeout_ms) != nbdkit->pid)
    return false;
  nbdkit->pid = 0;
  if (WIFSIGNALED (status))
    pb_set_error (ECHILD, "--nbdkit: nbdkit was ended by signal %d",
                  WTERMSIG (status));
  else
    pb_set_error (ECHILD, "--nbdkit: nbdkit has ended with exit status %d",
                  WEXITSTATUS (status));
  return true;
}

void
nbdkit_stop (struct nbdkit *nbdkit)
{
  sigset_t before;
  int status;

  block_early_signals (&before); /* for good: we are about to end */
  if (nbdkit->pid) {
    kill (nbdkit->pid, SIGTERM);
    if (wait_for (nbdkit->pid, &status, STOP_TIMEOUT_MS) == 0) {
      kill (nbdkit->pid, SIGKILL);
      waitpid (nbdkit->pid, &status, 0);
    }
  }
  if (nbdkit->socket)
    unlink (nbdkit->socket);
  if (nbdkit->folder)
    rmdir (nbdkit->folder);
  free (nbdkit->uri);
  free (nbdkit->socket);
  free (nbdkit->folder);
  *nbdkit = (struct nbdkit) { .pid = 0 };
}
