/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.c: another program, run to its end. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "process.h"

/* Of what the program says this much is kept; the rest is read and dropped, so
 * that it never waits for us.
 */
#define SAID_MAX 2048

/* In the child, the file that is kept open. */
#define KEPT_FD (STDERR_FILENO + 1)

/* The environment without what chooses a language, and with LC_ALL=C.  The
 * strings stay the environment's.
 */
static char **
make_environment (void)
{
  size_t count = 0, n = 0;
  char **list;

  while (environ[count])
    count++;
  list = calloc (count + 2, sizeof list[0]);
  if (list == NULL)
    return NULL;
  for (size_t i = 0; i < count; i++)
    if (strncmp (environ[i], "LC_ALL=", strlen ("LC_ALL=")) != 0)
      list[n++] = environ[i];
  list[n] = (char *) "LC_ALL=C";
  return list;
}

/* What the child's files become, from its descriptors SAID_FD and KEEP_FD,
 * which are above KEPT_FD: so no step closes what a later one needs.
 */
static int
add_file_actions (posix_spawn_file_actions_t *actions, int said_fd,
                  int keep_fd)
{
  int r;

  r = posix_spawn_file_actions_addopen (actions, STDIN_FILENO, "/dev/null",
                                        O_RDONLY, 0);
  if (r == 0)
    r = posix_spawn_file_actions_addopen (actions, STDOUT_FILENO, "/dev/null",
                                          O_WRONLY, 0);
  if (r == 0)
    r = posix_spawn_file_actions_adddup2 (actions, said_fd, STDERR_FILENO);
  if (r == 0 && keep_fd != -1)
    r = posix_spawn_file_actions_adddup2 (actions, keep_fd, KEPT_FD);
  if (r == 0)
    r = posix_spawn_file_actions_addclosefrom_np (
      actions, keep_fd != -1 ? KEPT_FD + 1 : KEPT_FD);
  return r;
}

static int
set_attributes (posix_spawnattr_t *attributes)
{
  sigset_t none, all;
  int r;

  sigemptyset (&none);
  sigfillset (&all);
  r = posix_spawnattr_setsigmask (attributes, &none);
  if (r == 0)
    r = posix_spawnattr_setsigdefault (attributes, &all);
  if (r == 0)
    r = posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSIGMASK
                                                | POSIX_SPAWN_SETSIGDEF
                                                | POSIX_SPAWN_SETSID);
  return r;
}

/* Returns 0 or an errno value. */
static int
spawn (pid_t *pid, const char *const argv[], int said_fd, int keep_fd)
{
  char **CLEANUP_FREE environment = make_environment ();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int r;

  if (environment == NULL)
    return ENOMEM;
  r = posix_spawn_file_actions_init (&actions);
  if (r != 0)
    return r;
  r = posix_spawnattr_init (&attributes);
  if (r == 0) {
    r = add_file_actions (&actions, said_fd, keep_fd);
    if (r == 0)
      r = set_attributes (&attributes);
    if (r == 0) /* it does not change the arguments */
      r = posix_spawnp (pid, argv[0], &actions, &attributes,
                        (char *const *) argv, environment);
    posix_spawnattr_destroy (&attributes);
  }
  posix_spawn_file_actions_destroy (&actions);
  return r;
}

/* All that FD gives until its end, as one line of text: the first SAID_MAX
 * bytes, without the blanks at the end.
 */
static void
read_said (int fd, char said[SAID_MAX + 1])
{
  char rest[512];
  size_t used = 0;

  for (;;) {
    bool is_full = used == SAID_MAX;
    ssize_t r = is_full ? read (fd, rest, sizeof rest)
                        : read (fd, said + used, SAID_MAX - used);

    if (r == -1 && errno == EINTR)
      continue;
    if (r <= 0)
      break;
    if (!is_full)
      used += r;
  }
  while (used > 0 && (said[used - 1] == '\n' || said[used - 1] == ' '))
    used--;
  said[used] = '\0';
  for (char *p = said; *p; p++)
    if (*p == '\n')
      *p = ' ';
}

static int
judge_status (const char *program, int status, const char *said)
{
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return 0;
  if (WIFSIGNALED (status))
    pb_set_error (EIO, "%s was killed by signal %d%s%s", program,
                  WTERMSIG (status), *said ? ": " : "", said);
  else if (*said)
    pb_set_error (EIO, "%s", said);
  /* How posix_spawn () says it where it cannot tell its caller. */
  else if (WEXITSTATUS (status) == 127)
    pb_set_error (ENOENT, "%s: cannot be started", program);
  else
    pb_set_error (EIO, "%s: exited with %d and without a word", program,
                  WEXITSTATUS (status));
  return -1;
}

/* Read what the child says, which ends with it, and see how it ended. */
static int
wait_for (const char *program, pid_t pid, int said_fd)
{
  char said[SAID_MAX + 1];
  int status;

  read_said (said_fd, said);
  while (waitpid (pid, &status, 0) == -1) {
    if (errno != EINTR) {
      set_error_errno ("%s: how it ended is not known%s%s", program,
                       *said ? ": " : "", said);
      return -1;
    }
  }
  return judge_status (program, status, said);
}

/* FD again, above what the child's files will be. */
static int
duplicate_above (int fd)
{
  return fcntl (fd, F_DUPFD_CLOEXEC, KEPT_FD + 1);
}

static int
run (const char *const argv[], int said_fd, int said_end_fd, int keep_fd)
{
  int CLEANUP_CLOSE high_said = duplicate_above (said_end_fd);
  int CLEANUP_CLOSE high_keep = keep_fd == -1 ? -1 : duplicate_above (keep_fd);
  pid_t pid;
  int r;

  close (said_end_fd);
  if (high_said == -1 || (keep_fd != -1 && high_keep == -1)) {
    set_error_errno ("%s: cannot be started", argv[0]);
    return -1;
  }
  r = spawn (&pid, argv, high_said, high_keep);
  if (r != 0) {
    errno = r;
    set_error_errno ("%s: cannot be started", argv[0]);
    return -1;
  }
  close (high_said);
  high_said = -1;
  return wait_for (argv[0], pid, said_fd);
}

/* Is there a program of this name?  FOLDER is empty for the current one. */
static bool
has_program (const char *folder, const char *program)
{
  char *CLEANUP_FREE path = NULL;
  struct stat st;

  if (asprintf (&path, "%s/%s", *folder ? folder : ".", program) == -1) {
    path = NULL;
    return true; /* who starts it will see */
  }
  return stat (path, &st) == 0 && S_ISREG (st.st_mode)
         && faccessat (AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

int
process_check (const char *program)
{
  const char *path = getenv ("PATH");
  char *CLEANUP_FREE folders = path ? strdup (path) : NULL;
  char *rest = folders;

  if (folders == NULL)
    return 0; /* the C library has a path of its own */
  while (rest)
    if (has_program (strsep (&rest, ":"), program))
      return 0;
  errno = ENOENT;
  set_error_errno ("%s: cannot be started", program);
  return -1;
}

int
process_run (const char *const argv[], int keep_fd)
{
  int ends[2];

  if (pipe2 (ends, O_CLOEXEC) == -1) {
    set_error_errno ("%s: cannot be started", argv[0]);
    return -1;
  }
  int CLEANUP_CLOSE said_fd = ends[0];
  return run (argv, said_fd, ends[1], keep_fd);
}
