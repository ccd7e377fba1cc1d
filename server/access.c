/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* access.c: who may see what. */

#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "access.h"
#include "pullback.h"

int
access_check_client (const struct access *access,
                     const struct identity *identity)
{
  if (access->insecure)
    return 0;
  if (!identity->is_unix) {
    pb_set_error (EACCES, "a client over TCP is not known, and --insecure was "
                          "not given");
    return -1;
  }
  if (identity->uid != geteuid () && identity->uid != 0) {
    pb_set_error (EACCES, "only user %ju, who runs the server, and root may "
                          "connect",
                  (uintmax_t) geteuid ());
    return -1;
  }
  return 0;
}
