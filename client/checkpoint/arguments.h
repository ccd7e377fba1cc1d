/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* arguments.h: the command line of backup-checkpoint. */

#ifndef PULLBACK_CHECKPOINT_ARGUMENTS_H
#define PULLBACK_CHECKPOINT_ARGUMENTS_H

#include "command.h"

/* The name of an option, without "--"; its letter, or 0; and the word for its
 * value in helps, or NULL for a flag.
 */
struct option_name {
  const char *name;
  char letter;
  const char *value;
};
extern const struct option_name option_names[OPTION_COUNT];

/* Those that all commands have. */
extern const struct command_option global_options[];

enum arguments_result {
  ARGUMENTS_RUN,   /* *arguments is filled in */
  ARGUMENTS_DONE,  /* --help or --version has been answered */
  ARGUMENTS_WRONG  /* said on standard error what is wrong */
};

/* Options may stand before and after the command's name.  What the command
 * line leaves out is taken from the environment: PULLBACK_CONNECT and
 * PULLBACK_STATE.  An environment that gives one but not the other is no
 * error.
 */
enum arguments_result arguments_parse (struct arguments *arguments, int argc,
                                       char **argv);
void arguments_clear (struct arguments *arguments);

/* help.c: on standard output; COMMAND may be NULL, for the program's. */
void help_print (const struct command *command);

#endif /* PULLBACK_CHECKPOINT_ARGUMENTS_H */
