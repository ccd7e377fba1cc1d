/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fault-point.c: places where a test can end the process. */

#include "config.h"

#include "fault-point.h"

void (*fault_point_hook) (const char *name);
