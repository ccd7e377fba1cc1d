/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-coverage.h: has a server answered the whole of a read?
 *
 * libnbd 1.14 checks of the chunks of an answer only that each lies inside the
 * request, and takes one that leaves something out for a good one; what was
 * left out would be zeroes, or whatever was in the buffer.
 */

#ifndef PULLBACK_NBD_COVERAGE_H
#define PULLBACK_NBD_COVERAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nbd_coverage {
  _Atomic uint64_t next; /* up to here there are no gaps */
  uint64_t end;
};

/* Before COUNT bytes from OFFSET on are asked for. */
void nbd_coverage_start (struct nbd_coverage *coverage, uint64_t offset,
                         uint64_t count);

/* libnbd's chunk callback, with a struct nbd_coverage.  Chunks must come in
 * order, as all servers send them.
 */
int nbd_coverage_add (void *coverage, const void *part, size_t count,
                      uint64_t offset, unsigned status, int *error);

/* When the read is done without an error: is all of it there?  If not that is
 * the error, of the server or export NAME.
 */
int nbd_coverage_check (const struct nbd_coverage *coverage,
                        const char *name);

#endif /* PULLBACK_NBD_COVERAGE_H */
