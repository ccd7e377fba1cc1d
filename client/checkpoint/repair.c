/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* repair.c: what is wrong with a domain, and what has become of each part of
 * it.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "repair.h"
#include "report.h"

static struct diagnosis *
add (struct diagnoses *diagnoses, const struct pb_finding *finding)
{
  struct diagnosis *grown
    = reallocarray (diagnoses->list, diagnoses->count + 1, sizeof grown[0]);

  if (grown == NULL) {
    pb_set_error (errno, "%s", strerror (errno));
    return NULL;
  }
  diagnoses->list = grown;
  grown[diagnoses->count] = (struct diagnosis) { .finding = *finding };
  return &grown[diagnoses->count++];
}

/* Repair what was found from FIRST on.  Returns how much has been repaired. */
static size_t
repair_pass (struct diagnoses *diagnoses, size_t first, pb_domain *domain,
             unsigned flags)
{
  size_t nr_repaired = 0;

  for (size_t i = first; i < diagnoses->count; i++) {
    struct diagnosis *diagnosis = &diagnoses->list[i];

    if (diagnosis->finding.repair == NULL)
      continue;
    if (pb_domain_repair (domain, &diagnosis->finding, flags) == 0) {
      diagnosis->outcome = OUTCOME_REPAIRED;
      nr_repaired++;
      continue;
    }
    diagnosis->outcome = OUTCOME_FAILED;
    diagnosis->error = strdup (pb_get_error ());
  }
  return nr_repaired;
}

/* Forget what the next examination finds again, if it is still true. */
static void
keep_repaired (struct diagnoses *diagnoses, size_t first)
{
  size_t kept = first;

  for (size_t i = first; i < diagnoses->count; i++)
    if (diagnoses->list[i].outcome == OUTCOME_REPAIRED)
      diagnoses->list[kept++] = diagnoses->list[i];
    else
      free (diagnoses->list[i].error);
  diagnoses->count = kept;
}

static int
examine (struct diagnoses *diagnoses, pb_domain *domain,
         enum repair_mode mode, unsigned flags)
{
  pb_findings *findings = pb_domain_examine (domain, flags);

  if (findings == NULL)
    return -1;
  diagnoses->examinations[diagnoses->nr_examinations++] = findings;
  for (size_t i = 0; i < pb_findings_count (findings); i++) {
    struct pb_finding finding;
    struct diagnosis *diagnosis;

    if (pb_findings_get (findings, i, &finding) == -1
        || (diagnosis = add (diagnoses, &finding)) == NULL)
      return -1;
    diagnosis->outcome = finding_is_note (&finding) ? OUTCOME_NOTE
                         : finding.repair == NULL   ? OUTCOME_NO_REPAIR
                         : mode == REPAIR_DRY_RUN   ? OUTCOME_WOULD_REPAIR
                                                    : OUTCOME_FOUND;
  }
  return 0;
}

int
diagnose (struct diagnoses *diagnoses, pb_domain *domain,
          enum repair_mode mode, unsigned flags)
{
  *diagnoses = (struct diagnoses) { .count = 0 };
  for (unsigned pass = 0;; pass++) {
    size_t first = diagnoses->count;

    if (examine (diagnoses, domain, mode, flags) == -1)
      return -1;
    if (mode != REPAIR_FIX || pass == REPAIR_PASSES_MAX
        || repair_pass (diagnoses, first, domain, flags) == 0)
      return 0;
    keep_repaired (diagnoses, first);
  }
}

void
diagnoses_clear (struct diagnoses *diagnoses)
{
  for (size_t i = 0; i < diagnoses->count; i++)
    free (diagnoses->list[i].error);
  free (diagnoses->list);
  for (size_t i = 0; i < diagnoses->nr_examinations; i++)
    pb_findings_free (diagnoses->examinations[i]);
  *diagnoses = (struct diagnoses) { .count = 0 };
}

size_t
diagnoses_count (const struct diagnoses *diagnoses, enum outcome outcome)
{
  size_t count = 0;

  for (size_t i = 0; i < diagnoses->count; i++)
    count += diagnoses->list[i].outcome == outcome;
  return count;
}
