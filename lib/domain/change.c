/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* change.c: what changes of checkpoints are made of. */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "cleanup.h"
#include "error.h"

int
change_start (struct commit *commit, const char *format, ...)
{
  va_list args;
  int n;

  va_start (args, format);
  n = vasprintf (&commit->what, format, args);
  va_end (args);
  if (n == -1) {
    commit->what = NULL;
    set_error_errno ("%s", format);
    return -1;
  }
  return 0;
}

/* TEXT may be NULL: remove the file. */
static int
add_checkpoint_file (struct commit *commit, const char *name, const char *text)
{
  char *CLEANUP_FREE file = NULL;

  if (asprintf (&file, "checkpoints/%s.xml", name) == -1) {
    file = NULL;
    set_error_errno ("checkpoint %s", name);
    return -1;
  }
  return commit_add_file (commit, file, text);
}

int
change_put_checkpoint (struct commit *commit, const struct checkpoint_def *def)
{
  char *CLEANUP_FREE text = checkpoint_def_format (
    def, CHECKPOINT_FORMAT_SECURE | CHECKPOINT_FORMAT_FILE);

  return text ? add_checkpoint_file (commit, def->name, text) : -1;
}

int
change_remove_checkpoint (struct commit *commit, const char *name)
{
  return add_checkpoint_file (commit, name, NULL);
}

int
change_set_current (struct commit *commit, const char *name)
{
  return commit_add_file (commit, "current", name ? name : "");
}

const struct store_problem *
change_find_problem (const pb_domain *domain, const char *name)
{
  for (size_t i = 0; i < domain->content.nr_problems; i++) {
    const struct store_problem *problem = &domain->content.problems[i];
    const char *file = strrchr (problem->path, '/');
    size_t length = strlen (name);

    file = file ? file + 1 : problem->path;
    if (strncmp (file, name, length) == 0
        && strcmp (file + length, ".xml") == 0)
      return problem;
  }
  return NULL;
}

int
change_check_file (const pb_domain *domain, const char *name)
{
  const struct store_problem *problem = change_find_problem (domain, name);

  if (problem == NULL)
    return 0;
  pb_set_error (EEXIST,
                "checkpoint %s: its place is taken by %s, which could not "
                "be read: %s",
                name, problem->path, problem->reason);
  return -1;
}
