/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-coverage.c: has a server answered the whole of a read? */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <libnbd.h>

#include "nbd-coverage.h"
#include "pullback.h"

void
nbd_coverage_start (struct nbd_coverage *coverage, uint64_t offset,
                    uint64_t count)
{
  atomic_store (&coverage->next, offset);
  coverage->end = offset + count;
}

int
nbd_coverage_add (void *opaque, const void *part, size_t count,
                  uint64_t offset, unsigned status, int *error)
{
  struct nbd_coverage *coverage = opaque;

  (void) part;
  (void) error;
  if ((status == LIBNBD_READ_DATA || status == LIBNBD_READ_HOLE)
      && offset == atomic_load (&coverage->next))
    atomic_store (&coverage->next, offset + count);
  return 0;
}

int
nbd_coverage_check (const struct nbd_coverage *coverage, const char *name)
{
  uint64_t next = atomic_load (&coverage->next);

  if (next == coverage->end)
    return 0;
  pb_set_error (EPROTO, "%s: the server's answer to a read has a gap at "
                "offset 0x%" PRIx64,
                name, next);
  return -1;
}
