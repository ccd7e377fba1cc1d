/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-load.c: the checkpoints that a state folder holds, and what is wrong
 * with it.
 */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "store-folder.h"
#include "xml.h"

/* All files together: what is kept of them in memory is about as much. */
#define BYTES_MAX ((size_t) 1 << 30)

void
store_content_clear (struct store_content *content)
{
  checkpoint_tree_clear (&content->tree);
  for (size_t i = 0; i < content->nr_problems; i++) {
    free (content->problems[i].path);
    free (content->problems[i].reason);
  }
  free (content->problems);
  *content = (struct store_content) { 0 };
}

/* The list, with room for one more: it is doubled at each power of two. */
static struct store_problem *
grow_problems (struct store_content *content)
{
  size_t nr = content->nr_problems;

  if (nr & (nr - 1))
    return content->problems;
  return reallocarray (content->problems, nr ? 2 * nr : 1,
                       sizeof *content->problems);
}

/* A problem with the file called NAME; the reason is the last error's
 * text.  Where the cause is not the file, but that we are short of memory or of
 * descriptors, nothing is known of the file, and loading fails.
 */
static int
add_problem (struct store_content *content, enum store_problem_kind kind,
             const struct store *store, const char *name)
{
  struct store_problem problem = { .kind = kind };
  struct store_problem *list;
  int errnum = pb_get_errno ();

  if (errnum == ENOMEM || errnum == EMFILE || errnum == ENFILE) {
    prefix_error ("%s/%s", store->path, name);
    return -1;
  }
  if (asprintf (&problem.path, "%s/%s", store->path, name) == -1)
    problem.path = NULL;
  problem.reason = strdup (pb_get_error ());
  list = grow_problems (content);
  if (list)
    content->problems = list;
  if (problem.path == NULL || problem.reason == NULL || list == NULL) {
    free (problem.path);
    free (problem.reason);
    errno = ENOMEM;
    set_error_errno ("%s/%s", store->path, name);
    return -1;
  }
  list[content->nr_problems++] = problem;
  return 0;
}

/* What loading has come to. */
struct loading {
  const struct store *store;
  struct store_content *content;
  int folder; /* of the checkpoints */
  size_t bytes;
};

/* Read ENTRY, "NAME.xml".  On failure KIND says what is wrong with it. */
static int
load_file (struct loading *loading, const char *entry, const char *name,
           enum store_problem_kind *kind)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };
  char *CLEANUP_FREE text = NULL;
  size_t count;

  *kind = STORE_PROBLEM_TOO_MANY;
  if (loading->content->tree.nr_nodes >= STORE_CHECKPOINTS_MAX) {
    pb_set_error (EFBIG, "is beyond the limit of %d checkpoints",
                  STORE_CHECKPOINTS_MAX);
    return -1;
  }
  *kind = STORE_PROBLEM_UNREADABLE;
  text = store_read_entry (loading->folder, entry, XML_SIZE_MAX, &count);
  if (text == NULL)
    return -1;
  if (count > BYTES_MAX - loading->bytes) {
    *kind = STORE_PROBLEM_TOO_MANY;
    pb_set_error (EFBIG, "is beyond the limit of %zu bytes for all files",
                  BYTES_MAX);
    return -1;
  }
  loading->bytes += count;

  /* The path is added to all reasons alike. */
  if (checkpoint_def_parse (&def, "checkpoint XML", text, count,
                            CHECKPOINT_PARSE_REDEFINE)
      == -1)
    return -1;
  if (strcmp (def.name, name) != 0) {
    *kind = STORE_PROBLEM_MISNAMED;
    pb_set_error (EINVAL,
                  "holds checkpoint %s, whose file is " CHECKPOINTS_FOLDER
                  "/%s" CHECKPOINT_SUFFIX,
                  def.name, def.name);
    return -1;
  }
  return checkpoint_tree_put_unlinked (&loading->content->tree, &def);
}

/* What a crash has left: the same file is written again, or was not to be.  A
 * folder of that name is nobody's leftover.
 */
static bool
is_leftover (const struct loading *loading, const char *entry)
{
  char name[CHECKPOINT_NAME_MAX + 1];
  struct stat st;

  return store_entry_is (entry, CHECKPOINT_SUFFIX STAGED_SUFFIX, name)
         && !(fstatat (loading->folder, entry, &st, AT_SYMLINK_NOFOLLOW) == 0
              && S_ISDIR (st.st_mode));
}

static int
load_entry (struct loading *loading, const char *entry)
{
  enum store_problem_kind kind = STORE_PROBLEM_UNREADABLE;
  char name[CHECKPOINT_NAME_MAX + 1], path[NAME_MAX + 32];

  if (is_leftover (loading, entry))
    return 0;

  if (store_entry_is (entry, CHECKPOINT_SUFFIX, name)) {
    if (load_file (loading, entry, name, &kind) == 0)
      return 0;
  }
  else
    pb_set_error (EINVAL, "is not named NAME" CHECKPOINT_SUFFIX
                          " as the file of a checkpoint is");
  snprintf (path, sizeof path, CHECKPOINTS_FOLDER "/%s", entry);
  return add_problem (loading->content, kind, loading->store, path);
}

static int
load_checkpoints (const struct store *store, struct store_content *content)
{
  int CLEANUP_CLOSE folder = store_open_checkpoints (store);
  struct loading loading = { store, content, folder, 0 };
  char **entries;
  size_t count;
  int r = 0;

  if (folder == -1)
    return pb_get_errno () == ENOENT ? 0 : -1;
  entries = store_entries (folder, store->path, &count);
  if (entries == NULL)
    return -1;
  for (size_t i = 0; i < count && r == 0; i++)
    r = load_entry (&loading, entries[i]);
  store_entries_free (entries, count);
  checkpoint_tree_link (&content->tree);
  return r;
}

/* Without any checkpoint none is current, unless there were some that could
 * not be read.
 */
static bool
may_have_checkpoints (const struct store_content *content)
{
  return content->tree.nr_nodes > 0 || content->nr_problems > 0;
}

/* libvirt's rule, for folders that come from there. */
static void
derive_current (struct store_content *content)
{
  struct checkpoint_tree *tree = &content->tree;
  struct checkpoint_node *leaf = NULL;
  size_t nr_leaves = 0;
  bool is_sound = true;

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    if (tree->nodes[i]->relation != CHECKPOINT_RELATION_SOUND)
      is_sound = false;
    if (tree->nodes[i]->nr_children == 0) {
      leaf = tree->nodes[i];
      nr_leaves++;
    }
  }
  if (is_sound && nr_leaves == 1)
    tree->current = leaf;
  else
    tree->current_is_unknown = may_have_checkpoints (content);
}

/* TEXT: a name, perhaps with a newline, or nothing. */
static int
set_current (struct store_content *content, char *text, size_t count)
{
  struct checkpoint_tree *tree = &content->tree;

  if (count > 0 && text[count - 1] == '\n')
    text[--count] = '\0';
  if (count == 0)
    return 0;
  tree->current_is_unknown = true;
  if (strlen (text) != count) {
    pb_set_error (EINVAL, "is not the name of a checkpoint");
    return -1;
  }
  if (checkpoint_name_check ("checkpoint", text) == -1)
    return -1;
  tree->current = checkpoint_tree_find (tree, text);
  if (tree->current == NULL)
    tree->current_is_unknown = may_have_checkpoints (content);
  else
    tree->current_is_unknown = false;
  return 0;
}

static int
load_current (const struct store *store, struct store_content *content)
{
  char *CLEANUP_FREE text = NULL;
  size_t count;

  if (store->fd == -1)
    return 0;
  text = store_read_entry (store->fd, CURRENT_FILE,
                           CHECKPOINT_NAME_MAX + 1, &count);
  if (text) {
    if (set_current (content, text, count) == 0)
      return 0;
  }
  else if (pb_get_errno () == ENOENT) {
    derive_current (content);
    return 0;
  }
  content->tree.current_is_unknown = true;
  return add_problem (content, STORE_PROBLEM_UNREADABLE, store,
                      CURRENT_FILE);
}

int
store_load (const struct store *store, struct store_content *content)
{
  *content = (struct store_content) { .tree.domain_uuid = store->domain_uuid };
  if (load_checkpoints (store, content) == -1
      || load_current (store, content) == -1) {
    store_content_clear (content);
    return -1;
  }
  return 0;
}
