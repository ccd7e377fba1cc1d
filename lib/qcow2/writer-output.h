/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-output.h: the file under its two names, PATH.partial and PATH.
 *
 * Who holds the writer's image lock on the file that PATH.partial names owns
 * that name: nobody else removes or renames it.  So the lock is taken first,
 * then it is looked whether the name still names the locked file.
 *
 * Names are used relative to their folder, which is opened once: a program
 * may change its current folder meanwhile.
 */

#ifndef PULLBACK_QCOW2_WRITER_OUTPUT_H
#define PULLBACK_QCOW2_WRITER_OUTPUT_H

#include <stdbool.h>

#include "file.h"

struct output {
  struct file file;   /* PATH.partial, open for reading and writing, locked */
  struct file folder; /* of PATH */
  char *path;
  const char *name;         /* its last part */
  const char *partial_name; /* last part of file.name */
  bool replace;             /* whatever has PATH or PATH.partial already */
};

/* Make PATH.partial, an empty file.  Fails with EEXIST where PATH is there
 * and REPLACE is false, or where PATH.partial is there and cannot be replaced,
 * and with EBUSY where another writer owns it.
 */
int output_create (struct output *output, const char *path, bool replace);

/* Rename the file to PATH; never over one that is there, unless REPLACE was
 * asked for.
 */
int output_publish (struct output *output);

/* Remove PATH.partial, of which nothing is worth keeping. */
void output_remove (struct output *output);

/* Close the file, which gives the lock up, and its folder. */
void output_close (struct output *output);

#endif /* PULLBACK_QCOW2_WRITER_OUTPUT_H */
