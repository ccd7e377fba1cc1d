/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rate.c: a limit on bytes a second, shared by all workers. */

#include "config.h"

#include "clock.h"
#include "rate.h"

void
rate_init (struct rate *rate, uint64_t bytes_per_second)
{
  rate->bytes_per_second = bytes_per_second;
  atomic_init (&rate->next_time, monotonic_ns ());
}

/* Time that was not used is lost: a pull that has stood still does not make up
 * for it by a burst.
 */
uint64_t
rate_reserve (struct rate *rate, uint64_t bytes)
{
  uint64_t next, start;

  if (rate->bytes_per_second == 0)
    return 0;
  next = atomic_load (&rate->next_time);
  do {
    uint64_t now = monotonic_ns ();

    start = next > now ? next : now;
  } while (!atomic_compare_exchange_weak (
    &rate->next_time, &next,
    start + (uint64_t) ((double) bytes * NS_PER_S / rate->bytes_per_second)));
  return start;
}
