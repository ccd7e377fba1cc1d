/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disks.h: what the command line says is to be served, and opening it. */

#ifndef PULLBACK_DISKS_H
#define PULLBACK_DISKS_H

#include <stdbool.h>
#include <stddef.h>

#include "exports.h"
#include "nbdkit.h"
#include "pullback.h"

/* A disk as an operand: NAME=[FORMAT:]PATH or [NAME=]NBD-URI. */
struct disk {
  struct pb_disk_spec image; /* where there is no URI */
  const char *uri;           /* part of the operand, or NULL */
  char *name;                /* with the URI, or NULL */
};

/* TEXT must outlive DISK.  On failure there is nothing to clear. */
int disk_parse (const char *text, struct disk *disk);
void disk_clear (struct disk *disk);

/* At most one of a domain, nbdkit and the list is there. */
struct disk_options {
  const char *connect; /* a domain, or NULL */
  const char *state;   /* its folder, or NULL */
  bool is_nbdkit;
  char *const *nbdkit_arguments; /* ended by NULL */
  size_t count;
  struct disk *list;
  unsigned image_flags; /* of enum pb_image_flags */
};

/* Open all of it as EXPORTS.  NBDKIT is that which was started where it is to
 * be served.
 */
int disks_open (const struct disk_options *options,
                const struct nbdkit *nbdkit, struct exports *exports);

#endif /* PULLBACK_DISKS_H */
