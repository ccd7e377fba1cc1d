/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-def.h: what a checkpoint is: the model behind <domaincheckpoint>.
 */

#ifndef PULLBACK_CHECKPOINT_DEF_H
#define PULLBACK_CHECKPOINT_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "image-identity.h"

/* A name is also the name of a file with ".xml.new" after it. */
#define CHECKPOINT_NAME_MAX 247

/* In one list. */
#define CHECKPOINT_DISKS_MAX 1024

enum checkpoint_disk_kind {
  CHECKPOINT_DISK_BITMAP, /* checkpoint='bitmap' */
  CHECKPOINT_DISK_NO      /* checkpoint='no' */
};

struct checkpoint_disk {
  char *name; /* as given: a target or a path; a target once it is aligned */
  enum checkpoint_disk_kind kind;
  char *bitmap;  /* NULL until it is aligned, and for NO */
  bool has_size; /* only while it is formatted */
  uint64_t size; /* bytes that are dirty */

  /* The image that the bitmap was made in, where that is known: an instruction
   * of its own in our files, as below.  By it a bitmap is told from one of the
   * same name in another image, and a chain of images from one that has lost
   * a layer.
   */
  struct image_identity made_in;
};

struct checkpoint_def {
  char *name;        /* NULL: none was given */
  char *description; /* NULL or not empty */
  char *parent;      /* name, or NULL */
  bool has_creation_time;
  uint64_t creation_time; /* seconds since the epoch; 0 is a time too */
  bool has_disks;         /* was there a <disks>? */
  size_t nr_disks;
  struct checkpoint_disk *disks;
  char *domain;      /* the <domain> element as text, secrets and all, as
                      * xml_node_text () writes it; or NULL */
  char *domain_uuid; /* of it, as uuid_normalize () gives it, or NULL */

  /* Its bitmaps were made to record for as long as they exist, so each alone
   * says what changed since.  Known of those that we made; where it is not,
   * a bitmap that does not record may be one of a chain.  It is written as a
   * processing instruction before the root element, which others ignore.
   */
  bool independent;
};

void checkpoint_def_clear (struct checkpoint_def *def);
int checkpoint_def_copy (struct checkpoint_def *copy,
                         const struct checkpoint_def *def);

/* Is NAME one that a checkpoint can have: letters, digits, '_', '-' and '.',
 * the first one not '.', at most CHECKPOINT_NAME_MAX of them?  WHAT
 * ("checkpoint", "parent") is for the error, EINVAL.
 */
int checkpoint_name_check (const char *what, const char *name);

/* The disk called NAME, or NULL. */
const struct checkpoint_disk *
checkpoint_def_find_disk (const struct checkpoint_def *def, const char *name);

/* Add a disk; the strings are copied. */
int checkpoint_def_add_disk (struct checkpoint_def *def, const char *name,
                             enum checkpoint_disk_kind kind,
                             const char *bitmap);

/* Change the disk called NAME, or add it. */
int checkpoint_def_set_disk (struct checkpoint_def *def, const char *name,
                             enum checkpoint_disk_kind kind,
                             const char *bitmap);

enum checkpoint_parse_flags {
  /* name and creationTime are needed, and parent, creationTime, domain are
   * taken; without it they are accepted and ignored, as libvirt does.
   */
  CHECKPOINT_PARSE_REDEFINE = 1
};

/* Parse XML, COUNT bytes that SOURCE names in messages ("checkpoint XML", or a
 * file).  Checks happen in libvirt's order: well-formed, root element, schema,
 * then what a schema cannot say.  All errors but short memory are EINVAL.
 */
int checkpoint_def_parse (struct checkpoint_def *def, const char *source,
                          const char *xml, size_t count, unsigned flags);

enum checkpoint_format_flags {
  CHECKPOINT_FORMAT_SECURE = 1,    /* with passwords */
  CHECKPOINT_FORMAT_NO_DOMAIN = 2,
  CHECKPOINT_FORMAT_FILE = 4       /* as a file of the store: SECURE, with a
                                    * comment and what only the store needs
                                    * before it */
};

/* As libvirt formats it: elements in its order, two spaces for each level,
 * single quotes.  Freed by the caller.  With FILE, what could not be loaded
 * again (it is too large, say) is refused: EINVAL.
 */
char *checkpoint_def_format (const struct checkpoint_def *def, unsigned flags);

static inline void
cleanup_checkpoint_def (struct checkpoint_def *def)
{
  checkpoint_def_clear (def);
}

/* struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 }; */
#define CLEANUP_CHECKPOINT_DEF CLEANUP (cleanup_checkpoint_def)

#endif /* PULLBACK_CHECKPOINT_DEF_H */
