/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-world.h: a domain on real disks beside its model. */

#ifndef PULLBACK_CHECKPOINT_WORLD_H
#define PULLBACK_CHECKPOINT_WORLD_H

#include "checkpoint-disks.h"
#include "checkpoint-ops.h"

/* A domain and what it should be. */
struct world {
  const char *folder;
  char state[320];
  char uri[MODEL_DISKS * MODEL_PATH];
  bool as_xml;
  bool is_rough; /* bitmaps are meddled with, and processes killed */
  pb_domain *domain;
  struct model model;
};

/* FLAGS are of enum pb_domain_flags. */
pb_domain *open_world (struct world *world, unsigned flags);
void reopen (struct world *world);

/* Is all as the model says?  Ends the test where it is not. */
void check_world (struct world *world);
void check_world_with_qemu (struct world *world);

/* Checkpoints of older libvirt, on new disks: their bitmaps are made, and their
 * metadata is taken in, oldest first.
 */
void import_chain (struct world *world, size_t count);

/* Returns 0 or an errno. */
typedef int (*domain_function) (pb_domain *domain, void *opaque);

/* Open the domain, and call FUNCTION (if not NULL), in a child that is killed
 * at the fault point number POINTS.  Returns what FUNCTION did, or the errno of
 * opening, or -1 where it was killed.
 */
int run_and_die (struct world *world, unsigned points, unsigned flags,
                 domain_function function, void *opaque);

/* All or nothing: is it as it was, or as AFTER?  Takes over which it is.  If
 * MAY_MERGE, a deletion that was undone may have left older bitmaps with more
 * in them.
 */
void check_either (struct world *world, struct model *after, bool may_merge,
                   pb_domain *domain);

/* Do OP and see that what should come of it does.  In a rough world it is done
 * now and then by a process that is killed on the way.
 */
void do_op (struct world *world, const struct op *op);

#endif /* PULLBACK_CHECKPOINT_WORLD_H */
