/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin.h: what the files of the nbdkit plugin share.
 *
 * config.c turns the parameters into disks, domain.c the disks of a domain
 * into ours, exports.c turns the name of an
 * export into a disk or one of its dirty maps, serve.c answers requests, and
 * plugin.c tells nbdkit of all that.
 */

#ifndef PULLBACK_PLUGIN_H
#define PULLBACK_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include "pullback.h"

/*** config.c ***/

/* A disk that is served.  All of them are known and open when the server gets
 * ready, and stay as they are from then on.
 */
struct disk {
  char *name;
  enum pb_format format; /* where IS_OF_DOMAIN is false */
  char *path;            /* absolute: nbdkit changes its folder */
  pb_view *view;         /* NULL until disks_open () */
  bool is_of_domain;     /* its maps "since:" are those of checkpoints */
};

extern struct disk *disks;
extern size_t nr_disks;

extern const char config_help[];

int config (const char *key, const char *value);
int config_complete (void);

/* Open every disk, and with it lock its image; one that cannot be opened is
 * an error of the whole server.
 */
int disks_open (void);
void disks_free (void);

/* Put DISK at the end of the list, which takes over what it holds, also where
 * this fails.
 */
int disks_append (struct disk *disk);
void disk_clear (struct disk *disk);

/*** domain.c ***/

/* The disks of the domain URI, open and put into the list.  STATE may be NULL;
 * IMAGE_FLAGS are of enum pb_image_flags.
 */
int domain_open_disks (const char *uri, const char *state,
                       unsigned image_flags);

/*** exports.c ***/

/* What a client is connected to. */
struct export {
  struct disk *disk;
  char *map;         /* name of the disk's dirty map, or NULL: its data */
  char *description;
};

/* The export called NAME, or NULL after nbdkit_error (). */
struct export *export_open (const char *name);
void export_close (struct export *export);

int list_exports (int readonly, int is_tls, struct nbdkit_exports *exports);
const char *default_export (int readonly, int is_tls);

/*** serve.c ***/

int serve_pread (struct export *export, void *buffer, uint32_t count,
                 uint64_t offset);
int serve_extents (struct export *export, uint32_t count, uint64_t offset,
                   uint32_t flags, struct nbdkit_extents *extents);

#endif /* PULLBACK_PLUGIN_H */
