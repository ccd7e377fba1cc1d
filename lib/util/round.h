/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* round.h: arithmetic on sizes. */

#ifndef PULLBACK_ROUND_H
#define PULLBACK_ROUND_H

#include <stdbool.h>
#include <stdint.h>

static inline bool
is_power_of_2 (uint64_t value)
{
  return value != 0 && (value & (value - 1)) == 0;
}

/* STEP is a power of two.  round_up () wraps to 0 within STEP of 2^64. */
static inline uint64_t
round_down (uint64_t value, uint64_t step)
{
  return value & ~(step - 1);
}

static inline uint64_t
round_up (uint64_t value, uint64_t step)
{
  return round_down (value + step - 1, step);
}

static inline bool
is_aligned (uint64_t value, uint64_t step)
{
  return (value & (step - 1)) == 0;
}

/* Any STEP > 0, any VALUE. */
static inline uint64_t
div_round_up (uint64_t value, uint64_t step)
{
  return value / step + (value % step != 0);
}

static inline uint64_t
min_u64 (uint64_t a, uint64_t b)
{
  return a < b ? a : b;
}

static inline uint64_t
max_u64 (uint64_t a, uint64_t b)
{
  return a > b ? a : b;
}

/* Does [offset, offset + length) lie inside [0, size)?  Never overflows. */
static inline bool
range_is_inside (uint64_t offset, uint64_t length, uint64_t size)
{
  return offset <= size && length <= size - offset;
}

#endif /* PULLBACK_ROUND_H */
