/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* at-rest.h: what the driver for images at rest and its view share. */

#ifndef PULLBACK_AT_REST_H
#define PULLBACK_AT_REST_H

#include "disk-bitmaps.h"
#include "domain-def.h"
#include "image.h"

/* The format that DISK's definition states; ENOTSUP where it is none that we
 * can read, or DISK cannot be used at all.
 */
int at_rest_format (const struct domain_disk *disk, enum pb_format *format);

/* The bitmaps of DISK as IMAGE has them. */
int at_rest_read_bitmaps (struct disk_bitmaps *bitmaps,
                          const struct domain_disk *disk,
                          const pb_image *image);

/* Has IMAGE still what BITMAPS, seen earlier, say?  EBUSY where it has not:
 * somebody has changed it between the two looks.
 */
int at_rest_check_unchanged (const struct disk_bitmaps *bitmaps,
                             const struct domain_disk *disk,
                             const pb_image *image);

/* The smallest granularity of the parts of RANGE. */
uint64_t at_rest_granularity (const struct disk_bitmaps *bitmaps,
                              const struct bitmap_range *range);

/* The union of what RANGE, of BITMAPS, names in IMAGE; its size is IMAGE's. */
pb_bitmap *at_rest_load_range (const pb_image *image,
                               const struct disk_bitmaps *bitmaps,
                               const struct bitmap_range *range);

/* Is there room for QEMU to write the bitmaps of IMAGE's top layer anew, and
 * one more of GRANULARITY (0: the default)?  ENOSPC where there may not be.
 */
int at_rest_check_room (const pb_image *image, uint64_t granularity);

#endif /* PULLBACK_AT_REST_H */
