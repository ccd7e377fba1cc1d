/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image.h: an image and its backing chain. */

#ifndef PULLBACK_IMAGE_H
#define PULLBACK_IMAGE_H

#include "bitmaps.h"
#include "cleanup.h"
#include "layer.h"
#include "pullback.h"

/* No chain that is in use is longer; libvirt follows as many. */
#define IMAGE_DEPTH_MAX 200

/* Nothing of it changes once it is open. */
struct pb_image {
  struct layer_caches caches;
  unsigned depth;         /* layers that are open, [0] the image itself */
  struct layer **layers;
  bool backing_is_closed; /* PB_IMAGE_NO_BACKING, and there is a backing file
                           */
  struct qcow2_bitmaps bitmaps; /* of the image itself */
};

static inline void
cleanup_image (pb_image **image)
{
  pb_image_free (*image);
}

/* pb_image *CLEANUP_IMAGE image = ...; */
#define CLEANUP_IMAGE CLEANUP (cleanup_image)

#endif /* PULLBACK_IMAGE_H */
