/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* view.c: the public functions of views: check, then ask the kind of view. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "error.h"
#include "extents.h"
#include "view.h"

/* Nothing needs a larger request, and one buffer of it is easy to find. */
#define MAXIMUM_BLOCK_SIZE (UINT32_C (32) << 20)

void
pb_view_free (pb_view *view)
{
  if (view)
    view->ops->free (view);
}

bool
pb_view_is_remote (const pb_view *view)
{
  return view->is_remote;
}

bool
pb_view_has_depth (const pb_view *view)
{
  return view->has_depth;
}

uint64_t
pb_view_get_size (const pb_view *view)
{
  return view->size;
}

void
pb_view_get_block_size (const pb_view *view, uint32_t *minimum,
                        uint32_t *preferred, uint32_t *maximum)
{
  *minimum = 1;
  *preferred = view->preferred_block_size;
  *maximum = MAXIMUM_BLOCK_SIZE;
}

int
pb_view_pread (pb_view *view, void *buffer, size_t count, uint64_t offset)
{
  if (check_range (view->name, offset, count, view->size) == -1)
    return -1;
  if (count > MAXIMUM_BLOCK_SIZE) {
    pb_set_error (EINVAL,
                  "%s: cannot read %zu bytes at once: the maximum is %" PRIu32,
                  view->name, count, MAXIMUM_BLOCK_SIZE);
    return -1;
  }
  if (count == 0)
    return 0;
  return view->ops->pread (view, buffer, count, offset);
}

int
pb_view_locate (pb_view *view, uint64_t offset, uint64_t length,
                struct pb_location *location)
{
  if (check_range (view->name, offset, length, view->size) == -1)
    return -1;
  if (length == 0) {
    pb_set_error (EINVAL, "%s: cannot locate an empty range", view->name);
    return -1;
  }
  if (view->ops->locate)
    return view->ops->locate (view, offset, length, location);
  *location = (struct pb_location) { PB_LOCATION_COPY, length, -1, 0 };
  return 0;
}

pb_extents *
pb_view_extents (pb_view *view, uint64_t offset, uint64_t length)
{
  if (check_range (view->name, offset, length, view->size) == -1)
    return NULL;
  return view->ops->extents (view, offset, length);
}

size_t
pb_view_nr_dirty_maps (const pb_view *view)
{
  return view->ops->nr_dirty_maps (view);
}

int
pb_view_get_dirty_map_info (const pb_view *view, size_t index,
                            struct pb_bitmap_info *info)
{
  size_t nr = view->ops->nr_dirty_maps (view);

  if (index >= nr) {
    pb_set_error (EINVAL, "%s: dirty map %zu of %zu does not exist",
                  view->name, index, nr);
    return -1;
  }
  return view->ops->get_dirty_map_info (view, index, info);
}

pb_extents *
pb_view_dirty_extents (pb_view *view, const char *name, uint64_t offset,
                       uint64_t length)
{
  if (check_range (view->name, offset, length, view->size) == -1)
    return NULL;
  return view->ops->dirty_extents (view, name, offset, length);
}
