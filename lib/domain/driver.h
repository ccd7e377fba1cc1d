/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* driver.h: how the bitmaps of a domain's disks are reached; one file for each
 * kind of domain.
 */

#ifndef PULLBACK_DRIVER_H
#define PULLBACK_DRIVER_H

#include "commit.h"
#include "disk-bitmaps.h"
#include "domain-def.h"

struct domain_driver {
  /* See what bitmaps DISK has.  IMAGE_FLAGS are of enum pb_image_flags, here
   * and below.  EBUSY where something is writing the disk.
   */
  int (*inspect) (const struct domain_disk *disk, unsigned image_flags,
                  struct disk_bitmaps *bitmaps);

  /* Could a bitmap in the image PATH, a layer of DISK, be changed now?  If not
   * (a process uses it, it is read-only, it is of a version without bitmaps),
   * the error says what to do.
   */
  int (*check_writable) (const struct domain_disk *disk, const char *path,
                         unsigned image_flags);

  /* Do one action, or undo it, durably: struct commit_ops.  LOCK_FD stays open
   * in what is started for it.
   */
  int (*apply) (const struct bitmap_action *action, unsigned image_flags,
                int lock_fd);
  int (*undo) (const struct bitmap_action *action, unsigned image_flags,
               int lock_fd);

  /* The union of what RANGE, which is known, names; its size is the disk's. */
  pb_bitmap *(*load_range) (const struct domain_disk *disk,
                            unsigned image_flags,
                            const struct disk_bitmaps *bitmaps,
                            const struct bitmap_range *range);
};

/* Images that no process has open (at-rest.c). */
extern const struct domain_driver domain_driver_at_rest;

/* A map of changes that a view of a disk has beside the image's bitmaps. */
struct since_map {
  char *name; /* "since:CP" */
  struct bitmap_range range;
};

/* A view of DISK with its bitmaps and MAPS, which are taken over (also where
 * this fails).  BITMAPS is what the ranges of MAPS are about (at-rest-view.c).
 * Where a bitmap of the image has the name of one of MAPS, the map is meant,
 * and the bitmap is not listed.
 */
pb_view *at_rest_view_open (const struct domain_disk *disk,
                            unsigned image_flags,
                            const struct disk_bitmaps *bitmaps,
                            struct since_map *maps, size_t nr_maps);

#endif /* PULLBACK_DRIVER_H */
