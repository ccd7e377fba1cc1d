/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-identity.h: which file an image is, so that it is known again.
 *
 * A file is known again by its inode.  Another file system may have the same
 * number, so that or the path must be the same as well: the one where a file
 * was renamed, the other where the file system's own number has changed, as
 * some do when they are mounted.  A path alone says nothing: an overlay often
 * takes that of the image below it, and so does a copy.  To doubt is safe,
 * where taking one image for another is not.
 *
 * A block device is known by its path.
 */

#ifndef PULLBACK_IMAGE_IDENTITY_H
#define PULLBACK_IMAGE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "file.h"

struct image_identity {
  char *path;           /* without links, "." and "..", but for block devices;
                         * NULL: nothing is known */
  uint64_t file_system; /* its number, less than 2^63 as the inode is */
  uint64_t inode;       /* 0 for a block device */
};

/* Of a file that is open. */
int image_identity_get (struct image_identity *identity,
                        const struct file *file);

void image_identity_clear (struct image_identity *identity);
int image_identity_copy (struct image_identity *copy,
                         const struct image_identity *identity);

/* Are they the same image?  Yes where either is not known. */
bool image_identity_matches (const struct image_identity *a,
                             const struct image_identity *b);

#endif /* PULLBACK_IMAGE_IDENTITY_H */
