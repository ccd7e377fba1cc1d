/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* repair.h: what is wrong with a domain, and what has become of each part of
 * it.
 */

#ifndef PULLBACK_CHECKPOINT_REPAIR_H
#define PULLBACK_CHECKPOINT_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "pullback.h"

enum outcome {
  OUTCOME_FOUND,          /* there is a repair, which was not asked for */
  OUTCOME_NO_REPAIR,      /* only people can */
  OUTCOME_NOTE,           /* none is needed */
  OUTCOME_WOULD_REPAIR,   /* --dry-run */
  OUTCOME_REPAIRED,
  OUTCOME_FAILED
};

/* A finding; its strings belong to the examination that it came from. */
struct diagnosis {
  struct pb_finding finding; /* its repair: with the flags that were given */
  enum outcome outcome;
  char *error; /* of OUTCOME_FAILED */
};

enum repair_mode { REPAIR_NOT, REPAIR_DRY_RUN, REPAIR_FIX };

#define REPAIR_PASSES_MAX 8

struct diagnoses {
  size_t count;
  struct diagnosis *list; /* repaired ones first */
  size_t nr_examinations;
  pb_findings *examinations[REPAIR_PASSES_MAX + 1];
};

/* Examine DOMAIN, and with REPAIR_FIX repair and examine it again for as long
 * as repairs succeed, since one may make way for another.  FLAGS are of enum
 * pb_domain_repair_flags.
 */
int diagnose (struct diagnoses *diagnoses, pb_domain *domain,
              enum repair_mode mode, unsigned flags);
void diagnoses_clear (struct diagnoses *diagnoses);

/* How many have this outcome? */
size_t diagnoses_count (const struct diagnoses *diagnoses,
                        enum outcome outcome);

#endif /* PULLBACK_CHECKPOINT_REPAIR_H */
