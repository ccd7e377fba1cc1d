/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-util-process.c: programs that are run to their end, in whatever state
 * the process that does it is.
 */

#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "process.h"
#include "unit.h"

#define NR_THREADS 4
#define RUNS       25

static int
run_shell (const char *script, int keep_fd)
{
  const char *const argv[] = { "sh", "-c", script, NULL };

  return process_run (argv, keep_fd);
}

static void
test_results (void)
{
  const char *const nosuch[] = { "no-such-program-anywhere", NULL };

  CHECK_OK (run_shell ("exit 0", -1) == 0);
  CHECK_OK (run_shell ("echo much; echo more >&2", -1) == 0);
  CHECK_FAILS (run_shell ("exit 3", -1) == -1, EIO,
               "sh: exited with 3 and without a word");
  CHECK_FAILS (run_shell ("printf 'one\\n two\\n\\n' >&2; exit 1", -1) == -1,
               EIO, "one  two");
  CHECK (strcmp (pb_get_error (), "one  two") == 0);
  CHECK_FAILS (run_shell ("kill -TERM $$", -1) == -1, EIO,
               "sh was killed by signal 15");
  CHECK_FAILS (run_shell ("echo last words >&2; kill -KILL $$", -1) == -1,
               EIO, "sh was killed by signal 9: last words");
  CHECK_FAILS (process_run (nosuch, -1) == -1, ENOENT,
               "no-such-program-anywhere: cannot be started");
  CHECK_OK (process_check ("sh") == 0);
  CHECK_FAILS (process_check (nosuch[0]) == -1, ENOENT,
               "no-such-program-anywhere: cannot be started");
}

static void
test_environment (void)
{
  setenv ("LC_ALL", "xx_YY", 1);
  setenv ("KEPT", "a b", 1);
  CHECK_OK (run_shell ("test \"$LC_ALL,$KEPT\" = 'C,a b'", -1) == 0);
  unsetenv ("LC_ALL");
  CHECK_OK (run_shell ("test \"$LC_ALL\" = C", -1) == 0);
  /* In a session of its own. */
  CHECK_OK (run_shell ("read -r pid name state parent group session rest "
                       "</proc/$$/stat; test $session = $$",
                       -1)
            == 0);
}

/* Which files it has open: those of the shell, and one that is kept. */
static void
test_files (void)
{
  int kept = open ("/dev/zero", O_RDONLY | O_CLOEXEC);
  int other = open ("/dev/full", O_RDONLY);

  CHECK (kept > 2 && other > 2);
  CHECK_OK (run_shell ("test -e /proc/$$/fd/3 -a ! -e /proc/$$/fd/4", kept)
            == 0);
  CHECK_OK (run_shell ("test \"$(readlink /proc/$$/fd/3)\" = /dev/zero", kept)
            == 0);
  CHECK_OK (run_shell ("test ! -e /proc/$$/fd/3", -1) == 0);
  CHECK_OK (run_shell ("test \"$(readlink /proc/$$/fd/0)\" = /dev/null", -1)
            == 0);
  /* Ours are as they were. */
  CHECK (fcntl (kept, F_GETFD) == FD_CLOEXEC && fcntl (other, F_GETFD) == 0);
  close (kept);
  close (other);
}

/* In a process that has closed its own standard files, so that the pipe and
 * the kept file get their numbers.
 */
static void
test_closed_files (void)
{
  pid_t pid = fork ();
  int status;

  CHECK (pid != -1);
  if (pid == 0) {
    int kept;

    close (0);
    close (1);
    close (2);
    kept = open ("/dev/zero", O_RDONLY | O_CLOEXEC);
    _exit (kept == 0
           && run_shell ("test \"$(readlink /proc/$$/fd/3)\" = /dev/zero "
                         "&& echo said >&2 && exit 5",
                         kept)
                == -1
           && strcmp (pb_get_error (), "said") == 0
             ? 0
             : 1);
  }
  CHECK (waitpid (pid, &status, 0) == pid && status == 0);
}

static void
test_signals (void)
{
  sigset_t set, old, now;

  sigemptyset (&set);
  sigaddset (&set, SIGUSR1);
  sigaddset (&set, SIGTERM);
  CHECK (pthread_sigmask (SIG_BLOCK, &set, &old) == 0);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  CHECK_FAILS (run_shell ("kill -USR1 $$; exit 0", -1) == -1, EIO,
               "killed by signal 10");
  CHECK_FAILS (run_shell ("kill -HUP $$; exit 0", -1) == -1, EIO,
               "killed by signal 1");
  /* Ours are as they were. */
  CHECK (pthread_sigmask (SIG_SETMASK, &old, &now) == 0);
  CHECK (sigismember (&now, SIGUSR1) && sigismember (&now, SIGTERM));
  CHECK (signal (SIGHUP, SIG_DFL) == SIG_IGN);
  CHECK (signal (SIGPIPE, SIG_DFL) == SIG_IGN);

  /* Then the kernel keeps no exit status. */
  signal (SIGCHLD, SIG_IGN);
  CHECK_FAILS (run_shell ("exit 0", -1) == -1, ECHILD,
               "how it ended is not known");
  signal (SIGCHLD, SIG_DFL);
}

static void *
run_many (void *opaque)
{
  const char *number = opaque;
  char script[64];

  snprintf (script, sizeof script, "echo thread %s >&2; exit %s", number,
            number);
  for (unsigned i = 0; i < RUNS; i++) {
    CHECK (run_shell (script, -1) == -1);
    CHECK (strncmp (pb_get_error (), "thread ", 7) == 0
           && strcmp (pb_get_error () + 7, number) == 0);
  }
  return NULL;
}

static void
test_threads (void)
{
  static char numbers[NR_THREADS][2] = { "1", "2", "3", "4" };
  pthread_t threads[NR_THREADS];

  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_create (&threads[i], NULL, run_many, numbers[i]) == 0);
  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);
}

int
main (void)
{
  test_results ();
  test_environment ();
  test_files ();
  test_closed_files ();
  test_signals ();
  test_threads ();
  return 0;
}
