/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commit-plan.c: what a change consists of. */

#include "config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "error.h"
#include "store.h"

static void
clear_action (struct bitmap_action *action)
{
  free (action->disk);
  free (action->path);
  free (action->bitmap);
  free (action->source);
}

static void
clear_actions (struct bitmap_actions *actions)
{
  for (size_t i = 0; i < actions->count; i++)
    clear_action (&actions->list[i]);
  free (actions->list);
}

void
commit_clear (struct commit *commit)
{
  free (commit->what);
  clear_actions (&commit->before);
  clear_actions (&commit->after);
  for (size_t i = 0; i < commit->nr_files; i++) {
    free (commit->files[i].name);
    free (commit->files[i].text);
  }
  free (commit->files);
  *commit = (struct commit) { 0 };
}

static int
add_action (struct bitmap_actions *actions, const struct bitmap_action *action)
{
  struct bitmap_action copy = {
    .kind = action->kind,
    .disk = strdup (action->disk),
    .path = strdup (action->path),
    .bitmap = strdup (action->bitmap),
    .source = action->source ? strdup (action->source) : NULL,
    .granularity = action->granularity,
    .undo = action->undo,
  };
  struct bitmap_action *list
    = reallocarray (actions->list, actions->count + 1, sizeof *list);

  if (list)
    actions->list = list;
  if (list == NULL || copy.disk == NULL || copy.path == NULL
      || copy.bitmap == NULL || (action->source && copy.source == NULL)) {
    set_error_errno ("disk %s: bitmap '%s'", action->disk, action->bitmap);
    clear_action (&copy);
    return -1;
  }
  list[actions->count++] = copy;
  return 0;
}

int
commit_add_before (struct commit *commit, const struct bitmap_action *action)
{
  assert (action->kind == BITMAP_ACTION_ADD
          || action->kind == BITMAP_ACTION_MERGE);
  return add_action (&commit->before, action);
}

int
commit_add_after (struct commit *commit, const struct bitmap_action *action)
{
  assert (action->kind == BITMAP_ACTION_REMOVE);
  return add_action (&commit->after, action);
}

int
commit_append_file (struct commit *commit, const char *name, bool is_written)
{
  struct commit_file file = { .name = strdup (name), .is_written = is_written };
  struct commit_file *list
    = reallocarray (commit->files, commit->nr_files + 1, sizeof *list);

  if (list)
    commit->files = list;
  if (list == NULL || file.name == NULL) {
    set_error_errno ("%s", name);
    free (file.name);
    return -1;
  }
  list[commit->nr_files++] = file;
  return 0;
}

static struct commit_file *
find_file (const struct commit *commit, const char *name)
{
  for (size_t i = 0; i < commit->nr_files; i++)
    if (strcmp (commit->files[i].name, name) == 0)
      return &commit->files[i];
  return NULL;
}

int
commit_add_file (struct commit *commit, const char *name, const char *text)
{
  char *CLEANUP_FREE copy = text ? strdup (text) : NULL;
  struct commit_file *file = find_file (commit, name);

  assert (store_file_name_is_valid (name));
  if (text && copy == NULL) {
    set_error_errno ("%s", name);
    return -1;
  }
  if (file == NULL) {
    if (commit_append_file (commit, name, false) == -1)
      return -1;
    file = &commit->files[commit->nr_files - 1];
  }
  free (file->text);
  file->text = STEAL (copy);
  file->is_written = text != NULL;
  return 0;
}
