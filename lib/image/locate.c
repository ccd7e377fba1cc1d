/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* locate.c: where the bytes of an image's disk lie. */

#include "config.h"

#include <errno.h>

#include "error.h"
#include "extents.h"
#include "image.h"
#include "round.h"

/* RUN, of LAYER, to which the layers above leave its bytes. */
static void
tell_run (const struct layer *layer, const struct cluster_run *run,
          struct pb_location *location)
{
  uint64_t length;

  *location = (struct pb_location) { PB_LOCATION_COPY, run->length, -1, 0 };
  switch (run->kind) {
  case CLUSTER_ZERO:
  case CLUSTER_ZERO_ALLOCATED:
    location->kind = PB_LOCATION_ZERO;
    break;
  case CLUSTER_DATA:
    layer_locate (layer, run, &length, &location->fd, &location->file_offset);
    if (length > 0) {
      location->kind = PB_LOCATION_FILE;
      location->length = length;
    }
    else
      location->fd = -1;
    break;
  case CLUSTER_COMPRESSED:
  case CLUSTER_UNALLOCATED: /* not what the caller has stopped at */
    break;
  }
}

int
pb_image_locate (pb_image *image, uint64_t offset, uint64_t length,
                 struct pb_location *location)
{
  struct cluster_run run;

  if (check_range (pb_image_get_path (image), offset, length,
                   pb_image_get_size (image))
      == -1)
    return -1;
  if (length == 0) {
    pb_set_error (EINVAL, "%s: cannot locate an empty range",
                  pb_image_get_path (image));
    return -1;
  }
  for (unsigned i = 0; i < image->depth; i++) {
    const struct layer *layer = image->layers[i];

    if (offset >= layer->size)
      break; /* past the end of a shorter backing file */
    length = min_u64 (length, layer->size - offset);
    if (layer_lookup (layer, offset, length, CLUSTERS_TO_READ, &run) == -1)
      return -1;
    length = run.length;
    if (run.kind != CLUSTER_UNALLOCATED) {
      tell_run (layer, &run, location);
      return 0;
    }
    if (i + 1 == image->depth && image->backing_is_closed) {
      /* Reading it says what is wrong. */
      *location = (struct pb_location) { PB_LOCATION_COPY, length, -1, 0 };
      return 0;
    }
  }
  *location = (struct pb_location) { PB_LOCATION_ZERO, length, -1, 0 };
  return 0;
}
