/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image-lock.h: the locks by which QEMU keeps two users of an image apart.
 *
 * Byte 100 + i of the file is read-locked (open file description locks) by
 * whoever uses permission i, byte 200 + i by whoever does not let others have
 * it; permissions are consistent-read, write, write-unchanged and resize
 * (QEMU, block/file-posix.c).  A lock lasts as long as the open file, also in
 * a child after fork ().
 */

#ifndef PULLBACK_IMAGE_LOCK_H
#define PULLBACK_IMAGE_LOCK_H

#include <stdbool.h>

#include "file.h"

enum image_lock_kind {
  /* Read, and let nobody write. */
  IMAGE_LOCK_READER,

  /* Read, whatever others do. */
  IMAGE_LOCK_READER_ALLOW_WRITER,

  /* Write a new image, and let nobody even read it. */
  IMAGE_LOCK_WRITER
};

/* Lock FILE, or fail with EBUSY and an error that says who is in the way and
 * what to do.  On failure nothing stays locked.  File systems without locks
 * (ENOLCK, EOPNOTSUPP) fail as well: a view whose image may change under it
 * is not a point in time.
 */
int image_lock (const struct file *file, enum image_lock_kind kind);

/* Could a program that writes the image, as QEMU does, start now?  EBUSY where
 * anybody else uses it, also for reading only.  Takes no lock: that may be
 * different a moment later.
 */
int image_lock_check_writer (const struct file *file);

#endif /* PULLBACK_IMAGE_LOCK_H */
