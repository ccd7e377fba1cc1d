/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rate.h: a limit on bytes a second, shared by all workers. */

#ifndef PULLBACK_RATE_H
#define PULLBACK_RATE_H

#include <stdatomic.h>
#include <stdint.h>

struct rate {
  uint64_t bytes_per_second;   /* 0: no limit */
  _Atomic uint64_t next_time;  /* when the next byte is due */
};

void rate_init (struct rate *rate, uint64_t bytes_per_second);

/* Reserve BYTES, and return the time (of monotonic_ns ()) from which on they
 * may be asked for; 0 where there is no limit.
 */
uint64_t rate_reserve (struct rate *rate, uint64_t bytes);

#endif /* PULLBACK_RATE_H */
