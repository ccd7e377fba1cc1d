/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmaps.h: the persistent dirty bitmaps of a qcow2 image.
 *
 * Damage among the bitmaps never makes the image itself unreadable: a full
 * backup needs none of them.  A bitmap with a defect of its own is listed as
 * unusable.  Where the directory is damaged, none is usable, because what it
 * says of the others cannot be trusted either; those that it names before the
 * damage are still listed.
 */

#ifndef PULLBACK_QCOW2_BITMAPS_H
#define PULLBACK_QCOW2_BITMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"
#include "header.h"
#include "pullback.h"

struct qcow2_bitmap {
  char *name;
  uint64_t table_offset;
  uint32_t table_size; /* entries */
  uint32_t flags;      /* QCOW2_BITMAP_FLAG_* */
  unsigned granularity_bits;
  char *reason; /* why it is not usable, or NULL */
};

struct qcow2_bitmaps {
  size_t count;
  struct qcow2_bitmap *list;
  char *damage; /* of the directory, or NULL */
};

/* Parse a bitmap directory of COUNT bytes: a pure function of its arguments.
 * HEADER and FILE_SIZE are of the image that it comes from.  Fails only where
 * memory is short: see above for bad input.
 */
int qcow2_bitmaps_parse (struct qcow2_bitmaps *bitmaps, const void *buffer,
                         size_t count, const struct qcow2_header *header,
                         uint64_t file_size);

/* Read and parse the directory of an image, if it has one. */
int qcow2_bitmaps_read (struct qcow2_bitmaps *bitmaps,
                        const struct qcow2_header *header,
                        const struct file *file);
void qcow2_bitmaps_clear (struct qcow2_bitmaps *bitmaps);

/* Load a bitmap that is usable. */
pb_bitmap *qcow2_bitmap_load (const struct qcow2_bitmap *bitmap,
                              const struct qcow2_header *header,
                              const struct file *file);

#endif /* PULLBACK_QCOW2_BITMAPS_H */
