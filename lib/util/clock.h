/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* clock.h: the clock that never jumps. */

#ifndef PULLBACK_CLOCK_H
#define PULLBACK_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_S UINT64_C (1000000000)

static inline uint64_t
monotonic_ns (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return now.tv_sec * NS_PER_S + now.tv_nsec;
}

#endif /* PULLBACK_CLOCK_H */
