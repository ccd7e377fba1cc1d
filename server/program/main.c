/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: backup-serve, from the command line to the exit status. */

#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "activation.h"
#include "child.h"
#include "cleanup.h"
#include "disks.h"
#include "exports.h"
#include "file-limit.h"
#include "listen.h"
#include "log.h"
#include "nbdkit.h"
#include "options.h"
#include "pid-file.h"
#include "privileges.h"
#include "server.h"

#define EXIT_STATUS_FAILED 1
#define EXIT_STATUS_USAGE  2

/* Where connecting to nbdkit has failed this is how long it may take to end. */
#define NBDKIT_END_MS 500

/* Where nothing more can be accepted, that is tried again after this. */
#define ACCEPT_PAUSE_MS 100

/* All that the program has open. */
struct program {
  const struct options *options;
  struct policy_config security; /* of the options */
  struct nbdkit nbdkit; /* of --nbdkit */
  struct exports exports;
  struct server_config config;
  struct listeners listeners;
  struct server *server;
  int signal_fd;
  bool has_pid_file; /* that was written by us */
  pid_t child;       /* of --run, or 0 */
};

/* With --nbdkit that is started first.  Where it ends at once its own message
 * says why, and connecting to it fails in ways that do not.
 */
static int
open_disks (struct program *program)
{
  const struct disk_options *options = &program->options->disks;

  if (options->is_nbdkit
      && nbdkit_start (&program->nbdkit, options->nbdkit_arguments) == -1)
    return -1;
  if (disks_open (options, &program->nbdkit, &program->exports) == 0)
    return 0;
  nbdkit_has_ended (&program->nbdkit, NBDKIT_END_MS);
  return -1;
}

static int
open_listeners (struct program *program)
{
  const struct options *options = program->options;

  for (size_t i = 0; i < options->nr_listen; i++)
    if (listeners_add (&program->listeners, options->listen[i],
                       options->security.access != NULL)
        == -1)
      return -1;
  if (program->listeners.count == 0
      && listeners_add_private (&program->listeners) == -1)
    return -1;
  return 0;
}

/* What the options say of security, with the files that they name as they are
 * now.  A list of revoked certificates that was there once must not be missing
 * later: whom it names would be let in again.
 */
static struct policy *
read_policy (struct program *program)
{
  struct policy *policy = policy_new (&program->security);

  if (policy && policy_has_crl (policy))
    program->security.needs_crl = true;
  return policy;
}

static int
check_policy (const struct program *program, const struct policy *policy)
{
  if (!listeners_have_tcp (&program->listeners)
      || policy_check_tcp (policy) == 0)
    return 0;
  pb_set_error (EACCES, "--listen tcp: %s", pb_get_error ());
  return -1;
}

/* POLICY is owned from here on, also when this fails. */
static int
start_server (struct program *program, struct policy *policy)
{
  if (check_policy (program, policy) == -1
      || listeners_set_uris (&program->listeners,
                             policy_demands_tls (policy, true),
                             policy_demands_tls (policy, false))
           == -1) {
    policy_unref (policy);
    return -1;
  }
  program->server = server_new (&program->config, policy);
  return program->server ? 0 : -1;
}

/* Clients that come from now on meet the files as they are now; where those are
 * wrong, as they were.
 */
static void
reload (struct program *program)
{
  struct policy *policy = policy_check_again (&program->security) == 0
                            ? read_policy (program)
                            : NULL;

  if (policy && check_policy (program, policy) == -1) {
    policy_unref (policy);
    policy = NULL;
  }
  if (policy) {
    server_set_policy (program->server, policy);
    log_verbose ("certificates, keys and rules have been read again");
  }
  else
    log_line ("certificates, keys and rules stay as they were: %s",
              pb_get_error ());
  if (log_reopen () == -1)
    log_line ("%s", pb_get_error ());
}

/* Before there is a thread, so that all have the signals blocked. */
static int
open_signals (struct program *program)
{
  sigset_t signals;

  sigemptyset (&signals);
  sigaddset (&signals, SIGINT);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGHUP);
  sigaddset (&signals, SIGCHLD);
  sigprocmask (SIG_BLOCK, &signals, NULL);
  program->signal_fd = signalfd (-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (program->signal_fd == -1) {
    pb_set_error (errno, "signalfd: %s", strerror (errno));
    return -1;
  }
  return 0;
}

/* Tell the world where, or only the command that was asked for. */
static int
announce (struct program *program)
{
  const struct options *options = program->options;

  if (options->pid_file && pid_file_write (options->pid_file) == -1)
    return -1;
  program->has_pid_file = options->pid_file != NULL;
  if (options->run)
    return child_start (options->run, &program->listeners.list[0],
                        &program->child);
  for (size_t i = 0; i < program->listeners.count; i++)
    printf ("%s\n", program->listeners.list[i].uri);
  if (fflush (stdout) == EOF) {
    pb_set_error (errno, "standard output: %s", strerror (errno));
    return -1;
  }
  return 0;
}

/* The server ends: its command, if there is one, is told so by SIGNUM.  Returns
 * STATUS.
 */
static int
stop_child (const struct program *program, int signum, int status)
{
  if (program->child)
    kill (program->child, signum);
  return status;
}

/* Handle the signals that have come.  Returns -1 while the server goes on, or
 * the exit status.
 */
static int
handle_signals (struct program *program)
{
  struct signalfd_siginfo info;
  int status;

  while (read (program->signal_fd, &info, sizeof info) == sizeof info)
    switch (info.ssi_signo) {
    case SIGHUP:
      reload (program);
      break;
    case SIGCHLD:
      if (program->child && child_has_ended (program->child, &status)) {
        program->child = 0;
        return status;
      }
      if (nbdkit_has_ended (&program->nbdkit, 0)) {
        log_line ("%s", pb_get_error ());
        return stop_child (program, SIGTERM, EXIT_STATUS_FAILED);
      }
      break;
    default:
      log_verbose ("ending on signal %u", info.ssi_signo);
      return stop_child (program, info.ssi_signo,
                         program->child ? 128 + (int) info.ssi_signo
                                        : EXIT_SUCCESS);
    }
  return -1;
}

/* Serve until a signal or the command of --run ends it.  Returns the exit
 * status.
 */
static int
run (struct program *program)
{
  size_t nr = program->listeners.count;
  struct pollfd *CLEANUP_FREE fds = calloc (nr + 1, sizeof *fds);

  if (fds == NULL) {
    log_line ("%s", strerror (errno));
    return EXIT_STATUS_FAILED;
  }
  fds[nr] = (struct pollfd) { .fd = program->signal_fd, .events = POLLIN };
  for (size_t i = 0; i < nr; i++)
    fds[i] = (struct pollfd) { .fd = program->listeners.list[i].fd,
                               .events = POLLIN };
  for (;;) {
    int status;

    if (poll (fds, nr + 1, -1) == -1) {
      if (errno == EINTR)
        continue;
      log_line ("poll: %s", strerror (errno));
      return EXIT_STATUS_FAILED;
    }
    if (fds[nr].revents && (status = handle_signals (program)) != -1)
      return status;
    for (size_t i = 0; i < nr; i++)
      if (fds[i].revents && server_accept (program->server, fds[i].fd) == -1) {
        log_line ("no client can be accepted for a while: %s",
                  pb_get_error ());
        poll (&fds[nr], 1, ACCEPT_PAUSE_MS);
      }
  }
}

/* What the world finds the server by is gone when it is. */
static void
remove_pid_file (const struct program *program)
{
  if (program->has_pid_file)
    pid_file_remove (program->options->pid_file);
}

/* Everything up to the first client.  What may be waited for, another server or a
 * file that is a pipe, is so before signals are held back, which end that; that
 * nbdkit has ended meanwhile was perhaps told before it could be heard.
 */
static int
start (struct program *program)
{
  const struct options *options = program->options;
  struct policy *policy;

  if (log_open (options->log, options->verbose) == -1)
    return -1;
  policy = read_policy (program);
  if (policy == NULL)
    return -1;
  if (activation_take (&program->listeners) == -1
      || open_disks (program) == -1 || open_signals (program) == -1
      || nbdkit_has_ended (&program->nbdkit, 0)
      || open_listeners (program) == -1) {
    policy_unref (policy);
    return -1;
  }
  return start_server (program, policy) == 0 && announce (program) == 0
             && privileges_drop () == 0
           ? 0
           : -1;
}

/* Returns the exit status. */
static int
serve (struct program *program)
{
  const struct options *options = program->options;
  int status;

  program->security = options->security;
  program->config = (struct server_config) {
    .exports = &program->exports,
    .max_connections = options->max_connections,
    .handshake_timeout_ms = options->handshake_timeout * 1000,
  };
  file_limit_raise ();
  signal (SIGPIPE, SIG_IGN); /* sendfile () has no MSG_NOSIGNAL */
  if (start (program) == -1) {
    fprintf (stderr, "backup-serve: %s\n", pb_get_error ());
    if (program->child)
      kill (program->child, SIGTERM);
    return EXIT_STATUS_FAILED;
  }
  activation_notify_ready ();
  status = run (program);
  activation_notify_stopping ();
  listeners_close (&program->listeners);
  if (server_drain (program->server, DRAIN_TIMEOUT_MS) == -1) {
    log_line ("a request does not end; the server ends without it");
    nbdkit_stop (&program->nbdkit);
    remove_pid_file (program);
    _exit (status);
  }
  return status;
}

int
main (int argc, char **argv)
{
  struct options options;
  struct program program = { .options = &options, .signal_fd = -1 };
  int status;

  switch (options_parse (&options, argc, argv)) {
  case OPTIONS_DONE:
    return EXIT_SUCCESS;
  case OPTIONS_WRONG:
    options_clear (&options);
    return EXIT_STATUS_USAGE;
  case OPTIONS_RUN:
    break;
  }
  status = serve (&program);
  listeners_close (&program.listeners);
  server_free (program.server);
  exports_clear (&program.exports);
  nbdkit_stop (&program.nbdkit);
  remove_pid_file (&program);
  if (program.signal_fd != -1)
    close (program.signal_fd);
  log_close ();
  options_clear (&options);
  return status;
}
