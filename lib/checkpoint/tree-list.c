/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree-list.c: the checkpoints of a tree, or of a part of it, as a list. */

#include "config.h"

#include <stdlib.h>

#include "cleanup.h"
#include "error.h"
#include "tree.h"

static int
compare_nodes (const void *a, const void *b)
{
  const struct checkpoint_node *const *first = a, *const *second = b;

  return checkpoint_name_compare ((*first)->def.name, (*second)->def.name);
}

static bool
is_wanted (const struct checkpoint_tree *tree,
           const struct checkpoint_node *node, unsigned select)
{
  const unsigned both = CHECKPOINT_SELECT_LEAVES | CHECKPOINT_SELECT_NO_LEAVES;
  bool is_leaf = node->nr_children == 0;

  if ((select & CHECKPOINT_SELECT_CURRENT) && node != tree->current)
    return false;
  if ((select & both) == CHECKPOINT_SELECT_LEAVES)
    return is_leaf;
  if ((select & both) == CHECKPOINT_SELECT_NO_LEAVES)
    return !is_leaf;
  return true;
}

/* The children of FROM on STACK, the first one on top. */
static size_t
push_children (const struct checkpoint_tree *tree,
               const struct checkpoint_node *from,
               struct checkpoint_node **stack, size_t depth)
{
  if (from) {
    for (size_t i = from->nr_children; i-- > 0;)
      stack[depth++] = from->children[i];
    return depth;
  }
  for (size_t i = tree->nr_nodes; i-- > 0;)
    if (tree->nodes[i]->parent == NULL)
      stack[depth++] = tree->nodes[i];
  return depth;
}

struct checkpoint_node **
checkpoint_tree_list (const struct checkpoint_tree *tree,
                      const struct checkpoint_node *from, unsigned select,
                      size_t *count)
{
  /* Each node is on the stack at most once: it has one parent. */
  struct checkpoint_node **CLEANUP_FREE stack
    = calloc (tree->nr_nodes + 1, sizeof *stack);
  struct checkpoint_node **list = calloc (tree->nr_nodes + 1, sizeof *list);
  size_t depth;

  if (stack == NULL || list == NULL) {
    set_error_errno ("list of checkpoints");
    free (list);
    return NULL;
  }

  *count = 0;
  depth = push_children (tree, from, stack, 0);
  while (depth > 0) {
    struct checkpoint_node *node = stack[--depth];

    if (is_wanted (tree, node, select))
      list[(*count)++] = node;
    if (!(select & CHECKPOINT_SELECT_CHILDREN_ONLY))
      depth = push_children (tree, node, stack, depth);
  }
  if (!(select & CHECKPOINT_SELECT_TOPOLOGICAL))
    qsort (list, *count, sizeof *list, compare_nodes);
  return list;
}
