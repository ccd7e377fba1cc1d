/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* extents.h: streams of extents, for use inside the library.
 *
 * The public functions (pullback.h) are all there is; this adds shorthands.
 * Each file of streams is one verb: extents.c is the checked layer and the
 * simple sources, combine.c takes two streams, reshape.c takes one.
 */

#ifndef PULLBACK_EXTENTS_H
#define PULLBACK_EXTENTS_H

#include "cleanup.h"
#include "pullback.h"

static inline void
cleanup_extents (pb_extents **extents)
{
  pb_extents_free (*extents);
}

/* pb_extents *CLEANUP_EXTENTS e = ...; */
#define CLEANUP_EXTENTS CLEANUP (cleanup_extents)

/* Has nothing been taken from EXTENTS yet, so that it still covers its whole
 * range?
 */
bool extents_are_untouched (const pb_extents *extents);

/* Fail unless [offset, offset + length) lies on a disk of SIZE bytes; NAME is
 * the disk's, for the error.
 */
int check_range (const char *name, uint64_t offset, uint64_t length,
                 uint64_t size);

#endif /* PULLBACK_EXTENTS_H */
