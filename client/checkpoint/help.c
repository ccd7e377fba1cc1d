/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* help.c: the helps, made from the tables of commands and options. */

#include "config.h"

#include <stdio.h>
#include <string.h>

#include "arguments.h"

/* Where what is said of an option starts. */
#define HELP_COLUMN 30

/* WHAT, and in a column beside it, or below it where it is too long, HELP. */
static void
print_help (const char *what, const char *help)
{
  int width = printf ("%s", what);

  if (width > HELP_COLUMN - 2) {
    putchar ('\n');
    width = 0;
  }
  for (;;) {
    int length = (int) strcspn (help, "\n");

    printf ("%*s%.*s\n", HELP_COLUMN - width, "", length, help);
    if (help[length] == '\0')
      return;
    help += length + 1;
    width = 0;
  }
}

static void
print_options (const struct command_option *options)
{
  for (; options->help; options++) {
    const struct option_name *name = &option_names[options->option];
    char what[80], letter[] = "-?, ";

    letter[1] = name->letter;
    snprintf (what, sizeof what, "  %s--%s%s%s", name->letter ? letter : "    ",
              name->name, name->value ? " " : "",
              name->value ? name->value : "");
    print_help (what, options->help);
  }
}

void
help_print (const struct command *command)
{
  if (command) {
    printf ("Usage: backup-checkpoint [OPTION]... %s%s%s\n%s\n", command->name,
            command->operands[0] ? " " : "", command->operands,
            command->summary);
    if (command->options->help)
      puts ("\nOptions:");
    print_options (command->options);
    puts ("\n'backup-checkpoint --help' has the options of all commands.");
    return;
  }
  puts ("Usage: backup-checkpoint [OPTION]... COMMAND [ARGUMENT]...\n"
        "Checkpoints of a virtual machine's disks: points in time from which\n"
        "on all changes are recorded, for incremental backups.\n"
        "\n"
        "Commands:");
  for (const struct command *const *each = commands; *each; each++) {
    char what[80];

    snprintf (what, sizeof what, "  %s %s", (*each)->name, (*each)->operands);
    print_help (what, (*each)->summary);
  }
  puts ("\nOptions of all commands:");
  print_options (global_options);
  puts ("\n'backup-checkpoint COMMAND --help' has a command's own options.");
}
