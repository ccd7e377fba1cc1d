/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* request.h: a client's request, and the one gate that each passes.
 *
 * Nothing behind the gate looks at what the client sent but through struct
 * request, whose range lies on the disk and whose type and flags are known.
 */

#ifndef PULLBACK_REQUEST_H
#define PULLBACK_REQUEST_H

#include <stddef.h>
#include <stdint.h>

#include "input.h"

struct request {
  uint16_t type, flags;
  uint64_t cookie, offset, length;

  /* The request is to be answered with this error, and nothing else done. */
  int errnum;      /* 0: it is to be done */
  const char *why; /* in constant text */

  /* BLOCK_STATUS with a payload: only these of the selected contexts, by their
   * numbers.  NULL: all.
   */
  uint32_t *contexts;
  size_t nr_contexts;
};

/* What the gate judges by. */
struct request_rules {
  uint64_t size;            /* of the disk */
  uint32_t maximum;         /* bytes that READ and CACHE may ask for */
  bool may_read;            /* the client may have its bytes */
  bool is_structured;       /* or extended */
  bool is_extended;
  size_t nr_contexts;       /* that were selected; their numbers are less */
};

/* Receive the next request.  Returns 1, 0 where the client has disconnected, by
 * DISC or without, or -1 where the connection must end.
 */
int request_receive (struct request *request, struct input *input,
                     const struct request_rules *rules);

void request_clear (struct request *request);

#endif /* PULLBACK_REQUEST_H */
