/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* delete.h: what the two files of deletion share.
 *
 * delete.c chooses the checkpoints, and what becomes of the tree;
 * delete-bitmaps.c what becomes of the bitmaps.
 */

#ifndef PULLBACK_DELETE_H
#define PULLBACK_DELETE_H

#include "change.h"

/* A deletion that is being planned.  Nodes belong to the domain's tree. */
struct deletion {
  const pb_domain *domain;
  bool metadata_only;
  size_t nr_nodes;
  struct checkpoint_node **nodes;       /* which are deleted, older first */
  const struct checkpoint_node *current; /* after it, or NULL */
  struct store_content after;            /* with the tree as it will be */
};

bool deletion_has (const struct deletion *deletion,
                   const struct checkpoint_node *node);

/* Add to COMMIT what happens to the bitmaps of all disks, once it is sure that
 * it can happen and that no other checkpoint loses a change by it.
 */
int deletion_add_bitmaps (const struct deletion *deletion,
                          struct commit *commit);

#endif /* PULLBACK_DELETE_H */
