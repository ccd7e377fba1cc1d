/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* main.c: backup-checkpoint, from the command line to the exit status. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arguments.h"
#include "command.h"
#include "say.h"

const struct command *const commands[] = {
  &create_command,
  &create_as_command,
  &list_command,
  &info_command,
  &parent_command,
  &current_command,
  &dumpxml_command,
  &edit_command,
  &delete_command,
  &record_command,
  &doctor_command,
  &forget_command,
  NULL,
};

/* What could not be printed was not told: a list that ends early on a full
 * disk must not look like a success.
 */
static enum exit_code
check_output (enum exit_code code)
{
  errno = 0;
  if (fflush (stdout) != EOF && !ferror (stdout))
    return code;
  say_error ("standard output: %s", strerror (errno ? errno : EIO));
  return code == EXIT_CODE_DONE ? EXIT_CODE_FAILED : code;
}

int
main (int argc, char **argv)
{
  struct arguments arguments;
  enum exit_code code = EXIT_CODE_DONE;

  switch (arguments_parse (&arguments, argc, argv)) {
  case ARGUMENTS_WRONG:
    code = EXIT_CODE_USAGE;
    break;
  case ARGUMENTS_RUN:
    code = arguments.command->run (&arguments);
    break;
  case ARGUMENTS_DONE:
    break;
  }
  arguments_clear (&arguments);
  return check_output (code);
}
