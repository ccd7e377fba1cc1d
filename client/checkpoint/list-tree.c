/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list-tree.c: checkpoints as a tree, drawn as virsh draws its trees:
 *
 *   a
 *     |
 *     +- b
 *     |   |
 *     |   +- c
 *     |
 *     +- d
 *
 * What has no sound place in it is drawn below a root that no checkpoint can
 * be called.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "listing.h"

static const char broken_root[] = "(broken)";

struct tree_node {
  size_t parent, first_child, last_child, next; /* or NO_ENTRY */
};

/* The nodes are those of the entries, and one more: the broken root. */
struct tree {
  const struct listing *listing;
  struct tree_node *nodes;
  char *indent; /* what the line starts with */
  size_t nr_indent;
};

static void
tree_clear (struct tree *tree)
{
  free (tree->nodes);
  free (tree->indent);
}

static int
tree_build (struct tree *tree, const struct listing *listing)
{
  size_t broken = listing->nr_entries;

  tree->listing = listing;
  tree->nodes = calloc (broken + 1, sizeof tree->nodes[0]);
  tree->indent = malloc (4 * (broken + 2) + 1); /* 4 for each level */
  if (tree->nodes == NULL || tree->indent == NULL) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return -1;
  }
  for (size_t i = 0; i <= broken; i++)
    tree->nodes[i]
      = (struct tree_node) { NO_ENTRY, NO_ENTRY, NO_ENTRY, NO_ENTRY };
  for (size_t i = 0; i < broken; i++) {
    size_t parent = listing->entries[i].broken ? broken
                                               : listing->entries[i].parent;
    struct tree_node *above;

    tree->nodes[i].parent = parent;
    if (parent == NO_ENTRY || !listing->entries[i].is_shown)
      continue;
    above = &tree->nodes[parent];
    if (above->first_child == NO_ENTRY)
      above->first_child = i;
    else
      tree->nodes[above->last_child].next = i;
    above->last_child = i;
  }
  return 0;
}

static void
add_indent (struct tree *tree, char first)
{
  tree->indent[tree->nr_indent++] = first;
  tree->indent[tree->nr_indent++] = ' ';
}

static void
print_indent (const struct tree *tree)
{
  fwrite (tree->indent, 1, tree->nr_indent, stdout);
}

static void
print_node (const struct tree *tree, size_t node, bool is_root)
{
  const struct entry *entry = &tree->listing->entries[node];

  print_indent (tree);
  fputs (is_root ? "" : "+- ", stdout);
  if (node == tree->listing->nr_entries)
    puts (broken_root);
  else if (entry->broken)
    printf ("%s (parent %s: %s)\n", entry->name, entry->parent_name,
            entry->broken);
  else
    puts (entry->name);
}

/* Print ROOT and all below it, without recursion: chains may be long. */
static void
print_tree (struct tree *tree, size_t root)
{
  const struct tree_node *nodes = tree->nodes;
  size_t at = root;

  tree->nr_indent = 0;
  for (;;) {
    print_node (tree, at, at == root);
    if (at != root)
      add_indent (tree, nodes[at].next == NO_ENTRY ? ' ' : '|');
    if (nodes[at].first_child != NO_ENTRY) {
      print_indent (tree);
      puts ("  |");
      add_indent (tree, ' ');
      at = nodes[at].first_child;
      continue;
    }
    if (at == root || nodes[at].next == NO_ENTRY) { /* a space between */
      print_indent (tree);
      putchar ('\n');
    }
    while (at != root && nodes[at].next == NO_ENTRY) {
      tree->nr_indent -= 4;
      at = nodes[at].parent;
    }
    if (at == root)
      return;
    tree->nr_indent -= 2;
    at = nodes[at].next;
  }
}

int
listing_print_tree (const struct listing *listing, size_t from)
{
  CLEANUP (tree_clear) struct tree tree = { .nr_indent = 0 };
  size_t broken = listing->nr_entries;

  if (tree_build (&tree, listing) == -1)
    return -1;
  if (from != NO_ENTRY) {
    print_tree (&tree, from);
    return 0;
  }
  for (size_t i = 0; i < broken; i++)
    if (tree.nodes[i].parent == NO_ENTRY)
      print_tree (&tree, i);
  if (tree.nodes[broken].first_child != NO_ENTRY)
    print_tree (&tree, broken);
  return 0;
}
