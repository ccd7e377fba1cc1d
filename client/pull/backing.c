/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backing.c: the backup that an increment stands on. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backing.h"

/* The folder of PATH as an absolute path without links, or NULL. */
static char *
real_folder (const char *path)
{
  const char *slash = strrchr (path, '/');
  char *folder, *real;

  if (slash == NULL)
    return realpath (".", NULL);
  folder = strndup (path, slash - path + 1);
  real = folder ? realpath (folder, NULL) : NULL;
  free (folder);
  return real;
}

/* In one folder, the links are resolved on both sides but in the names
 * themselves: a chain of links is a chain the user has made on purpose.
 */
static char *
stored_name (const char *path, const char *output)
{
  const char *slash = strrchr (path, '/');
  const char *name = slash ? slash + 1 : path;
  char *backing_folder = real_folder (path);
  char *output_folder = real_folder (output);
  char *stored = NULL;

  if (output_folder == NULL)
    pb_set_error (errno, "%s: %s", output, strerror (errno));
  else if (backing_folder == NULL)
    pb_set_error (errno, "%s: %s", path, strerror (errno));
  else {
    int r;

    if (strcmp (backing_folder, output_folder) != 0)
      r = asprintf (&stored, "%s/%s",
                    strcmp (backing_folder, "/") == 0 ? "" : backing_folder,
                    name);
    else /* "web:full.qcow2" would be a protocol's name, "./web:..." is not */
      r = asprintf (&stored, "%s%s", strchr (name, ':') ? "./" : "", name);
    if (r == -1) {
      stored = NULL;
      pb_set_error (ENOMEM, "%s: %s", path, strerror (ENOMEM));
    }
  }
  free (backing_folder);
  free (output_folder);
  return stored;
}

int
backing_open (struct backing *backing, const char *path, const char *output)
{
  *backing = (struct backing) { .image = NULL };
  backing->image = pb_image_open (path, PB_FORMAT_QCOW2, 0);
  if (backing->image == NULL) {
    char *cause = strdup (pb_get_error ());

    pb_set_error (pb_get_errno (), "cannot use the backing file: %s",
                  cause ? cause : path);
    free (cause);
    return -1;
  }
  if (output == NULL)
    return 0;
  backing->stored = stored_name (path, output);
  if (backing->stored == NULL) {
    backing_close (backing);
    return -1;
  }
  return 0;
}

void
backing_close (struct backing *backing)
{
  pb_image_free (backing->image);
  free (backing->stored);
  *backing = (struct backing) { .image = NULL };
}
