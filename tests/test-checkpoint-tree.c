/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-tree.c: the tree of checkpoints, held against a list of
 * names and parents that is searched anew for every question.
 *
 * Names collide but for their case, parents may be missing, a node itself, or
 * one of its descendants.
 */

#include "config.h"

#include <strings.h>

#include "tree.h"
#include "unit.h"

#define TREES     2000
#define NODES_MAX 14

static const char *const names[] = {
  "a", "A", "b", "B", "a-1", "a.1", "a_1", "aa", "Ab", "c",
  "d", "D", "-e", "E9", "f", "0", "00", "zz",
};
#define NR_NAMES (sizeof names / sizeof names[0])

/* The model: of names[i], is it there, and which parent does it name? */
static struct {
  bool exists;
  int parent; /* index into names, which may not exist; -1: none */
} model[NR_NAMES];
static int model_current;

static int
model_parent (int i)
{
  return model[i].parent != -1 && model[model[i].parent].exists
           ? model[i].parent
           : -1;
}

static bool
model_is_in_cycle (int i)
{
  int p = i;

  for (size_t n = 0; n <= NR_NAMES; n++) {
    p = model_parent (p);
    if (p == -1)
      return false;
    if (p == i)
      return true;
  }
  return false;
}

/* The parent in the tree: no cycle has any. */
static int
model_link (int i)
{
  return model_is_in_cycle (i) ? -1 : model_parent (i);
}

static bool
model_is_below (int i, int ancestor)
{
  for (i = model_link (i); i != -1; i = model_link (i))
    if (i == ancestor)
      return true;
  return false;
}

static bool
model_is_leaf (int i)
{
  for (size_t n = 0; n < NR_NAMES; n++)
    if (model[n].exists && model_link (n) == i)
      return false;
  return true;
}

static int
index_of (const struct checkpoint_node *node)
{
  for (size_t i = 0; i < NR_NAMES; i++)
    if (strcmp (names[i], node->def.name) == 0)
      return i;
  CHECK (!"a name that was put in");
  return -1;
}

static bool
in_order (const char *a, const char *b)
{
  int r = strcasecmp (a, b);

  return r < 0 || (r == 0 && strcmp (a, b) < 0);
}

static void
check_node (const struct checkpoint_tree *tree,
            const struct checkpoint_node *node)
{
  int i = index_of (node), link = model_link (i);
  size_t nr_children = 0;

  CHECK (model[i].exists);
  CHECK (checkpoint_tree_find (tree, names[i]) == node);
  CHECK (node->relation
         == (model_is_in_cycle (i) ? CHECKPOINT_RELATION_CYCLE
             : model[i].parent != -1 && model_parent (i) == -1
               ? CHECKPOINT_RELATION_MISSING_PARENT
               : CHECKPOINT_RELATION_SOUND));
  CHECK (link == -1 ? node->parent == NULL
                    : node->parent
                        && strcmp (node->parent->def.name, names[link]) == 0);

  /* What it names is kept, whatever became of it. */
  CHECK (model[i].parent == -1
           ? node->def.parent == NULL
           : strcmp (node->def.parent, names[model[i].parent]) == 0);

  for (size_t n = 0; n < NR_NAMES; n++)
    if (model[n].exists && model_link (n) == i)
      nr_children++;
  CHECK (node->nr_children == nr_children);
  for (size_t n = 0; n < nr_children; n++) {
    CHECK (node->children[n]->parent == node);
    CHECK (n == 0
           || in_order (node->children[n - 1]->def.name,
                        node->children[n]->def.name));
  }
}

static bool
model_wants (int i, int from, unsigned select)
{
  bool leaves = select & CHECKPOINT_SELECT_LEAVES;
  bool no_leaves = select & CHECKPOINT_SELECT_NO_LEAVES;

  if (!model[i].exists
      || ((select & CHECKPOINT_SELECT_CURRENT) && i != model_current))
    return false;
  if (leaves != no_leaves && model_is_leaf (i) != leaves)
    return false;
  if (select & CHECKPOINT_SELECT_CHILDREN_ONLY)
    return model_link (i) == from;
  return from == -1 || model_is_below (i, from);
}

static void
check_list (const struct checkpoint_tree *tree,
            const struct checkpoint_node *from, unsigned select)
{
  bool seen[NR_NAMES] = { false };
  size_t count, wanted = 0;
  struct checkpoint_node **list
    = checkpoint_tree_list (tree, from, select, &count);

  CHECK_OK (list);
  for (size_t i = 0; i < NR_NAMES; i++)
    wanted += model_wants (i, from ? index_of (from) : -1, select);
  CHECK (count == wanted);
  for (size_t n = 0; n < count; n++) {
    int i = index_of (list[n]), link = model_link (i);

    CHECK (model_wants (i, from ? index_of (from) : -1, select) && !seen[i]);
    seen[i] = true;
    if (!(select & CHECKPOINT_SELECT_TOPOLOGICAL)) {
      CHECK (n == 0
             || in_order (list[n - 1]->def.name, list[n]->def.name));
      continue;
    }
    /* The parent has been there, if it is listed at all; a sibling that comes
     * before is before it by name.
     */
    CHECK (link == -1 || seen[link]
           || !model_wants (link, from ? index_of (from) : -1, select));
    for (size_t m = 0; m < n; m++)
      CHECK (list[m]->parent != list[n]->parent
             || in_order (list[m]->def.name, list[n]->def.name));
  }
  free (list);
}

static void
check_parents (const struct checkpoint_tree *tree)
{
  for (size_t i = 0; i < NR_NAMES; i++) {
    int p = unit_random_below (NR_NAMES);
    bool cycle = false;
    int ancestor = p;

    for (size_t n = 0; n <= NR_NAMES && ancestor != -1; n++) {
      cycle = cycle || model[ancestor].parent == (int) i;
      ancestor = model_parent (ancestor);
    }
    CHECK_OK (checkpoint_tree_check_parent (tree, names[i], NULL) == 0);
    if (p == (int) i)
      CHECK_FAILS (
        checkpoint_tree_check_parent (tree, names[i], names[p]) == -1, EINVAL,
        "as its own parent");
    else if (!model[p].exists)
      CHECK_FAILS (
        checkpoint_tree_check_parent (tree, names[i], names[p]) == -1, EINVAL,
        "not found");
    else if (cycle)
      CHECK_FAILS (
        checkpoint_tree_check_parent (tree, names[i], names[p]) == -1, EINVAL,
        "would create cycle to");
    else
      CHECK_OK (checkpoint_tree_check_parent (tree, names[i], names[p]) == 0);
  }
}

static void
check_tree (const struct checkpoint_tree *tree)
{
  size_t count = 0;

  for (size_t i = 0; i < NR_NAMES; i++) {
    count += model[i].exists;
    CHECK (model[i].exists
           == (checkpoint_tree_find (tree, names[i]) != NULL));
  }
  CHECK (tree->nr_nodes == count);
  for (size_t i = 0; i < count; i++) {
    check_node (tree, tree->nodes[i]);
    CHECK (i == 0
           || in_order (tree->nodes[i - 1]->def.name,
                        tree->nodes[i]->def.name));
    for (size_t n = 0; n < count; n++)
      CHECK (checkpoint_node_is_ancestor (tree->nodes[n], tree->nodes[i])
             == model_is_below (index_of (tree->nodes[i]),
                                index_of (tree->nodes[n])));
  }
  CHECK (model_current == -1
           ? tree->current == NULL
           : tree->current && index_of (tree->current) == model_current);

  for (unsigned n = 0; n < 6; n++)
    check_list (tree,
                count == 0 || n == 0 ? NULL
                                     : tree->nodes[unit_random_below (count)],
                unit_random_below (32));
  check_parents (tree);
}

static void
put (struct checkpoint_tree *tree, int i, int parent, bool link)
{
  struct checkpoint_node *old = checkpoint_tree_find (tree, names[i]);
  struct checkpoint_def def = {
    .name = strdup (names[i]),
    .parent = parent == -1 ? NULL : strdup (names[parent]),
  };

  CHECK_OK ((link ? checkpoint_tree_put
                  : checkpoint_tree_put_unlinked) (tree, &def)
            == 0);
  CHECK (def.name == NULL && def.parent == NULL);
  CHECK (old == NULL || checkpoint_tree_find (tree, names[i]) == old);
  model[i].exists = true;
  model[i].parent = parent;
}

static int
random_parent (void)
{
  return unit_random_below (4) == 0 ? -1 : (int) unit_random_below (NR_NAMES);
}

static void
change_tree (struct checkpoint_tree *tree)
{
  struct checkpoint_node *node
    = tree->nr_nodes ? tree->nodes[unit_random_below (tree->nr_nodes)] : NULL;

  switch (unit_random_below (4)) {
  case 0:
    put (tree, unit_random_below (NR_NAMES), random_parent (), true);
    break;
  case 1:
    if (node)
      put (tree, index_of (node), random_parent (), true);
    break;
  case 2:
    if (node) {
      int i = index_of (node);

      checkpoint_tree_remove (tree, node);
      model[i].exists = false;
      if (model_current == i)
        model_current = -1;
    }
    break;
  default:
    tree->current_is_unknown = true;
    checkpoint_tree_set_current (tree, node);
    CHECK (!tree->current_is_unknown);
    model_current = node ? index_of (node) : -1;
  }
}

static void
test_random (void)
{
  struct checkpoint_tree tree = { 0 };
  size_t nr = unit_random_below (NODES_MAX);

  memset (model, 0, sizeof model);
  model_current = -1;
  for (size_t n = 0; n < nr; n++)
    put (&tree, unit_random_below (NR_NAMES), random_parent (), false);
  checkpoint_tree_link (&tree);
  check_tree (&tree);
  for (unsigned n = 0; n < 3; n++) {
    change_tree (&tree);
    check_tree (&tree);
  }
  checkpoint_tree_clear (&tree);
  CHECK (tree.nr_nodes == 0);
}

/* One after another, as deep as a folder may have them: nothing may need time
 * that grows faster than their number, nor a stack as deep.
 */
static void
test_deep (void)
{
  enum { DEPTH = 16384 };
  struct checkpoint_tree tree = { 0 };
  struct checkpoint_node **list;
  char name[16], parent[16];
  size_t count;

  for (unsigned i = 0; i < DEPTH; i++) {
    struct checkpoint_def def = { 0 };

    snprintf (name, sizeof name, "n%05u", i);
    snprintf (parent, sizeof parent, "n%05u", i - 1);
    def.name = strdup (name);
    def.parent = i ? strdup (parent) : NULL;
    CHECK_OK (checkpoint_tree_put_unlinked (&tree, &def) == 0);
  }
  checkpoint_tree_link (&tree);
  CHECK (checkpoint_node_is_ancestor (tree.nodes[0], tree.nodes[DEPTH - 1]));
  CHECK_FAILS (checkpoint_tree_check_parent (&tree, "n00000", name) == -1,
               EINVAL, "parent n00001 would create cycle to n00000");
  list = checkpoint_tree_list (&tree, tree.nodes[0],
                               CHECKPOINT_SELECT_TOPOLOGICAL, &count);
  CHECK_OK (list);
  CHECK (count == DEPTH - 1 && list[0] == tree.nodes[1]);
  free (list);
  checkpoint_tree_clear (&tree);
}

int
main (void)
{
  unit_seed ();
  for (unsigned i = 0; i < TREES; i++)
    test_random ();
  test_deep ();
  return 0;
}
