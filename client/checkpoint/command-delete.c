/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command-delete.c: delete and forget. */

#include "config.h"

#include "say.h"
#include "session.h"

static enum exit_code
run_delete (const struct arguments *arguments)
{
  CLEANUP_CHECKPOINT pb_checkpoint *checkpoint = NULL;
  const char *name = arguments->operands[0];
  bool children_only = has_option (arguments, OPTION_CHILDREN_ONLY);
  enum exit_code code;
  unsigned flags;

  code = session_lookup (arguments, SESSION_CHANGE, &checkpoint);
  if (code != EXIT_CODE_DONE)
    return code;
  flags
    = flag_of (arguments, OPTION_CHILDREN, PB_CHECKPOINT_DELETE_CHILDREN)
      | flag_of (arguments, OPTION_CHILDREN_ONLY,
                 PB_CHECKPOINT_DELETE_CHILDREN_ONLY)
      | flag_of (arguments, OPTION_METADATA,
                 PB_CHECKPOINT_DELETE_METADATA_ONLY)
      | flag_of (arguments, OPTION_FORCE, PB_CHECKPOINT_DELETE_FORCE);
  if (pb_checkpoint_delete (checkpoint, flags) == -1)
    return failed_to ("Failed to delete checkpoint %s", name);
  say (arguments, "Domain checkpoint %s%s deleted", name,
       children_only ? " children" : "");
  return EXIT_CODE_DONE;
}

static const struct command_option delete_options[] = {
  { OPTION_METADATA, "leave the bitmaps in the images" },
  { OPTION_CHILDREN, "with all that came after it" },
  { OPTION_CHILDREN_ONLY, "only what came after it" },
  { OPTION_FORCE, "although a recorded backup needs it for the next\n"
                  "increment" },
  { 0, NULL },
};

static const struct option_rule delete_rules[] = {
  { OPTION_EXCLUDES, OPTION_CHILDREN, OPTION_CHILDREN_ONLY },
  { OPTION_RULES_END, 0, 0 },
};

const struct command delete_command = {
  .name = "delete",
  .operands = "CHECKPOINT",
  .summary = "delete a checkpoint and its bitmaps",
  .min_operands = 1,
  .max_operands = 1,
  .options = delete_options,
  .rules = delete_rules,
  .run = run_delete,
};

static enum exit_code
run_forget (const struct arguments *arguments)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  enum exit_code code = session_open (arguments, SESSION_CHANGE, &domain);

  if (code != EXIT_CODE_DONE)
    return code;
  if (pb_domain_forget (domain,
                        flag_of (arguments, OPTION_CHECKPOINTS_METADATA,
                                 PB_DOMAIN_FORGET_CHECKPOINTS_METADATA))
      == -1)
    return failed ();
  say (arguments, "Domain '%s' has been forgotten",
       pb_domain_get_name (domain));
  return EXIT_CODE_DONE;
}

static const struct command_option forget_options[] = {
  { OPTION_CHECKPOINTS_METADATA, "also the checkpoints; their bitmaps stay in\n"
                                 "the images" },
  { 0, NULL },
};

const struct command forget_command = {
  .name = "forget",
  .operands = "",
  .summary = "remove the state folder of a domain",
  .options = forget_options,
  .rules = NO_RULES,
  .run = run_forget,
};
