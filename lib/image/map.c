/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* map.c: what each byte of an image is, as a stream of extents. */

#include "config.h"

#include <stdlib.h>

#include "error.h"
#include "extents.h"
#include "image.h"
#include "round.h"

/* Equal neighbours are merged for this many steps at most, so that the first
 * extent of a large disk does not wait for all of its tables.
 */
#define MERGE_STEPS 64

/* The run that a layer was last asked for.  While the layers below change, it
 * still stands.
 */
struct known_run {
  enum cluster_kind kind;
  uint64_t end;
};

struct map_stream {
  const pb_image *image;
  struct known_run runs[]; /* one for each layer */
};

/* The kind of layer I at OFFSET, and where at most that ends. */
static int
ask_layer (struct map_stream *stream, unsigned i, uint64_t offset,
           uint64_t end)
{
  const struct layer *layer = stream->image->layers[i];
  struct known_run *known = &stream->runs[i];
  struct cluster_run run;

  if (offset < known->end)
    return 0;
  if (layer_lookup (layer, offset, min_u64 (end, layer->size) - offset,
                    CLUSTERS_TO_MAP, &run)
      == -1)
    return -1;
  *known = (struct known_run) { run.kind, offset + run.length };
  return 0;
}

/* Fill in an extent that starts at its offset and ends at END at most. */
static int
one_step (struct map_stream *stream, uint64_t end, struct pb_extent *extent)
{
  const pb_image *image = stream->image;
  uint64_t offset = extent->offset;

  extent->flags = PB_EXTENT_ZERO | PB_EXTENT_HOLE;
  extent->depth = 0;
  for (unsigned i = 0; i < image->depth; i++) {
    if (offset >= image->layers[i]->size)
      goto out; /* past the end of a shorter backing file */
    if (ask_layer (stream, i, offset, end) == -1)
      return -1;
    end = min_u64 (end, stream->runs[i].end);
    if (stream->runs[i].kind == CLUSTER_UNALLOCATED)
      continue;
    if (stream->runs[i].kind == CLUSTER_ZERO_ALLOCATED)
      extent->flags = PB_EXTENT_ZERO;
    else if (stream->runs[i].kind != CLUSTER_ZERO)
      extent->flags = 0;
    extent->depth = i + 1;
    goto out;
  }
  if (image->backing_is_closed)
    extent->flags = 0; /* nobody knows */
out:
  extent->length = end - offset;
  return 0;
}

/* pb_extents_ops.status */
static int
map_status (void *opaque, uint64_t offset, uint64_t end,
            struct pb_extent *extent)
{
  struct map_stream *stream = opaque;
  struct pb_extent next;

  extent->offset = offset;
  if (one_step (stream, end, extent) == -1)
    return -1;
  for (unsigned i = 1; i < MERGE_STEPS && extent->offset + extent->length < end;
       i++) {
    next.offset = extent->offset + extent->length;
    if (one_step (stream, end, &next) == -1)
      return -1;
    if (next.flags != extent->flags || next.depth != extent->depth)
      break;
    extent->length += next.length;
  }
  return 0;
}

pb_extents *
pb_image_map (pb_image *image, uint64_t offset, uint64_t length)
{
  static const struct pb_extents_ops ops = {
    .status = map_status,
    .free = free,
  };
  struct map_stream *stream;

  if (check_range (pb_image_get_path (image), offset, length,
                   pb_image_get_size (image))
      == -1)
    return NULL;
  stream
    = calloc (1, sizeof *stream + image->depth * sizeof stream->runs[0]);
  if (stream == NULL) {
    set_error_errno ("%s: map", pb_image_get_path (image));
    return NULL;
  }
  stream->image = image;
  return pb_extents_new (offset, length, &ops, stream);
}
