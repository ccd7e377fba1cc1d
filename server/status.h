/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* status.h: what one metadata context says of a range. */

#ifndef PULLBACK_STATUS_H
#define PULLBACK_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "exports.h"
#include "reply.h"

/* Neighbours always differ in their flags. */
struct status {
  struct status_descriptor *list;
  uint32_t count, allocated;
  uint64_t length; /* of all together, from the start of the range */
};

/* Fill in STATUS, which is empty, with what CONTEXT says of the range: of all
 * of it, or, where that takes more than MAX descriptors or much work, of its
 * start.  Where only a later part cannot be told the part before it is.  The
 * list takes memory for MAX descriptors at most.
 */
int status_get (struct status *status, const struct export *export,
                const struct context *context, uint64_t offset,
                uint64_t length, uint32_t max);

/* Keep only what is about the first LENGTH (> 0) bytes. */
void status_trim (struct status *status, uint64_t length);

void status_clear (struct status *status);

#endif /* PULLBACK_STATUS_H */
