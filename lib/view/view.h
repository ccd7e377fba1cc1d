/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* view.h: a disk at one point in time.
 *
 * A kind of view is a struct that starts with a struct pb_view and a table of
 * operations; one file each.  The public functions (view.c) check every
 * argument before they call an operation, so an operation sees only ranges
 * that lie on the disk.
 */

#ifndef PULLBACK_VIEW_H
#define PULLBACK_VIEW_H

#include "pullback.h"

struct view_ops {
  void (*free) (pb_view *view);

  /* COUNT > 0.  May run in many threads at once, as all that follow. */
  int (*pread) (pb_view *view, void *buffer, size_t count, uint64_t offset);

  /* LENGTH > 0.  NULL where all is COPY. */
  int (*locate) (pb_view *view, uint64_t offset, uint64_t length,
                 struct pb_location *location);

  /* A stream over exactly the range, with flags 0, ZERO or ZERO | HOLE, and
   * the depth where the view has that.
   */
  pb_extents *(*extents) (pb_view *view, uint64_t offset, uint64_t length);

  size_t (*nr_dirty_maps) (const pb_view *view);
  int (*get_dirty_map_info) (const pb_view *view, size_t index,
                             struct pb_bitmap_info *info);

  /* A stream over exactly the range, with flags 0 or DIRTY.  What it needs
   * beyond the view (a loaded bitmap, say) it keeps alive by itself.
   */
  pb_extents *(*dirty_extents) (pb_view *view, const char *name,
                                uint64_t offset, uint64_t length);
};

struct pb_view {
  const struct view_ops *ops;
  char *name;    /* of the disk, for messages */
  uint64_t size; /* bytes */
  uint32_t preferred_block_size;
  bool is_remote; /* see pullback.h */
  bool has_depth;
};

#endif /* PULLBACK_VIEW_H */
