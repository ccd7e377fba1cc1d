/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arguments.c: the command line of backup-checkpoint. */

#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "pullback.h"
#include "say.h"

const struct option_name option_names[OPTION_COUNT] = {
  [OPTION_CONNECT] = { "connect", 'c', "URI" },
  [OPTION_STATE] = { "state", 0, "DIR" },
  [OPTION_DATA_FILE] = { "data-file", 0, NULL },
  [OPTION_QUIET] = { "quiet", 'q', NULL },
  [OPTION_HELP] = { "help", 0, NULL },
  [OPTION_VERSION] = { "version", 0, NULL },
  [OPTION_ADOPT] = { "adopt", 0, NULL },
  [OPTION_CHECKPOINTS_METADATA] = { "checkpoints-metadata", 0, NULL },
  [OPTION_CHILDREN] = { "children", 0, NULL },
  [OPTION_CHILDREN_ONLY] = { "children-only", 0, NULL },
  [OPTION_CURRENT] = { "current", 0, NULL },
  [OPTION_DESCENDANTS] = { "descendants", 0, NULL },
  [OPTION_DISKSPEC] = { "diskspec", 0, "DISKSPEC" },
  [OPTION_DRY_RUN] = { "dry-run", 0, NULL },
  [OPTION_FIX] = { "fix", 0, NULL },
  [OPTION_FORCE] = { "force", 0, NULL },
  [OPTION_FROM] = { "from", 0, "CHECKPOINT" },
  [OPTION_GRANULARITY] = { "granularity", 0, "SIZE" },
  [OPTION_JSON] = { "json", 0, NULL },
  [OPTION_LEAVES] = { "leaves", 0, NULL },
  [OPTION_METADATA] = { "metadata", 0, NULL },
  [OPTION_NAME] = { "name", 0, NULL },
  [OPTION_NO_DOMAIN] = { "no-domain", 0, NULL },
  [OPTION_NO_LEAVES] = { "no-leaves", 0, NULL },
  [OPTION_PARENT] = { "parent", 0, NULL },
  [OPTION_PRINT_XML] = { "print-xml", 0, NULL },
  [OPTION_QUIESCE] = { "quiesce", 0, NULL },
  [OPTION_REDEFINE] = { "redefine", 0, NULL },
  [OPTION_REDEFINE_VALIDATE] = { "redefine-validate", 0, NULL },
  [OPTION_REMOVE] = { "remove", 0, NULL },
  [OPTION_REMOVE_ORPHANS] = { "remove-orphans", 0, NULL },
  [OPTION_REPLACE] = { "replace", 0, NULL },
  [OPTION_ROOTS] = { "roots", 0, NULL },
  [OPTION_SECURITY_INFO] = { "security-info", 0, NULL },
  [OPTION_SIZE] = { "size", 0, NULL },
  [OPTION_TOPOLOGICAL] = { "topological", 0, NULL },
  [OPTION_TREE] = { "tree", 0, NULL },
  [OPTION_WRAP] = { "wrap", 0, NULL },
  [OPTION_XPATH] = { "xpath", 0, "EXPRESSION" },
};

const struct command_option global_options[] = {
  { OPTION_CONNECT, "the domain: disks:vda=A.qcow2,vdb=B.qcow2, or\n"
                    "xml:DOMAIN.xml (default: $PULLBACK_CONNECT)" },
  { OPTION_STATE, "the folder with its checkpoints (default:\n"
                  "$PULLBACK_STATE, else one by the domain's name)" },
  { OPTION_DATA_FILE, "follow external data files of its disks" },
  { OPTION_QUIET, "say nothing of what has been done" },
  { OPTION_HELP, "print this, or a command's own help, and exit" },
  { OPTION_VERSION, "print the version and exit" },
  { 0, NULL },
};

/* getopt's tables of some options. */
struct getopt_tables {
  char letters[1 + 2 * OPTION_COUNT + 1];
  struct option longs[OPTION_COUNT + 1];
  size_t nr_letters, nr_longs;
};

static void
add_options (struct getopt_tables *tables,
             const struct command_option *options)
{
  for (; options->help; options++) {
    const struct option_name *name = &option_names[options->option];

    tables->longs[tables->nr_longs++] = (struct option) {
      .name = name->name,
      .has_arg = name->value ? required_argument : no_argument,
      .val = 256 + (int) options->option,
    };
    if (name->letter == 0)
      continue;
    tables->letters[tables->nr_letters++] = name->letter;
    if (name->value)
      tables->letters[tables->nr_letters++] = ':';
  }
}

static enum option_id
option_of_getopt (int value)
{
  if (value >= 256)
    return value - 256;
  for (unsigned i = 0; i < OPTION_COUNT; i++)
    if (option_names[i].letter == value)
      return i;
  return OPTION_COUNT; /* getopt has said what is wrong */
}

static int
add_diskspec (struct arguments *arguments, const char *diskspec)
{
  const char **grown
    = reallocarray (arguments->diskspecs, arguments->nr_diskspecs + 1,
                    sizeof arguments->diskspecs[0]);

  if (grown == NULL) {
    say_error ("%s", strerror (errno));
    return -1;
  }
  arguments->diskspecs = grown;
  arguments->diskspecs[arguments->nr_diskspecs++] = diskspec;
  return 0;
}

static const struct command *
find_command (const char *name)
{
  for (const struct command *const *command = commands; *command; command++)
    if (strcmp ((*command)->name, name) == 0)
      return *command;
  return NULL;
}

/* Take the options of ARGV: with a command all of them, else those before
 * the first operand.  Returns -1 where one is wrong.
 */
static int
take_options (struct arguments *arguments, int argc, char **argv)
{
  const struct command *command = arguments->command;
  struct getopt_tables tables = { .nr_letters = 0 };
  static char name[] = "backup-checkpoint";
  int found;

  if (command == NULL)
    tables.letters[tables.nr_letters++] = '+';
  add_options (&tables, global_options);
  if (command)
    add_options (&tables, command->options);
  argv[0] = name; /* getopt's messages start with it */
  optind = 0;     /* start anew, as glibc has it */
  while ((found = getopt_long (argc, argv, tables.letters, tables.longs, NULL))
         != -1) {
    enum option_id option = option_of_getopt (found);

    if (option == OPTION_COUNT) {
      fprintf (stderr, "Try 'backup-checkpoint %s%s--help'.\n",
               command ? command->name : "", command ? " " : "");
      return -1;
    }
    arguments->value[option] = optarg ? optarg : "";
    if (option == OPTION_DISKSPEC && add_diskspec (arguments, optarg) == -1)
      return -1;
  }
  return 0;
}

static bool
is_answered (const struct arguments *arguments)
{
  if (has_option (arguments, OPTION_HELP))
    help_print (arguments->command);
  else if (has_option (arguments, OPTION_VERSION))
    printf ("backup-checkpoint %s\n", pb_get_version ());
  else
    return false;
  return true;
}

static int
check_rules (const struct arguments *arguments)
{
  const struct command *command = arguments->command;
  const struct option_rule *rule;

  for (rule = command->rules; rule->kind != OPTION_RULES_END; rule++) {
    const char *option = option_names[rule->option].name;
    const char *other = option_names[rule->other].name;

    if (!has_option (arguments, rule->option)
        || has_option (arguments, rule->other)
             == (rule->kind == OPTION_REQUIRES))
      continue;
    if (rule->kind == OPTION_EXCLUDES)
      wrong (command, "Options --%s and --%s are mutually exclusive", option,
             other);
    else
      wrong (command, "Option --%s is required by option --%s", other, option);
    return -1;
  }
  return 0;
}

static int
check_operands (const struct arguments *arguments)
{
  const struct command *command = arguments->command;

  if (arguments->nr_operands > command->max_operands)
    wrong (command, "unexpected data '%s'",
           arguments->operands[command->max_operands]);
  else if (arguments->nr_operands < command->min_operands)
    wrong (command, "command '%s' requires %s", command->name,
           command->operands);
  else
    return 0;
  return -1;
}

/* An empty variable is one that is not set. */
static void
take_environment (struct arguments *arguments, enum option_id option,
                  const char *variable)
{
  const char *value = getenv (variable);

  if (!has_option (arguments, option) && value && value[0])
    arguments->value[option] = value;
}

/* virsh's commands are called as these are, after "checkpoint-". */
static void
say_unknown_command (const char *name)
{
  static const char prefix[] = "checkpoint-";
  const struct command *meant
    = strncmp (name, prefix, sizeof prefix - 1) == 0
        ? find_command (name + sizeof prefix - 1)
        : NULL;

  if (meant)
    wrong (NULL, "unknown command: '%s'; did you mean '%s'?", name,
           meant->name);
  else
    wrong (NULL, "unknown command: '%s'", name);
}

enum arguments_result
arguments_parse (struct arguments *arguments, int argc, char **argv)
{
  *arguments = (struct arguments) { .command = NULL };
  if (argc < 1 || take_options (arguments, argc, argv) == -1)
    return ARGUMENTS_WRONG;
  if (is_answered (arguments))
    return ARGUMENTS_DONE;
  argc -= optind;
  argv += optind;
  if (argc == 0) {
    wrong (NULL, "a command is needed");
    return ARGUMENTS_WRONG;
  }
  arguments->command = find_command (argv[0]);
  if (arguments->command == NULL) {
    say_unknown_command (argv[0]);
    return ARGUMENTS_WRONG;
  }
  if (take_options (arguments, argc, argv) == -1)
    return ARGUMENTS_WRONG;
  if (is_answered (arguments))
    return ARGUMENTS_DONE;
  arguments->nr_operands = argc - optind;
  arguments->operands = argv + optind;
  if (check_rules (arguments) == -1 || check_operands (arguments) == -1)
    return ARGUMENTS_WRONG;
  take_environment (arguments, OPTION_CONNECT, "PULLBACK_CONNECT");
  take_environment (arguments, OPTION_STATE, "PULLBACK_STATE");
  return ARGUMENTS_RUN;
}

void
arguments_clear (struct arguments *arguments)
{
  free (arguments->diskspecs);
  arguments->diskspecs = NULL;
  arguments->nr_diskspecs = 0;
}
