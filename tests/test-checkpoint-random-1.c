/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-random-1.c: random sequences of checkpoints: one share of
 * the seeds, so that the shares run side by side.
 */

#include "checkpoint-random.h"

int
main (void)
{
  return checkpoint_random (0);
}
