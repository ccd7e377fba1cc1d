/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* read.c: reads through a backing chain. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "error.h"
#include "extents.h"
#include "image.h"
#include "round.h"

/* Read what the layers from number I on have.  Each layer is asked once for
 * each run that the ones above leave to it.
 */
static int
read_from_layer (const pb_image *image, unsigned i, char *buffer, size_t count,
                 uint64_t offset)
{
  const struct layer *layer;
  struct cluster_run run;

  if (i == image->depth && image->backing_is_closed) {
    pb_set_error (ENOTSUP,
                  "%s: offset 0x%" PRIx64 " is in its backing file, which was "
                  "not opened",
                  pb_image_get_path (image), offset);
    return -1;
  }
  if (i == image->depth || offset >= image->layers[i]->size) {
    memset (buffer, 0, count);
    return 0;
  }
  layer = image->layers[i];
  /* Past the end of a shorter backing file all is zeroes. */
  if (count > layer->size - offset) {
    size_t inside = layer->size - offset;

    memset (buffer + inside, 0, count - inside);
    count = inside;
  }

  for (; count > 0; buffer += run.length, count -= run.length,
                    offset += run.length) {
    int r = layer_lookup (layer, offset, count, CLUSTERS_TO_READ, &run);

    if (r == -1)
      return -1;
    switch (run.kind) {
    case CLUSTER_DATA:
    case CLUSTER_COMPRESSED:
      r = layer_read (layer, &run, buffer, run.length, offset);
      break;
    case CLUSTER_ZERO:
    case CLUSTER_ZERO_ALLOCATED:
      memset (buffer, 0, run.length);
      break;
    case CLUSTER_UNALLOCATED:
      r = read_from_layer (image, i + 1, buffer, run.length, offset);
      break;
    }
    if (r == -1)
      return -1;
  }
  return 0;
}

int
pb_image_pread (pb_image *image, void *buffer, size_t count, uint64_t offset)
{
  if (check_range (pb_image_get_path (image), offset, count,
                   pb_image_get_size (image))
      == -1)
    return -1;
  return read_from_layer (image, 0, buffer, count, offset);
}
