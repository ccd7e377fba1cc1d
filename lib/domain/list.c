/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list.c: finding checkpoints. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "change.h"
#include "cleanup.h"
#include "domain.h"
#include "error.h"

#define FILTERS                                                                \
  (PB_CHECKPOINT_LIST_TOPOLOGICAL | PB_CHECKPOINT_LIST_LEAVES                  \
   | PB_CHECKPOINT_LIST_NO_LEAVES | PB_CHECKPOINT_LIST_CURRENT)

static unsigned
select_of_flags (unsigned flags)
{
  return (flags & PB_CHECKPOINT_LIST_TOPOLOGICAL ? CHECKPOINT_SELECT_TOPOLOGICAL
                                                 : 0)
         | (flags & PB_CHECKPOINT_LIST_LEAVES ? CHECKPOINT_SELECT_LEAVES : 0)
         | (flags & PB_CHECKPOINT_LIST_NO_LEAVES ? CHECKPOINT_SELECT_NO_LEAVES
                                                 : 0)
         | (flags & PB_CHECKPOINT_LIST_CURRENT ? CHECKPOINT_SELECT_CURRENT : 0);
}

void
pb_checkpoint_list_free (pb_checkpoint **list)
{
  if (list == NULL)
    return;
  for (size_t i = 0; list[i]; i++)
    pb_checkpoint_free (list[i]);
  free (list);
}

/* With the domain's lock held. */
static int
list_nodes (pb_domain *domain, const struct checkpoint_node *from,
            unsigned select, pb_checkpoint ***list)
{
  struct checkpoint_node **nodes;
  pb_checkpoint **handles;
  size_t count;

  nodes = checkpoint_tree_list (&domain->content.tree, from, select, &count);
  if (nodes == NULL)
    return -1;
  if (list == NULL) {
    free (nodes);
    return count;
  }

  handles = calloc (count + 1, sizeof *handles);
  if (handles == NULL)
    set_error_errno ("domain %s: list of checkpoints", domain->name);
  for (size_t i = 0; handles && i < count; i++) {
    handles[i] = checkpoint_handle_new (domain, nodes[i]->def.name);
    if (handles[i] == NULL) {
      pb_checkpoint_list_free (handles);
      handles = NULL;
    }
  }
  free (nodes);
  if (handles == NULL)
    return -1;
  *list = handles;
  return count;
}

int
pb_domain_list_all_checkpoints (pb_domain *domain, pb_checkpoint ***list,
                                unsigned flags)
{
  unsigned select = select_of_flags (flags);

  if (check_not_null (__func__, "domain", domain) == -1
      || check_flags (__func__, flags, PB_CHECKPOINT_LIST_ROOTS | FILTERS)
           == -1)
    return -1;
  if (flags & PB_CHECKPOINT_LIST_ROOTS)
    select |= CHECKPOINT_SELECT_CHILDREN_ONLY;

  LOCK_CURRENT_SCOPE (&domain->lock);
  return list_nodes (domain, NULL, select, list);
}

int
pb_checkpoint_list_all_children (pb_checkpoint *checkpoint,
                                 pb_checkpoint ***list, unsigned flags)
{
  unsigned select = select_of_flags (flags);
  const struct checkpoint_node *node;

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_flags (__func__, flags, PB_CHECKPOINT_LIST_DESCENDANTS | FILTERS)
           == -1)
    return -1;
  if (!(flags & PB_CHECKPOINT_LIST_DESCENDANTS))
    select |= CHECKPOINT_SELECT_CHILDREN_ONLY;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  node = checkpoint_handle_node (checkpoint);
  if (node == NULL)
    return -1;
  return list_nodes (checkpoint->domain, node, select, list);
}

/* Was it there, and could not be read? */
static void
set_not_found_error (const pb_domain *domain, const char *name)
{
  const struct store_problem *problem = change_find_problem (domain, name);

  if (problem)
    pb_set_error (ENOENT,
                  "no domain checkpoint with matching name '%s': %s could not "
                  "be read: %s",
                  name, problem->path, problem->reason);
  else
    pb_set_error (ENOENT, "no domain checkpoint with matching name '%s'", name);
}

pb_checkpoint *
pb_domain_checkpoint_lookup_by_name (pb_domain *domain, const char *name,
                                     unsigned flags)
{
  if (check_not_null (__func__, "domain", domain) == -1
      || check_not_null (__func__, "name", name) == -1
      || check_flags (__func__, flags, 0) == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&domain->lock);
  if (checkpoint_tree_find (&domain->content.tree, name) == NULL) {
    set_not_found_error (domain, name);
    return NULL;
  }
  return checkpoint_handle_new (domain, name);
}

pb_checkpoint *
pb_domain_get_current_checkpoint (pb_domain *domain, unsigned flags)
{
  const struct checkpoint_tree *tree;

  if (check_not_null (__func__, "domain", domain) == -1
      || check_flags (__func__, flags, 0) == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&domain->lock);
  tree = &domain->content.tree;
  if (tree->current)
    return checkpoint_handle_new (domain, tree->current->def.name);
  if (tree->current_is_unknown)
    domain_set_current_unknown_error (domain);
  else
    pb_set_error (ENOENT, "domain %s: no checkpoint is current", domain->name);
  return NULL;
}
