/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-export.h: what an NBD server says of an export of its, and what its
 * exports and metadata contexts are called.
 *
 * A dirty map called NAME of the export EXPORT is either EXPORT's metadata
 * context "qemu:dirty-bitmap:NAME" (QEMU, backup-serve), or an export of its
 * own, EXPORT/NAME, whose base:allocation tells what has changed (our nbdkit
 * plugin).  The latter is recognised by its description and by nothing less:
 * taking any other export for a dirty map would lose data.
 */

#ifndef PULLBACK_NBD_EXPORT_H
#define PULLBACK_NBD_EXPORT_H

#include <libnbd.h>
#include <stdbool.h>
#include <stdint.h>

#define NBD_CONTEXT_DIRTY_BITMAP "qemu:dirty-bitmap:"
#define NBD_CONTEXT_DEPTH        "qemu:allocation-depth"

enum nbd_export_kind {
  NBD_EXPORT_OTHER,
  NBD_EXPORT_MAP,
  NBD_EXPORT_DISABLED_MAP /* tells only a part of what has changed */
};

/* Is NAME, which a server has sent, fit to be shown to people and given to
 * clients?
 */
bool nbd_name_is_plain (const char *name);

/* What the export that DESCRIPTION (or NULL) is about is. */
enum nbd_export_kind nbd_export_kind (const char *description);

/* The same of the export that NBD has been told about. */
enum nbd_export_kind nbd_export_kind_of (struct nbd_handle *nbd);

/* Does an export say, as backup-serve does in its DESCRIPTION (or NULL), that
 * its map MAP, a context, tells only a part of what has changed?  QEMU does not
 * say.
 */
bool nbd_export_has_disabled (const char *description, const char *map);

/* The name of the export that EXPORT_NAME, "" perhaps, stands for; freed by the
 * caller.  NULL where there is no memory.
 */
char *nbd_export_canonical_name (struct nbd_handle *nbd,
                                 const char *export_name);

struct nbd_export_limits {
  uint64_t size;      /* bytes */
  uint32_t min_block; /* power of two, >= 1 */
  uint32_t max_block; /* longest request, a multiple of min_block */
};

/* The limits of EXPORT_NAME, which NBD has been told about.  -1 with an error
 * where they make no sense.
 */
int nbd_export_get_limits (struct nbd_handle *nbd, const char *uri,
                           const char *export_name,
                           struct nbd_export_limits *limits);

#endif /* PULLBACK_NBD_EXPORT_H */
