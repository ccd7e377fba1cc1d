/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* listing.h: the checkpoints of a domain, all of them and those that are
 * asked for.
 */

#ifndef PULLBACK_CHECKPOINT_LISTING_H
#define PULLBACK_CHECKPOINT_LISTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "pullback.h"

#define NO_ENTRY SIZE_MAX

/* A checkpoint and what its XML says. */
struct entry {
  pb_checkpoint *checkpoint; /* of the listing */
  const char *name;
  xmlDoc *document; /* without <domain> */
  char *parent_name; /* as it has it, or NULL */
  size_t parent; /* its entry, or NO_ENTRY: none, or BROKEN */
  bool is_shown;

  /* Why it has no sound place in the tree: "missing", "cycle", or NULL. */
  const char *broken;
};

struct listing {
  pb_checkpoint **all, **shown; /* lists of handles */
  size_t nr_entries, nr_shown;
  struct entry *entries; /* as ALL */
  size_t *by_name;       /* indices of entries, in order */
  size_t *order;         /* of those shown, as SHOWN */
  pb_findings *findings; /* what is wrong, but for the images */
};

/* Load all checkpoints of DOMAIN, mark those that SHOWN has, and those that
 * are broken by the FINDINGS.  The caller has set these two.
 */
int listing_load (struct listing *listing, pb_domain *domain);
void listing_clear (struct listing *listing);

/* The entry called NAME, or NO_ENTRY. */
size_t listing_find (const struct listing *listing, const char *name);

/* list-table.c: as a table, with the parents where WITH_PARENT. */
int listing_print_table (const struct listing *listing, bool with_parent);

/* list-tree.c: as a tree, of FROM and those shown below it, or of everything
 * where FROM is NO_ENTRY.
 */
int listing_print_tree (const struct listing *listing, size_t from);

/* list-json.c: as one JSON object. */
int listing_print_json (const struct listing *listing, pb_domain *domain);

#endif /* PULLBACK_CHECKPOINT_LISTING_H */
