/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image.h: an image and its backing chain. */

#ifndef PULLBACK_IMAGE_H
#define PULLBACK_IMAGE_H

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
};

/* As pb_image_open (), of a disk that a user has named: where it is taken for
 * qcow2 and has no magic, the error says how a raw one is written.
 */
pb_image *image_open_disk (const char *path, enum pb_format format,
                           unsigned flags);

/* What the public functions tell of the image itself, these tell of any LAYER,
 * below pb_image_get_depth (); [0] is the image.  A raw one has no bitmaps.
 */
const char *image_layer_path (const pb_image *image, unsigned layer);
uint64_t image_layer_size (const pb_image *image, unsigned layer);
size_t image_layer_nr_bitmaps (const pb_image *image, unsigned layer);
int image_layer_bitmap_info (const pb_image *image, unsigned layer,
                             size_t index, struct pb_bitmap_info *info);

/* Why none of the bitmaps in LAYER can be trusted, also those that are not
 * listed: what is wrong with its bitmap directory; or NULL.
 */
const char *image_layer_bitmap_damage (const pb_image *image, unsigned layer);

/* As pb_image_load_bitmap ().  The size of what is loaded is the layer's. */
pb_bitmap *image_layer_load_bitmap (const pb_image *image, unsigned layer,
                                    const char *name);

static inline void
cleanup_image (pb_image **image)
{
  pb_image_free (*image);
}

/* pb_image *CLEANUP_IMAGE image = ...; */
#define CLEANUP_IMAGE CLEANUP (cleanup_image)

#endif /* PULLBACK_IMAGE_H */
