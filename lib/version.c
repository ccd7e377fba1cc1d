/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* version.c: the version of the library. */

#include "config.h"

#include "pullback.h"

const char *
pb_get_version (void)
{
  return PACKAGE_VERSION;
}
