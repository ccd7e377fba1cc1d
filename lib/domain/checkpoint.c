/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint.c: the handles of checkpoints. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "domain.h"
#include "error.h"

pb_checkpoint *
checkpoint_handle_new (pb_domain *domain, const char *name)
{
  pb_checkpoint *checkpoint = calloc (1, sizeof *checkpoint);

  if (checkpoint == NULL || (checkpoint->name = strdup (name)) == NULL) {
    set_error_errno ("checkpoint %s", name);
    free (checkpoint);
    return NULL;
  }
  atomic_init (&checkpoint->references, 1);
  checkpoint->domain = pb_domain_ref (domain);
  return checkpoint;
}

struct checkpoint_node *
checkpoint_handle_node (const pb_checkpoint *checkpoint)
{
  struct checkpoint_node *node = checkpoint_tree_find (
    &checkpoint->domain->content.tree, checkpoint->name);

  if (node == NULL)
    pb_set_error (ENOENT,
                  "no domain checkpoint with matching name '%s': it was "
                  "deleted",
                  checkpoint->name);
  return node;
}

pb_checkpoint *
pb_checkpoint_ref (pb_checkpoint *checkpoint)
{
  if (check_not_null (__func__, "checkpoint", checkpoint) == -1)
    return NULL;
  atomic_fetch_add (&checkpoint->references, 1);
  return checkpoint;
}

void
pb_checkpoint_free (pb_checkpoint *checkpoint)
{
  if (checkpoint == NULL || atomic_fetch_sub (&checkpoint->references, 1) > 1)
    return;
  pb_domain_free (checkpoint->domain);
  free (checkpoint->name);
  free (checkpoint);
}

const char *
pb_checkpoint_get_name (const pb_checkpoint *checkpoint)
{
  if (check_not_null (__func__, "checkpoint", checkpoint) == -1)
    return NULL;
  return checkpoint->name;
}

pb_domain *
pb_checkpoint_get_domain (const pb_checkpoint *checkpoint)
{
  if (check_not_null (__func__, "checkpoint", checkpoint) == -1)
    return NULL;
  return checkpoint->domain;
}

pb_checkpoint *
pb_checkpoint_get_parent (pb_checkpoint *checkpoint, unsigned flags)
{
  const struct checkpoint_node *node;

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_flags (__func__, flags, 0) == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  node = checkpoint_handle_node (checkpoint);
  if (node == NULL)
    return NULL;
  if (node->parent)
    return checkpoint_handle_new (checkpoint->domain, node->parent->def.name);

  if (node->relation == CHECKPOINT_RELATION_MISSING_PARENT)
    pb_set_error (ENOENT, "checkpoint '%s': its parent '%s' is not there",
                  checkpoint->name, node->def.parent);
  else if (node->relation == CHECKPOINT_RELATION_CYCLE)
    pb_set_error (ENOENT,
                  "checkpoint '%s': it is its own ancestor, through its "
                  "parent '%s'",
                  checkpoint->name, node->def.parent);
  else
    pb_set_error (ENOENT, "checkpoint '%s' does not have a parent",
                  checkpoint->name);
  return NULL;
}

int
pb_checkpoint_is_current (pb_checkpoint *checkpoint, unsigned flags)
{
  const struct checkpoint_node *node;

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_flags (__func__, flags, 0) == -1)
    return -1;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  node = checkpoint_handle_node (checkpoint);
  if (node == NULL)
    return -1;
  return checkpoint->domain->content.tree.current == node;
}
