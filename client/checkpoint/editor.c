/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* editor.c: a text that the user edits. */

#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "editor.h"
#include "pullback.h"

static int
write_all (int fd, const char *text)
{
  size_t count = strlen (text);

  while (count > 0) {
    ssize_t r = write (fd, text, count);

    if (r == -1 && errno != EINTR)
      return -1;
    if (r > 0) {
      text += r;
      count -= r;
    }
  }
  return 0;
}

char *
editor_write (const char *text)
{
  static const char suffix[] = ".xml";
  const char *folder = getenv ("TMPDIR");
  char *path;
  int fd;

  if (folder == NULL || folder[0] == '\0')
    folder = "/tmp";
  if (asprintf (&path, "%s/backup-checkpoint-XXXXXX%s", folder, suffix)
      == -1) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return NULL;
  }
  fd = mkstemps (path, sizeof suffix - 1); /* mode 0600 */
  if (fd == -1) {
    pb_set_error (errno, "%s: %s", path, strerror (errno));
    free (path);
    return NULL;
  }
  if (write_all (fd, text) == 0 && close (fd) == 0)
    return path;
  pb_set_error (errno, "%s: %s", path, strerror (errno));
  unlink (path);
  free (path);
  return NULL;
}

static const char *
editor_command (void)
{
  const char *command = getenv ("VISUAL");

  if (command == NULL || command[0] == '\0')
    command = getenv ("EDITOR");
  return command && command[0] ? command : "vi";
}

/* Signals from the terminal do in it what they did here: INTERRUPT, QUIT. */
static pid_t
start_editor (const char *command, const char *path,
              const struct sigaction *interrupt, const struct sigaction *quit)
{
  char *script;
  pid_t pid;

  if (asprintf (&script, "%s \"$1\"", command) == -1) {
    errno = ENOMEM;
    return -1;
  }
  pid = fork ();
  if (pid == 0) {
    sigaction (SIGINT, interrupt, NULL);
    sigaction (SIGQUIT, quit, NULL);
    execl ("/bin/sh", "sh", "-c", script, "sh", path, (char *) NULL);
    _exit (127);
  }
  free (script);
  return pid;
}

int
editor_run (const char *path)
{
  struct sigaction ignore = { .sa_handler = SIG_IGN }, interrupt, quit;
  const char *command = editor_command ();
  int status = -1, error = 0;
  pid_t pid;

  fflush (stdout); /* the child would have it too */
  sigaction (SIGINT, &ignore, &interrupt);
  sigaction (SIGQUIT, &ignore, &quit);
  pid = start_editor (command, path, &interrupt, &quit);
  if (pid == -1)
    error = errno;
  else
    while (error == 0 && waitpid (pid, &status, 0) == -1)
      if (errno != EINTR)
        error = errno;
  sigaction (SIGINT, &interrupt, NULL);
  sigaction (SIGQUIT, &quit, NULL);
  if (error) {
    pb_set_error (error, "editor '%s': %s", command, strerror (error));
    return -1;
  }
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
    return 0;
  if (WIFEXITED (status))
    pb_set_error (EIO, "editor '%s' ended with status %d", command,
                  WEXITSTATUS (status));
  else
    pb_set_error (EIO, "editor '%s' was ended by signal %d", command,
                  WTERMSIG (status));
  return -1;
}
