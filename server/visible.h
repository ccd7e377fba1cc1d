/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* visible.h: the exports as one client sees them.  What it may not see does not
 * exist for it.
 */

#ifndef PULLBACK_VISIBLE_H
#define PULLBACK_VISIBLE_H

#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "connection.h"

/* Is the export shown in a list? */
bool visible_in_list (const struct connection *connection,
                      const struct export *export);

/* The export that the client calls by the LENGTH bytes NAME, where it has any
 * right to it.  The empty name is the only one that it could open.  NULL: there
 * is none for it; the error is for the log, since it says whether there is one
 * for others.
 */
const struct export *visible_find (const struct connection *connection,
                                   const char *name, uint32_t length);

/* The client's rights to the export, of enum access_rights. */
unsigned visible_rights (const struct connection *connection,
                         const struct export *export);

/* For people, and for clients of ours (nbd-description.h): "disk NAME", and
 * which of the maps that the client may have are disabled, as far as there is
 * room in what NBD takes.  Freed by the caller; NULL with an error set.
 */
char *visible_description (const struct connection *connection,
                           const struct export *export);

/* May the client have this context of an export that it sees? */
bool visible_context (const struct connection *connection,
                      const struct export *export,
                      const struct context *context);

#endif /* PULLBACK_VISIBLE_H */
