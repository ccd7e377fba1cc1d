/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* shared-layer.h: images that are layers of several disks. */

#ifndef PULLBACK_SHARED_LAYER_H
#define PULLBACK_SHARED_LAYER_H

#include "checkpoint-def.h"
#include "domain.h"

/* Has BITMAP, in the image PATH that is a layer of the disk called DISK, an
 * owner by way of another disk: one that has the image in its backing chain as
 * well, and a checkpoint that calls the bitmap its own there?  Without it that
 * checkpoint would seem to know of all changes, and lack those.  Returns 1, 0,
 * or -1 where that is not known, because the other disk cannot be looked at.
 */
int shared_layer_has_owner (const pb_domain *domain, const char *disk,
                            const char *path, const char *bitmap);

/* Is the image of each disk that gets a bitmap in CHECKPOINT, which is aligned
 * with DOMAIN, its alone?  Two bitmaps of one name have no place in one image.
 * Returns -1 (EINVAL) where it is not.
 */
int shared_layer_check_disks (const struct checkpoint_def *checkpoint,
                              const struct domain_def *domain);

#endif /* PULLBACK_SHARED_LAYER_H */
