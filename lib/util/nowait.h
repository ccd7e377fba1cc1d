/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nowait.h: has the thread asked not to wait for a disk (pb_set_nowait ())? */

#ifndef PULLBACK_NOWAIT_H
#define PULLBACK_NOWAIT_H

#include <stdbool.h>

bool is_nowait (void);

/* Where WHAT would have to be waited for: set the error, and return -1. */
int fail_nowait (const char *what);

#endif /* PULLBACK_NOWAIT_H */
