/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan.h: what is to be done with each part of the disk. */

#ifndef PULLBACK_PLAN_H
#define PULLBACK_PLAN_H

#include "pull.h"

/* The plan as a stream over the whole disk, cut at the pull's granule: not
 * DIRTY: leave it to the backing file; DIRTY: read it; DIRTY | ZERO: it reads
 * as zeroes.  PULL's connections are there already; DRIVER_WAKE_FD is as in
 * struct nbd_map_config.
 */
pb_extents *plan_new (struct pull *pull, struct nbd_handle *nbd,
                      int driver_wake_fd);

/* The mapper: carry PULL's plan to its queue.  A thread's main function. */
void *mapper_run (void *pull);

/* Go through PULL's plan for its counters alone. */
int mapper_count (struct pull *pull);

#endif /* PULLBACK_PLAN_H */
