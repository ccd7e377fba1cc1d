/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wire-error.c: errno values as NBD error numbers. */

#include "config.h"

#include <errno.h>
#include <stddef.h>

#include "nbd-protocol.h"
#include "wire-error.h"

static const struct {
  int errnum;
  enum nbd_error error;
} table[] = {
  { 0, NBD_SUCCESS },         { EPERM, NBD_EPERM },
  { EACCES, NBD_EPERM },      { EROFS, NBD_EPERM },
  { EIO, NBD_EIO },           { ENOMEM, NBD_ENOMEM },
  { EINVAL, NBD_EINVAL },     { ENOSPC, NBD_ENOSPC },
  { EOVERFLOW, NBD_EOVERFLOW }, { ENOTSUP, NBD_ENOTSUP },
  { ESHUTDOWN, NBD_ESHUTDOWN },
};

uint32_t
wire_error (int errnum)
{
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
    if (table[i].errnum == errnum)
      return table[i].error;
  return NBD_EIO;
}
