/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree.c: the checkpoints of a domain, and which one each came after. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "tree.h"

/* Lists grow by this at first, and are doubled then. */
#define CAPACITY_MIN 16

static int
lower_case (char c)
{
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* strcasecmp () would go by the program's locale, which may change. */
int
checkpoint_name_compare (const char *a, const char *b)
{
  for (size_t i = 0;; i++) {
    int difference = lower_case (a[i]) - lower_case (b[i]);

    if (difference != 0)
      return difference;
    if (a[i] == '\0')
      return strcmp (a, b);
  }
}

/* The index of the first node that is not before NAME. */
static size_t
lower_bound (const struct checkpoint_tree *tree, const char *name)
{
  size_t low = 0, high = tree->nr_nodes;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (checkpoint_name_compare (tree->nodes[middle]->def.name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool
is_at (const struct checkpoint_tree *tree, size_t i, const char *name)
{
  return i < tree->nr_nodes && strcmp (tree->nodes[i]->def.name, name) == 0;
}

struct checkpoint_node *
checkpoint_tree_find (const struct checkpoint_tree *tree, const char *name)
{
  size_t i = lower_bound (tree, name);

  return is_at (tree, i, name) ? tree->nodes[i] : NULL;
}

void
checkpoint_tree_clear (struct checkpoint_tree *tree)
{
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    checkpoint_def_clear (&tree->nodes[i]->def);
    free (tree->nodes[i]);
  }
  free (tree->nodes);
  free (tree->children);
  *tree = (struct checkpoint_tree) { 0 };
}

bool
checkpoint_node_is_foreign (const struct checkpoint_tree *tree,
                            const struct checkpoint_node *node)
{
  return node->def.domain_uuid && tree->domain_uuid
         && strcmp (node->def.domain_uuid, tree->domain_uuid) != 0;
}

/* Find each node's parent by its name, and count the children. */
static void
find_parents (struct checkpoint_tree *tree)
{
  for (size_t i = 0; i < tree->nr_nodes; i++)
    tree->nodes[i]->nr_children = 0;
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    struct checkpoint_node *node = tree->nodes[i];
    const char *parent = node->def.parent;

    node->parent = parent ? checkpoint_tree_find (tree, parent) : NULL;
    node->relation = parent && node->parent == NULL
                       ? CHECKPOINT_RELATION_MISSING_PARENT
                       : CHECKPOINT_RELATION_SOUND;
    if (node->parent)
      node->parent->nr_children++;
  }
}

/* Whoever takes away leaves until there are none has taken all but the
 * cycles: each node of one has a child that is in it too.  The space for
 * children, not in use yet, lists what has been taken.
 */
static void
break_cycles (struct checkpoint_tree *tree)
{
  struct checkpoint_node **taken = tree->children;
  size_t nr_taken = 0;

  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (tree->nodes[i]->nr_children == 0)
      taken[nr_taken++] = tree->nodes[i];
  for (size_t i = 0; i < nr_taken; i++) {
    struct checkpoint_node *parent = taken[i]->parent;

    if (parent && --parent->nr_children == 0)
      taken[nr_taken++] = parent;
  }

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    struct checkpoint_node *node = tree->nodes[i];

    if (node->nr_children > 0) {
      node->relation = CHECKPOINT_RELATION_CYCLE;
      node->parent = NULL;
    }
  }
}

/* Give each node its part of the list of children.  Nodes come by name, and so
 * do the children of each.
 */
static void
list_children (struct checkpoint_tree *tree)
{
  struct checkpoint_node **free_space = tree->children;

  for (size_t i = 0; i < tree->nr_nodes; i++)
    tree->nodes[i]->nr_children = 0;
  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (tree->nodes[i]->parent)
      tree->nodes[i]->parent->nr_children++;
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    struct checkpoint_node *node = tree->nodes[i];

    node->children = free_space;
    free_space += node->nr_children;
    node->nr_children = 0;
  }
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    struct checkpoint_node *parent = tree->nodes[i]->parent;

    if (parent)
      parent->children[parent->nr_children++] = tree->nodes[i];
  }
}

void
checkpoint_tree_link (struct checkpoint_tree *tree)
{
  find_parents (tree);
  break_cycles (tree);
  list_children (tree);
}

/* Have space for one more node, and for it as a child, so that linking never
 * needs memory.
 */
static int
grow (struct checkpoint_tree *tree)
{
  size_t capacity = tree->capacity ? 2 * tree->capacity : CAPACITY_MIN;
  struct checkpoint_node **list;

  if (tree->nr_nodes < tree->capacity)
    return 0;
  list = reallocarray (tree->nodes, capacity, sizeof *list);
  if (list == NULL)
    return -1;
  tree->nodes = list;
  list = calloc (capacity, sizeof *list);
  if (list == NULL)
    return -1;
  free (tree->children);
  tree->children = list;
  tree->capacity = capacity;
  return 0;
}

int
checkpoint_tree_put_unlinked (struct checkpoint_tree *tree,
                              struct checkpoint_def *def)
{
  size_t i = lower_bound (tree, def->name);
  struct checkpoint_node *node;

  if (is_at (tree, i, def->name)) {
    node = tree->nodes[i];
    checkpoint_def_clear (&node->def);
  }
  else {
    node = calloc (1, sizeof *node);
    if (node == NULL || grow (tree) == -1) {
      set_error_errno ("checkpoint %s", def->name);
      free (node);
      return -1;
    }
    memmove (tree->nodes + i + 1, tree->nodes + i,
             (tree->nr_nodes - i) * sizeof *tree->nodes);
    tree->nodes[i] = node;
    tree->nr_nodes++;
  }
  node->def = *def;
  *def = (struct checkpoint_def) { 0 };
  return 0;
}

int
checkpoint_tree_put (struct checkpoint_tree *tree, struct checkpoint_def *def)
{
  if (checkpoint_tree_put_unlinked (tree, def) == -1)
    return -1;
  checkpoint_tree_link (tree);
  return 0;
}

void
checkpoint_tree_remove (struct checkpoint_tree *tree,
                        struct checkpoint_node *node)
{
  size_t i = lower_bound (tree, node->def.name);

  tree->nr_nodes--;
  memmove (tree->nodes + i, tree->nodes + i + 1,
           (tree->nr_nodes - i) * sizeof *tree->nodes);
  if (tree->current == node)
    tree->current = NULL;
  checkpoint_def_clear (&node->def);
  free (node);
  checkpoint_tree_link (tree);
}

int
checkpoint_tree_check_parent (const struct checkpoint_tree *tree,
                              const char *name, const char *parent)
{
  const struct checkpoint_node *node;

  if (parent == NULL)
    return 0;
  if (strcmp (name, parent) == 0) {
    pb_set_error (EINVAL, "cannot set moment %s as its own parent", name);
    return -1;
  }
  node = checkpoint_tree_find (tree, parent);
  if (node == NULL) {
    pb_set_error (EINVAL, "parent %s for moment %s not found", parent, name);
    return -1;
  }

  /* By name, since in a cycle that is there already nobody has a parent; and
   * not further than there are nodes, where such a one does not lead to NAME.
   */
  for (size_t i = 0; node && node->def.parent && i < tree->nr_nodes; i++) {
    if (strcmp (node->def.parent, name) == 0) {
      pb_set_error (EINVAL, "parent %s would create cycle to %s",
                    node->def.name, name);
      return -1;
    }
    node = checkpoint_tree_find (tree, node->def.parent);
  }
  return 0;
}

void
checkpoint_tree_set_current (struct checkpoint_tree *tree,
                             struct checkpoint_node *node)
{
  tree->current = node;
  tree->current_is_unknown = false;
}

bool
checkpoint_node_is_ancestor (const struct checkpoint_node *ancestor,
                             const struct checkpoint_node *node)
{
  for (node = node->parent; node; node = node->parent)
    if (node == ancestor)
      return true;
  return false;
}
