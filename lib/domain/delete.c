/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* delete.c: checkpoints deleted, and the tree closed over the gap. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "delete.h"
#include "error.h"

#define KNOWN_FLAGS                                                            \
  (PB_CHECKPOINT_DELETE_CHILDREN | PB_CHECKPOINT_DELETE_METADATA_ONLY          \
   | PB_CHECKPOINT_DELETE_CHILDREN_ONLY | PB_CHECKPOINT_DELETE_FORCE)

bool
deletion_has (const struct deletion *deletion,
              const struct checkpoint_node *node)
{
  for (size_t i = 0; i < deletion->nr_nodes; i++)
    if (deletion->nodes[i] == node)
      return true;
  return false;
}

static void
deletion_clear (struct deletion *deletion)
{
  store_content_clear (&deletion->after);
  free (deletion->nodes);
}

static int
check_delete_flags (unsigned flags)
{
  if (check_flags ("pb_checkpoint_delete", flags, KNOWN_FLAGS) == -1)
    return -1;
  if ((flags & PB_CHECKPOINT_DELETE_CHILDREN)
      && (flags & PB_CHECKPOINT_DELETE_CHILDREN_ONLY)) {
    pb_set_error (EINVAL, "Flags 'PB_CHECKPOINT_DELETE_CHILDREN' and "
                          "'PB_CHECKPOINT_DELETE_CHILDREN_ONLY' are mutually "
                          "exclusive");
    return -1;
  }
  return 0;
}

/* The node, its descendants, or both: older ones first. */
static int
choose_nodes (struct deletion *deletion, struct checkpoint_node *node,
              unsigned flags)
{
  const unsigned branch
    = PB_CHECKPOINT_DELETE_CHILDREN | PB_CHECKPOINT_DELETE_CHILDREN_ONLY;
  struct checkpoint_node **CLEANUP_FREE below = NULL;
  size_t count = 0;

  if (flags & branch) {
    below = checkpoint_tree_list (&deletion->domain->content.tree, node,
                                  CHECKPOINT_SELECT_TOPOLOGICAL, &count);
    if (below == NULL)
      return -1;
  }
  deletion->nodes = calloc (count + 1, sizeof deletion->nodes[0]);
  if (deletion->nodes == NULL) {
    set_error_errno ("checkpoint %s", node->def.name);
    return -1;
  }
  if (!(flags & PB_CHECKPOINT_DELETE_CHILDREN_ONLY))
    deletion->nodes[deletion->nr_nodes++] = node;
  for (size_t i = 0; i < count; i++)
    deletion->nodes[deletion->nr_nodes++] = below[i];
  return 0;
}

/* Where current goes with the deleted ones, the nearest that is left above it
 * is current then.
 */
static void
choose_current (struct deletion *deletion)
{
  const struct checkpoint_node *current
    = deletion->domain->content.tree.current;

  while (current && deletion_has (deletion, current))
    current = current->parent;
  deletion->current = current;
}

/* Only children that name the deleted one are left behind: with whole branches
 * none are.  What is in a cycle, or hangs from a parent that is not there, is
 * given what the deleted one had, except itself.
 */
static const char *
new_parent (const struct checkpoint_node *deleted,
            const struct checkpoint_node *child)
{
  const char *parent = deleted->def.parent;

  return parent && strcmp (parent, child->def.name) != 0 ? parent : NULL;
}

/* Rewrite CHILD with another parent, in COMMIT and in the tree that will be. */
static int
move_child (struct deletion *deletion, const struct checkpoint_node *child,
            const char *parent, struct commit *commit)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };

  if (checkpoint_def_copy (&def, &child->def) == -1)
    return -1;
  free (def.parent);
  def.parent = NULL;
  if (parent && (def.parent = strdup (parent)) == NULL) {
    set_error_errno ("checkpoint %s", child->def.name);
    return -1;
  }
  if (change_put_checkpoint (commit, &def) == -1)
    return -1;
  return checkpoint_tree_put (&deletion->after.tree, &def);
}

static int
move_children (struct deletion *deletion, struct commit *commit)
{
  const struct checkpoint_tree *tree = &deletion->domain->content.tree;

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const struct checkpoint_node *child = tree->nodes[i];
    const struct checkpoint_node *parent
      = child->def.parent ? checkpoint_tree_find (tree, child->def.parent)
                          : NULL;

    if (parent && deletion_has (deletion, parent)
        && !deletion_has (deletion, child)
        && move_child (deletion, child, new_parent (parent, child), commit)
             == -1)
      return -1;
  }
  return 0;
}

static int
remove_nodes (struct deletion *deletion, struct commit *commit)
{
  struct checkpoint_tree *after = &deletion->after.tree;

  for (size_t i = 0; i < deletion->nr_nodes; i++) {
    const char *name = deletion->nodes[i]->def.name;
    struct checkpoint_node *node = checkpoint_tree_find (after, name);

    if (change_remove_checkpoint (commit, name) == -1)
      return -1;
    if (node)
      checkpoint_tree_remove (after, node);
  }
  checkpoint_tree_set_current (after, deletion->current ? checkpoint_tree_find (
                                        after, deletion->current->def.name)
                                                        : NULL);
  if (deletion->domain->content.tree.current_is_unknown)
    return 0;
  return change_set_current (
    commit, deletion->current ? deletion->current->def.name : NULL);
}

static const char *
first_backup_at (const struct backup_records *records, const char *checkpoint)
{
  for (size_t i = 0; i < records->count; i++)
    if (strcmp (records->list[i].checkpoint, checkpoint) == 0)
      return records->list[i].backup;
  return "";
}

/* The next increment of a recorded backup needs the checkpoint that it was
 * taken at.  While another one is left that has a backup, increments go on
 * from there.
 */
static int
check_backups (const struct deletion *deletion,
               const struct backup_records *records, unsigned flags)
{
  const struct checkpoint_tree *tree = &deletion->domain->content.tree;
  const struct checkpoint_node *needed = NULL;

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const struct checkpoint_node *node = tree->nodes[i];

    if (!backup_records_has_checkpoint (records, node->def.name))
      continue;
    if (!deletion_has (deletion, node))
      return 0;
    needed = node;
  }
  if (needed && !(flags & PB_CHECKPOINT_DELETE_FORCE)) {
    pb_set_error (EBUSY,
                  "checkpoint %s: it is the last one that a recorded backup "
                  "('%s') can be continued from, and without it the next "
                  "backup is a full one; to delete it nevertheless, say so "
                  "(PB_CHECKPOINT_DELETE_FORCE)",
                  needed->def.name,
                  first_backup_at (records, needed->def.name));
    return -1;
  }
  return 0;
}

static int
remove_backups (const struct deletion *deletion, unsigned flags,
                struct commit *commit)
{
  struct backup_records records = { 0 };
  char *CLEANUP_FREE text = NULL;
  size_t before;
  int r = -1;

  if (domain_load_backups (deletion->domain, &records) == -1)
    return -1;
  before = records.count;
  if (check_backups (deletion, &records, flags) == 0) {
    for (size_t i = 0; i < deletion->nr_nodes; i++)
      backup_records_remove_checkpoint (&records, deletion->nodes[i]->def.name);
    if (records.count == before)
      r = 0;
    else if ((text = backup_records_format (&records)) != NULL)
      r = commit_add_file (commit, "backups.xml", text);
  }
  backup_records_clear (&records);
  return r;
}

/* What is called as a foreign checkpoint's bitmaps are somebody else's. */
static int
check_not_foreign (const struct deletion *deletion)
{
  const struct checkpoint_tree *tree = &deletion->domain->content.tree;

  for (size_t i = 0; !deletion->metadata_only && i < deletion->nr_nodes; i++)
    if (checkpoint_node_is_foreign (tree, deletion->nodes[i])) {
      pb_set_error (ESTALE,
                    "checkpoint %s: is of the domain with uuid %s, and this "
                    "one is %s; its metadata can be deleted, without bitmaps "
                    "(PB_CHECKPOINT_DELETE_METADATA_ONLY)",
                    deletion->nodes[i]->def.name,
                    deletion->nodes[i]->def.domain_uuid, tree->domain_uuid);
      return -1;
    }
  return 0;
}

static int
delete_nodes (pb_domain *domain, struct deletion *deletion, const char *name,
              unsigned flags)
{
  struct commit CLEANUP_COMMIT commit = { 0 };

  if (deletion->nr_nodes == 0)
    return 0;
  if (check_not_foreign (deletion) == -1)
    return -1;
  if (store_load (&domain->store, &deletion->after) == -1
      || change_start (&commit, "deleting checkpoint %s", name) == -1)
    return -1;
  choose_current (deletion);
  if (remove_backups (deletion, flags, &commit) == -1
      || move_children (deletion, &commit) == -1
      || remove_nodes (deletion, &commit) == -1
      || deletion_add_bitmaps (deletion, &commit) == -1)
    return -1;
  return domain_commit (domain, &commit);
}

int
pb_checkpoint_delete (pb_checkpoint *checkpoint, unsigned flags)
{
  struct deletion deletion = { 0 };
  struct checkpoint_node *node;
  int r;

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_delete_flags (flags) == -1
      || domain_check_writable (__func__, checkpoint->domain) == -1)
    return -1;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  node = checkpoint_handle_node (checkpoint);
  if (node == NULL)
    return -1;
  deletion.domain = checkpoint->domain;
  deletion.metadata_only = flags & PB_CHECKPOINT_DELETE_METADATA_ONLY;
  r = choose_nodes (&deletion, node, flags);
  if (r == 0)
    r = delete_nodes (checkpoint->domain, &deletion, checkpoint->name, flags);
  deletion_clear (&deletion);
  return r;
}
