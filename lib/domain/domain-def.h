/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain-def.h: what a domain is: its name and its disks. */

#ifndef PULLBACK_DOMAIN_DEF_H
#define PULLBACK_DOMAIN_DEF_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"

struct domain_disk {
  char *name;   /* target: letters, digits, '-', '_' and '.' */
  char *path;   /* of the image, absolute; NULL where the drive is empty */
  char *source; /* as the definition has it: what users may call the disk by
                 * instead of its name; or NULL */
  char *format; /* "qcow2", "raw", "vmdk", ... */
  bool read_only;
  char *unsupported; /* why we cannot use this disk (type='network', say), or
                      * NULL */
};

struct domain_def {
  char *name; /* NULL for disks: URIs */
  char *uuid; /* lower case, or NULL */
  char *xml;  /* the <domain> element as text, secrets and all, or NULL */
  size_t nr_disks;
  struct domain_disk *disks;
};

/* More than any machine has, and few enough to be compared with each other. */
#define DOMAIN_DISKS_MAX 1024

void domain_def_clear (struct domain_def *def);
void domain_disk_clear (struct domain_disk *disk);

/* Add a disk with a name that no other has: EINVAL.  On success DISK is taken
 * over, and left empty.
 */
int domain_def_add_disk (struct domain_def *def, struct domain_disk *disk);

/* What URI, "disks:..." or "xml:PATH", says: see pb_domain_open ().  EINVAL
 * where it is wrong, with the part of it and the reason.
 */
int domain_def_parse_uri (struct domain_def *def, const char *uri);

/* A libvirt <domain>, COUNT bytes that SOURCE names in messages. */
int domain_def_parse_xml (struct domain_def *def, const char *source,
                          const char *xml, size_t count);

/* Disks of a list "NAME=[FORMAT:]PATH,..." */
int domain_def_parse_disks (struct domain_def *def, const char *list);

const struct domain_disk *domain_def_find_disk (const struct domain_def *def,
                                                const char *name);

static inline void
cleanup_domain_def (struct domain_def *def)
{
  domain_def_clear (def);
}

#define CLEANUP_DOMAIN_DEF CLEANUP (cleanup_domain_def)
#define CLEANUP_DOMAIN_DISK CLEANUP (domain_disk_clear)

#endif /* PULLBACK_DOMAIN_DEF_H */
