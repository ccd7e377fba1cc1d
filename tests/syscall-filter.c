/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* syscall-filter.c: run a command under the filter of system calls that a
 * service with SystemCallFilter= has.
 *
 *   syscall-filter FILE COMMAND...
 *
 * FILE names the calls that are allowed, a line each; a name that this machine
 * does not know is ignored, as systemd does it.  Any other call kills the
 * process.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <seccomp.h>

static int
fail (const char *what, int errnum)
{
  fprintf (stderr, "syscall-filter: %s: %s\n", what, strerror (errnum));
  return 1;
}

static int
add_rules (scmp_filter_ctx filter, FILE *file)
{
  char line[128];

  while (fgets (line, sizeof line, file)) {
    line[strcspn (line, "\n")] = '\0';
    int number = seccomp_syscall_resolve_name (line);
    if (number == __NR_SCMP_ERROR)
      continue;
    int r = seccomp_rule_add (filter, SCMP_ACT_ALLOW, number, 0);
    if (r < 0 && r != -EDOM) /* not of this architecture */
      return r;
  }
  return 0;
}

int
main (int argc, char **argv)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_KILL_PROCESS);
  FILE *file = argc > 2 ? fopen (argv[1], "r") : NULL;
  int r;

  if (file == NULL || filter == NULL)
    return fail ("FILE COMMAND...", file ? ENOMEM : errno);
  r = add_rules (filter, file);
  fclose (file);
  if (r < 0)
    return fail ("rules", -r);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
    return fail ("no_new_privs", errno);
  r = seccomp_load (filter);
  if (r < 0)
    return fail ("load", -r);
  seccomp_release (filter);
  execvp (argv[2], argv + 2);
  return fail (argv[2], errno);
}
