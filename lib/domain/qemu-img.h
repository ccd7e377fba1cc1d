/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* qemu-img.h: bitmaps of an image that nobody has open, changed by qemu-img.
 *
 * Our own code never writes into a user's image: qemu-img (in $PATH) does,
 * which takes QEMU's locks, and keeps the order of writes that a crash needs.
 * A program that is killed nevertheless while it changes a bitmap leaves all
 * bitmaps of the image marked as in use, so it is started where an interrupt
 * of ours does not reach it, see process.h.
 *
 * That qemu-img has succeeded is not enough: the bitmaps are saved when it
 * closes the image, and an error there does not change its exit status.
 * So callers look at the image afterwards.
 */

#ifndef PULLBACK_QEMU_IMG_H
#define PULLBACK_QEMU_IMG_H

#include <stdbool.h>
#include <stdint.h>

/* An image, described so that nothing in it or in its name is interpreted:
 * its backing file is left alone, and its data file is the one given here.
 */
struct qemu_img_target {
  char *path; /* absolute */
  bool is_block_device;
  char *data_file; /* absolute, or NULL */
  bool data_file_is_block_device;
};

void qemu_img_target_clear (struct qemu_img_target *target);

/* ENOENT where there is no qemu-img for the image PATH. */
int qemu_img_check (const char *path);

/* Persistent and enabled.  GRANULARITY: 0 for QEMU's default. */
int qemu_img_add (const struct qemu_img_target *target, const char *bitmap,
                  uint64_t granularity, int lock_fd);

int qemu_img_remove (const struct qemu_img_target *target,
                     const char *bitmap, int lock_fd);

/* It records no more. */
int qemu_img_disable (const struct qemu_img_target *target,
                      const char *bitmap, int lock_fd);

/* SOURCE into BITMAP, in one step.  NEW_GRANULARITY: of BITMAP, which is made
 * (disabled) for this; 0 where it exists.  If ENABLE, it records from then on.
 */
int qemu_img_merge (const struct qemu_img_target *target, const char *bitmap,
                    const char *source, uint64_t new_granularity, bool enable,
                    int lock_fd);

#endif /* PULLBACK_QEMU_IMG_H */
