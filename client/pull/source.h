/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source.h: the export that is pulled, and where its dirty map is found.
 *
 * A dirty map is a context of the export, or an export of its own: see
 * nbd-export.h.
 */

#ifndef PULLBACK_SOURCE_H
#define PULLBACK_SOURCE_H

#include <libnbd.h>
#include <stdbool.h>
#include <stdint.h>

enum map_source {
  MAP_SOURCE_NONE, /* a full backup needs none */
  MAP_SOURCE_CONTEXT,
  MAP_SOURCE_EXPORT
};

struct source {
  const char *uri;
  char *export_name;
  uint64_t size;            /* bytes */
  uint32_t min_block;       /* power of two, >= 1 */
  uint32_t max_block;       /* longest request, a multiple of min_block */
  bool multi_conn;          /* several connections see the same disk */
  bool has_allocation;      /* the server has base:allocation */
  enum map_source map_source;
  char *map_name;           /* of the context or export, or NULL */
  uint32_t map_min_block;   /* as min_block, of the map's export */

  /* The first connection, ready for commands, and the one to the map's own
   * export (MAP_SOURCE_EXPORT only).  Whoever takes one over sets it to NULL.
   */
  struct nbd_handle *nbd;
  struct nbd_handle *map_nbd;
};

/* Connect to URI and find the dirty map BITMAP (NULL: none is wanted).  An
 * nbds URI never falls back to plain text.
 */
int source_open (struct source *source, const char *uri, const char *bitmap);
void source_close (struct source *source);

/* Close the connections only: what was found of the export stays. */
void source_disconnect (struct source *source);

/* One more connection to the export.  A server that has all the clients it
 * wants refuses it, or lets it wait: this fails where a step of connecting takes
 * more than SECONDS.  With ESTALE it fails where what it finds is not the disk
 * that the first connection found.
 */
struct nbd_handle *source_connect (const struct source *source,
                                   unsigned seconds);

/* What map_source is called in reports: "none", "context" or "export". */
const char *map_source_name (enum map_source map_source);

#endif /* PULLBACK_SOURCE_H */
