/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-identity.c: which file an image is, so that it is known again. */

#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "error.h"
#include "image-identity.h"

static int
get_numbers (struct image_identity *identity, const struct file *file)
{
  struct statvfs st;

  if (fstatvfs (file->fd, &st) == -1) {
    set_error_errno ("%s: its file system", file->name);
    return -1;
  }
  identity->file_system = st.f_fsid & INT64_MAX;
  identity->inode = file->inode & INT64_MAX;
  return 0;
}

int
image_identity_get (struct image_identity *identity, const struct file *file)
{
  *identity = (struct image_identity) { .path = NULL };
  if (!file->is_block_device && get_numbers (identity, file) == -1)
    return -1;
  identity->path = file->is_block_device ? strdup (file->name)
                                         : realpath (file->name, NULL);
  if (identity->path == NULL) {
    set_error_errno ("%s", file->name);
    return -1;
  }
  return 0;
}

void
image_identity_clear (struct image_identity *identity)
{
  free (identity->path);
  *identity = (struct image_identity) { .path = NULL };
}

int
image_identity_copy (struct image_identity *copy,
                     const struct image_identity *identity)
{
  *copy = *identity;
  if (identity->path == NULL)
    return 0;
  copy->path = strdup (identity->path);
  if (copy->path)
    return 0;
  set_error_errno ("%s", identity->path);
  return -1;
}

bool
image_identity_matches (const struct image_identity *a,
                        const struct image_identity *b)
{
  if (a->path == NULL || b->path == NULL)
    return true;
  if (a->inode != b->inode)
    return false;
  return strcmp (a->path, b->path) == 0
         || (a->inode != 0 && a->file_system == b->file_system);
}
