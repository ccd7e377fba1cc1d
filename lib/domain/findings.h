/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* findings.h: a list of what is wrong with a domain. */

#ifndef PULLBACK_FINDINGS_H
#define PULLBACK_FINDINGS_H

#include "domain.h"

struct pb_findings {
  size_t count;
  struct pb_finding *list; /* each string is the list's own */
};

/* Add a copy of FINDING, whose text and repair are ignored: its text is FORMAT
 * with what follows, and REPAIR its repair, or NULL.
 */
int findings_add (pb_findings *findings, const struct pb_finding *finding,
                  const char *repair, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 4, 5)));

/* Are they about the same thing, in the same place? */
bool findings_are_equal (const struct pb_finding *a,
                         const struct pb_finding *b);

/* Are FLAGS of enum pb_domain_repair_flags, and not both?  FUNCTION is named in
 * the error, EINVAL (examine.c).
 */
int check_repair_flags (const char *function, unsigned flags);

/* As pb_domain_examine (), with the domain's lock held (examine.c). */
pb_findings *domain_examine (pb_domain *domain, unsigned flags);

#endif /* PULLBACK_FINDINGS_H */
