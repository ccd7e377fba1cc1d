/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault-point.h: places where a test can end the process.
 *
 * Between two steps that change the disk stands a call of fault_point () with
 * a name of its own.  It does nothing, at the cost of one comparison, unless a
 * test has set the hook, which then ends the process there, or counts.
 */

#ifndef PULLBACK_FAULT_POINT_H
#define PULLBACK_FAULT_POINT_H

#include <stddef.h>

/* NULL unless a test sets it, before there is a second thread. */
extern void (*fault_point_hook) (const char *name);

static inline void
fault_point (const char *name)
{
  if (fault_point_hook != NULL)
    fault_point_hook (name);
}

#endif /* PULLBACK_FAULT_POINT_H */
