/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-tools.h: what the tests of checkpoints on real disks share: random
 * numbers of one source, what was done so far, other programs.
 */

#ifndef PULLBACK_CHECKPOINT_TOOLS_H
#define PULLBACK_CHECKPOINT_TOOLS_H

#include <stdbool.h>
#include <stdint.h>

void random_start (uint64_t seed);
uint64_t random_below (uint64_t limit);
bool chance (unsigned one_in);

/* Lines that tell what was done, to be shown when something is wrong. */
void trace (const char *format, ...)
  __attribute__ ((__format__ (__printf__, 1, 2)));
void trace_clear (void);
void trace_print (void);

/* Run a program that must succeed; the arguments end with NULL. */
void run_program (const char *program, ...) __attribute__ ((__sentinel__));

#endif /* PULLBACK_CHECKPOINT_TOOLS_H */
