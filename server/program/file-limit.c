/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file-limit.c: how many files the server may have open, and its children. */

#include "config.h"

#include <stdbool.h>
#include <sys/resource.h>

#include "file-limit.h"

static struct rlimit before;
static bool is_raised;

void
file_limit_raise (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &before) == -1)
    return;
  limit = before;
  limit.rlim_cur = limit.rlim_max;
  is_raised = setrlimit (RLIMIT_NOFILE, &limit) == 0;
}

void
file_limit_restore (void)
{
  if (is_raised)
    setrlimit (RLIMIT_NOFILE, &before); /* lowering cannot fail */
}
