/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tree.h: the checkpoints of a domain, and which one each came after.
 *
 * A checkpoint whose parent is not there, or that is its own ancestor, is kept:
 * it hangs at the top, marked as broken, and its definition still names the
 * parent that it should have.
 */

#ifndef PULLBACK_CHECKPOINT_TREE_H
#define PULLBACK_CHECKPOINT_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "checkpoint-def.h"

enum checkpoint_relation {
  CHECKPOINT_RELATION_SOUND,
  CHECKPOINT_RELATION_MISSING_PARENT,
  CHECKPOINT_RELATION_CYCLE
};

struct checkpoint_node {
  struct checkpoint_def def;
  enum checkpoint_relation relation;
  struct checkpoint_node *parent; /* NULL for a root, and for a broken one */
  size_t nr_children;
  struct checkpoint_node **children; /* by name; belong to the tree */
};

struct checkpoint_tree {
  size_t nr_nodes;
  struct checkpoint_node **nodes; /* by name */
  struct checkpoint_node *current; /* or NULL */
  bool current_is_unknown;         /* there should be one: see store.h */
  const char *domain_uuid;         /* whose they should be; NULL: anybody's */

  /* The children of all nodes, for each of them in one piece. */
  struct checkpoint_node **children;
  size_t capacity; /* of both lists */
};

void checkpoint_tree_clear (struct checkpoint_tree *tree);

/* Does the checkpoint say that it is of a domain with another uuid?  Then what
 * is called as its disks and bitmaps are is not what it is about.
 */
bool checkpoint_node_is_foreign (const struct checkpoint_tree *tree,
                                 const struct checkpoint_node *node);

struct checkpoint_node *checkpoint_tree_find (
  const struct checkpoint_tree *tree, const char *name);

/* The order of names: that of strcasecmp () in the C locale, and of strcmp ()
 * where that is equal.
 */
int checkpoint_name_compare (const char *a, const char *b);

/* Put a checkpoint in, or in place of the one that has its name, and link all
 * of them anew.  DEF is taken over, and left empty (not on failure).  Current
 * does not change.  The node of a name stays where it is in memory.
 */
int checkpoint_tree_put (struct checkpoint_tree *tree,
                         struct checkpoint_def *def);

/* The same in two steps, for many: until the second one, no node's relation,
 * parent and children may be looked at.
 */
int checkpoint_tree_put_unlinked (struct checkpoint_tree *tree,
                                  struct checkpoint_def *def);
void checkpoint_tree_link (struct checkpoint_tree *tree);

/* Take a node out.  Those that name it as their parent are linked anew, and so
 * become broken unless their definitions were changed first; a current one
 * leaves none current.
 */
void checkpoint_tree_remove (struct checkpoint_tree *tree,
                             struct checkpoint_node *node);

/* Could a checkpoint called NAME have PARENT (or NULL)?  The errors, all
 * EINVAL, are libvirt's: own parent, parent not found, cycle.
 */
int checkpoint_tree_check_parent (const struct checkpoint_tree *tree,
                                  const char *name, const char *parent);

/* NULL: none. */
void checkpoint_tree_set_current (struct checkpoint_tree *tree,
                                  struct checkpoint_node *node);

/* Is ANCESTOR above NODE?  No node is its own ancestor. */
bool checkpoint_node_is_ancestor (const struct checkpoint_node *ancestor,
                                  const struct checkpoint_node *node);

enum checkpoint_select {
  CHECKPOINT_SELECT_CHILDREN_ONLY = 1, /* not children's children */
  CHECKPOINT_SELECT_LEAVES = 2,
  CHECKPOINT_SELECT_NO_LEAVES = 4, /* with both, as with neither */
  CHECKPOINT_SELECT_CURRENT = 8,
  CHECKPOINT_SELECT_TOPOLOGICAL = 16 /* every parent before its children,
                                      * siblings by name; else by name */
};

/* The nodes below FROM (NULL: all of the tree; its children are the roots and
 * the broken ones) that SELECT wants, as a new list of *COUNT; the list is
 * freed by the caller, the nodes belong to the tree.
 */
struct checkpoint_node **
checkpoint_tree_list (const struct checkpoint_tree *tree,
                      const struct checkpoint_node *from, unsigned select,
                      size_t *count);

#endif /* PULLBACK_CHECKPOINT_TREE_H */
