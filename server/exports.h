/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exports.h: the disks that are served, each with its metadata contexts.
 *
 * Nothing of it changes while there are clients, so it needs no lock.
 */

#ifndef PULLBACK_EXPORTS_H
#define PULLBACK_EXPORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pullback.h"

enum context_kind {
  CONTEXT_ALLOCATION, /* base:allocation */
  CONTEXT_DEPTH,      /* qemu:allocation-depth */
  CONTEXT_DIRTY       /* qemu:dirty-bitmap:MAP */
};

struct context {
  enum context_kind kind;
  char *name;       /* on the wire */
  const char *map;  /* DIRTY: the view's name of the map; part of NAME */
  bool is_disabled; /* DIRTY: QEMU does not record into it */
};

struct export {
  char *name;
  pb_view *view;
  size_t nr_contexts;
  struct context *contexts;
};

struct exports {
  size_t count;
  struct export *list;
};

/* Add VIEW, which is owned from here on (also on failure), under NAME.  Its
 * contexts are all that it has maps for; maps that cannot be used are logged
 * and left out.
 */
int exports_add (struct exports *exports, const char *name, pb_view *view);

/* The export called by the LENGTH bytes NAME, or NULL. */
const struct export *exports_find (const struct exports *exports,
                                   const void *name, size_t length);

void exports_clear (struct exports *exports);

#endif /* PULLBACK_EXPORTS_H */
