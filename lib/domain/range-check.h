/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* range-check.h: a change of the tree, held against what each checkpoint that
 * stays says of its changes.
 *
 * A checkpoint whose changes are spread over a chain of bitmaps finds them by
 * way of the tree.  So a tree that changes can make it leave some out, and the
 * backup that it is for would restore wrong.  What is not known after a change
 * costs a full backup, and no data; that is not looked at here.
 */

#ifndef PULLBACK_RANGE_CHECK_H
#define PULLBACK_RANGE_CHECK_H

#include "domain.h"

enum range_check_flags {
  /* Bitmaps that drop out of a range are merged into it. */
  RANGE_CHECK_MERGED = 1,

  /* What was not known may come to be known: checkpoints are put in their
   * right place, say, and none is taken away.
   */
  RANGE_CHECK_MAY_BE_FOUND = 2
};

/* Could any that are in AFTER be spread over a chain on this disk?  If not,
 * its image need not be looked at.
 */
bool range_check_is_needed (const struct checkpoint_tree *after,
                            const char *disk);

/* A disk's bitmaps and the tree, at one time. */
struct range_state {
  const struct disk_bitmaps *bitmaps;
  const struct checkpoint_tree *tree;
};

/* Where BEFORE becomes AFTER, does each checkpoint that is in both still know
 * no less of the disk's changes than it should?  EBUSY or ESTALE, with what to
 * do, where one does not.
 */
int range_check (const struct range_state *before,
                 const struct range_state *after, unsigned flags);

/* 1 where the changes since the checkpoint called NAME were not known before,
 * and would seem to be after; 0, or -1.
 */
int range_check_would_seem_whole (const struct range_state *before,
                                  const struct range_state *after,
                                  const char *name);

#endif /* PULLBACK_RANGE_CHECK_H */
