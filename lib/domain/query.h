/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* query.h: what a checkpoint's bitmaps tell of one disk.  The domain's lock is
 * held throughout.
 */

#ifndef PULLBACK_QUERY_H
#define PULLBACK_QUERY_H

#include "domain.h"

/* The disk called NAME, whose image can be opened.  ENOENT where there is none,
 * ENOTSUP where it has no image that we read.
 */
const struct domain_disk *domain_get_image_disk (const pb_domain *domain,
                                                 const char *name);

/* The bitmaps of DISK, and those of them that say what changed since NODE.
 * Fails where the images cannot be looked at; that it is not known what has
 * changed is an answer (range->is_known).
 */
int checkpoint_find_range (const pb_domain *domain,
                           const struct checkpoint_node *node,
                           const struct domain_disk *disk,
                           struct disk_bitmaps *bitmaps,
                           struct bitmap_range *range);

#endif /* PULLBACK_QUERY_H */
