/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* at-rest-room.c: is there room for the bitmaps of an image, written anew?
 *
 * Whatever QEMU does to one bitmap, it marks all of them as in use when it
 * opens the image, and writes all of them to new clusters when it closes it;
 * only then are the old ones free.  Where there is no room for that, they stay
 * marked, and so all are lost.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/statvfs.h>

#include "at-rest.h"
#include "error.h"
#include "format.h"
#include "round.h"

/* The directory, the refcounts of what is new, and what the file system needs
 * to tell of more blocks of the file.
 */
#define SLACK_CLUSTERS 8
#define SLACK_BYTES    (UINT64_C (64) << 10)

/* What QEMU takes where it is not told: the cluster size, within bounds. */
static uint64_t
default_granularity (uint64_t cluster_size)
{
  return min_u64 (max_u64 (cluster_size, 4096), 65536);
}

/* Clusters of a bitmap whose table has so many entries, if none is zero. */
static uint64_t
bitmap_clusters (uint64_t entries, uint64_t cluster_size)
{
  return entries + div_round_up (entries * 8, cluster_size);
}

static uint64_t
room_for_bitmaps (const struct layer *layer, uint64_t granularity)
{
  uint64_t cluster_size = qcow2_cluster_size (&layer->header);
  uint64_t directory = 0, clusters = SLACK_CLUSTERS, bits;

  if (granularity == 0)
    granularity = default_granularity (cluster_size);
  bits = div_round_up (layer->size, granularity);
  clusters += bitmap_clusters (
    div_round_up (div_round_up (bits, 8), cluster_size), cluster_size);
  for (size_t i = 0; i < layer->bitmaps.count; i++) {
    const struct qcow2_bitmap *bitmap = &layer->bitmaps.list[i];

    directory += QCOW2_BITMAP_NAME_MAX + QCOW2_BITMAP_DIRECTORY_ENTRY;
    if (bitmap->reason == NULL) /* else it is not written */
      clusters += bitmap_clusters (bitmap->table_size, cluster_size);
  }
  return clusters * cluster_size + directory + SLACK_BYTES;
}

int
at_rest_check_room (const pb_image *image, uint64_t granularity)
{
  const struct layer *layer = image->layers[0];
  uint64_t needed = room_for_bitmaps (layer, granularity), left;
  struct statvfs st;

  if (layer->file.is_block_device)
    return 0; /* how much of it is in use only QEMU knows */
  if (fstatvfs (layer->file.fd, &st) == -1) {
    set_error_errno ("%s: its file system", layer->file.name);
    return -1;
  }
  left = (uint64_t) st.f_bavail * st.f_frsize;
  if (left >= needed)
    return 0;
  pb_set_error (ENOSPC,
                "%s: its file system has %" PRIu64 " bytes left, and to write "
                "its bitmaps anew up to %" PRIu64 " are needed: without them "
                "all bitmaps of the image would be lost; make room first",
                layer->file.name, left, needed);
  return -1;
}
