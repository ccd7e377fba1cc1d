/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* diskspec.h: the XML of a checkpoint that the command line describes. */

#ifndef PULLBACK_CHECKPOINT_DISKSPEC_H
#define PULLBACK_CHECKPOINT_DISKSPEC_H

#include <stddef.h>

/* DISK[,checkpoint=TYPE][,bitmap=NAME], as virsh has it: a comma in one of
 * them is written twice.  The strings belong to it; NULL: not given.
 */
struct diskspec {
  char *disk;
  char *checkpoint;
  char *bitmap;
};

/* An error is set where TEXT is none. */
int diskspec_parse (const char *text, struct diskspec *spec);
void diskspec_clear (struct diskspec *spec);

/* A <domaincheckpoint> that has what is given: NAME and DESCRIPTION may be
 * NULL, and NR_DISKSPECS 0.  Freed by the caller; NULL with an error set.
 */
char *checkpoint_xml_new (const char *name, const char *description,
                          const char *const *diskspecs, size_t nr_diskspecs);

#endif /* PULLBACK_CHECKPOINT_DISKSPEC_H */
