/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-random.h: random sequences of what happens to checkpoints and
 * their disks, each step held against a model.
 */

#ifndef PULLBACK_CHECKPOINT_RANDOM_H
#define PULLBACK_CHECKPOINT_RANDOM_H

/* Run the share number SHARE, from 0 on, of the seeds.  A main (). */
int checkpoint_random (unsigned share);

#endif /* PULLBACK_CHECKPOINT_RANDOM_H */
