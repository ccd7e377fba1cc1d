/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-record.c: record. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "say.h"
#include "session.h"

static enum exit_code
print_backups (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL;
  CLEANUP_FREE char **backups = NULL;
  enum exit_code code;

  code = session_lookup (arguments, SESSION_READ, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  backups = pb_checkpoint_get_backups (checkpoint, 0);
  if (backups == NULL)
    return failed ();
  for (size_t i = 0; backups[i]; i++) {
    print_clean (stdout, backups[i]);
    putchar ('\n');
  }
  return EXIT_CODE_DONE;
}

static enum exit_code
run_record (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL;
  bool remove = has_option (arguments, OPTION_REMOVE);
  const char *backup;
  enum exit_code code;

  if (arguments->nr_operands == 1 && remove)
    return wrong (arguments->command, "--remove requires BACKUP");
  if (arguments->nr_operands == 1)
    return print_backups (arguments);
  backup = arguments->operands[1];
  code = session_lookup (arguments, SESSION_CHANGE, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  if ((remove ? pb_checkpoint_forget_backup (checkpoint, backup, 0)
              : pb_checkpoint_record_backup (checkpoint, backup, 0))
      == -1)
    return failed ();
  say (arguments, "Backup '%s' %s at checkpoint %s", backup,
       remove ? "is no longer recorded" : "recorded",
       pb_checkpoint_get_name (checkpoint));
  return EXIT_CODE_DONE;
}

static const struct command_option record_options[] = {
  { OPTION_REMOVE, "forget that BACKUP was taken there" },
  { 0, NULL },
};

const struct command record_command = {
  .name = "record",
  .operands = "CHECKPOINT [BACKUP]",
  .summary = "remember that BACKUP was taken at a checkpoint,\n"
             "which its next increment needs; without BACKUP,\n"
             "print those that are recorded",
  .min_operands = 1,
  .max_operands = 2,
  .options = record_options,
  .rules = NO_RULES,
  .run = run_record,
};
