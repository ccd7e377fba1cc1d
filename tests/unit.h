/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* unit.h: what the C tests share.
 *
 * CHECK says what was expected, where, and stops the test.  Random tests take
 * their seed from $SEED or the clock and print it, so that a failure can be
 * repeated.
 */

#ifndef PULLBACK_UNIT_H
#define PULLBACK_UNIT_H

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pullback.h"

#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf (stderr, "%s:%d: %s: check failed: %s\n", __FILE__, __LINE__,   \
               __func__, #condition);                                         \
      exit (1);                                                               \
    }                                                                         \
  } while (0)

/* A call of the library that must succeed, or its error is shown. */
#define CHECK_OK(condition)                                                   \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf (stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, __func__,   \
               #condition, pb_get_error ());                                  \
      exit (1);                                                               \
    }                                                                         \
  } while (0)

/* A call of the library that must fail, with this errno, and with TEXT in its
 * message.
 */
#define CHECK_FAILS(condition, errnum, text)                                  \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf (stderr, "%s:%d: %s: should have failed: %s\n", __FILE__,       \
               __LINE__, __func__, #condition);                               \
      exit (1);                                                               \
    }                                                                         \
    if (pb_get_errno () != (errnum)                                           \
        || strstr (pb_get_error (), (text)) == NULL) {                        \
      fprintf (stderr, "%s:%d: %s: wrong error %d: %s\n  expected %s: %s\n",  \
               __FILE__, __LINE__, __func__, pb_get_errno (),                 \
               pb_get_error (), #errnum, (text));                             \
      exit (1);                                                               \
    }                                                                         \
  } while (0)

/* xorshift64*: small, and the same everywhere. */
static uint64_t unit_random_state;

__attribute__ ((__unused__)) static uint64_t
unit_seed (void)
{
  const char *text = getenv ("SEED");
  uint64_t seed = text ? strtoull (text, NULL, 0) : (uint64_t) time (NULL);

  printf ("SEED=%" PRIu64 "\n", seed);
  fflush (stdout);
  unit_random_state = seed * UINT64_C (0x9e3779b97f4a7c15) + 1;
  return seed;
}

__attribute__ ((__unused__)) static uint64_t
unit_random (void)
{
  unit_random_state ^= unit_random_state >> 12;
  unit_random_state ^= unit_random_state << 25;
  unit_random_state ^= unit_random_state >> 27;
  return unit_random_state * UINT64_C (0x2545f4914f6cdd1d);
}

/* A number below LIMIT (> 0). */
__attribute__ ((__unused__)) static uint64_t
unit_random_below (uint64_t limit)
{
  return unit_random () % limit;
}

#endif /* PULLBACK_UNIT_H */
