/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* command.h: the commands of backup-checkpoint, and the options they have. */

#ifndef PULLBACK_CHECKPOINT_COMMAND_H
#define PULLBACK_CHECKPOINT_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "exit-codes.h"

/* Every option of every command; an option means the same wherever it is
 * known.  Their names are in arguments.c.
 */
enum option_id {
  /* All commands have these. */
  OPTION_CONNECT,
  OPTION_STATE,
  OPTION_DATA_FILE,
  OPTION_QUIET,
  OPTION_HELP,
  OPTION_VERSION,

  OPTION_ADOPT,
  OPTION_CHECKPOINTS_METADATA,
  OPTION_CHILDREN,
  OPTION_CHILDREN_ONLY,
  OPTION_CURRENT,
  OPTION_DESCENDANTS,
  OPTION_DISKSPEC,
  OPTION_DRY_RUN,
  OPTION_FIX,
  OPTION_FORCE,
  OPTION_FROM,
  OPTION_GRANULARITY,
  OPTION_JSON,
  OPTION_LEAVES,
  OPTION_METADATA,
  OPTION_NAME,
  OPTION_NO_DOMAIN,
  OPTION_NO_LEAVES,
  OPTION_PARENT,
  OPTION_PRINT_XML,
  OPTION_QUIESCE,
  OPTION_REDEFINE,
  OPTION_REDEFINE_VALIDATE,
  OPTION_REMOVE,
  OPTION_REMOVE_ORPHANS,
  OPTION_REPLACE,
  OPTION_ROOTS,
  OPTION_SECURITY_INFO,
  OPTION_SIZE,
  OPTION_TOPOLOGICAL,
  OPTION_TREE,
  OPTION_WRAP,
  OPTION_XPATH,

  OPTION_COUNT
};

/* What a command line says. */
struct arguments {
  const struct command *command;
  const char *value[OPTION_COUNT]; /* NULL: not given; "" for a flag */
  size_t nr_diskspecs; /* each --diskspec, in the order given */
  const char **diskspecs;
  size_t nr_operands;
  char **operands; /* after the command's name */
};

static inline bool
has_option (const struct arguments *arguments, enum option_id option)
{
  return arguments->value[option] != NULL;
}

/* FLAG where OPTION is given, else 0. */
static inline unsigned
flag_of (const struct arguments *arguments, enum option_id option,
         unsigned flag)
{
  return has_option (arguments, option) ? flag : 0;
}

/* One option of a command; a list is ended by a help of NULL. */
struct command_option {
  enum option_id option;
  const char *help; /* one line, or more with '\n' between */
};

enum option_rule_kind { OPTION_RULES_END, OPTION_EXCLUDES, OPTION_REQUIRES };

/* A list is ended by OPTION_RULES_END. */
struct option_rule {
  enum option_rule_kind kind;
  enum option_id option, other;
};

struct command {
  const char *name;
  const char *operands; /* for the synopsis: "CHECKPOINT", or "" */
  const char *summary;
  size_t min_operands, max_operands;
  const struct command_option *options;
  const struct option_rule *rules; /* the first that is broken is told */
  enum exit_code (*run) (const struct arguments *arguments);
};

#define NO_OPTIONS ((const struct command_option[]) { { 0, NULL } })
#define NO_RULES                                                              \
  ((const struct option_rule[]) { { OPTION_RULES_END, 0, 0 } })

/* The commands, each in the file of its name or of its family. */
extern const struct command create_command;
extern const struct command create_as_command;
extern const struct command current_command;
extern const struct command delete_command;
extern const struct command doctor_command;
extern const struct command dumpxml_command;
extern const struct command edit_command;
extern const struct command forget_command;
extern const struct command info_command;
extern const struct command list_command;
extern const struct command parent_command;
extern const struct command record_command;

/* All of them, in the order of --help, ended by NULL (main.c). */
extern const struct command *const commands[];

#endif /* PULLBACK_CHECKPOINT_COMMAND_H */
