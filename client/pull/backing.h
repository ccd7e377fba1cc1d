/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backing.h: the backup that an increment stands on. */

#ifndef PULLBACK_BACKING_H
#define PULLBACK_BACKING_H

#include "pullback.h"

struct backing {
  pb_image *image; /* its whole chain, locked against writers */
  char *stored;    /* its name as the increment's header has it */
};

/* Open PATH, which must be a finished qcow2 file, as the backing file of
 * OUTPUT.  A backing file in OUTPUT's own folder is stored by its name alone,
 * so that a chain can move as a folder; any other with its absolute path.
 */
int backing_open (struct backing *backing, const char *path,
                  const char *output);
void backing_close (struct backing *backing);

#endif /* PULLBACK_BACKING_H */
