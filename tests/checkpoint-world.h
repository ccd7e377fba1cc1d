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

/* Do OP and see that what should come of it does.  In a rough world it is done
 * now and then by a process that is killed on the way.
 */
void do_op (struct world *world, const struct op *op);

#endif /* PULLBACK_CHECKPOINT_WORLD_H */
