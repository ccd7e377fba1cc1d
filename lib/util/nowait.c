/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nowait.c: threads that will not wait for a disk. */

#include "config.h"

#include <errno.h>

#include "nowait.h"
#include "pullback.h"

static _Thread_local bool nowait;

void
pb_set_nowait (bool is_set)
{
  nowait = is_set;
}

bool
is_nowait (void)
{
  return nowait;
}

int
fail_nowait (const char *what)
{
  pb_set_error (EAGAIN, "%s is not in memory", what);
  return -1;
}
