/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plan.c: what is to be done with each part of the disk. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nbd-map.h"
#include "plan.h"

static struct nbd_map_config
map_config (struct pull *pull, struct nbd_handle *nbd, int driver_wake_fd)
{
  const struct source *source = pull->config.source;

  return (struct nbd_map_config) {
    .nbd = nbd,
    .name = source->uri,
    .size = source->size,
    .min_block = source->min_block,
    .wake_fd = pull->mapper_wake_fd,
    .stop = &pull->stop,
    .driver_wake_fd = driver_wake_fd,
  };
}

static void
add_context (struct nbd_map_config *config, const char *context,
             enum nbd_meaning meaning)
{
  config->contexts[config->nr_contexts].context = context;
  config->contexts[config->nr_contexts].meaning = meaning;
  config->nr_contexts++;
}

/* What the disk's own export says: allocation, and change where that comes as
 * a context.  A server that says nothing has data everywhere.
 */
static pb_extents *
disk_map (struct pull *pull, struct nbd_handle *nbd, int driver_wake_fd)
{
  const struct source *source = pull->config.source;
  struct nbd_map_config config = map_config (pull, nbd, driver_wake_fd);

  if (source->has_allocation)
    add_context (&config, LIBNBD_CONTEXT_BASE_ALLOCATION, NBD_MEANS_ALLOCATION);
  if (source->map_source == MAP_SOURCE_CONTEXT)
    add_context (&config, source->map_name, NBD_MEANS_DIRTY);
  if (config.nr_contexts == 0)
    return pb_extents_constant (0, source->size, 0);
  return nbd_map_new (&config);
}

/* What the map's export says.  Its connection is used for nothing else. */
static pb_extents *
change_map (struct pull *pull)
{
  struct nbd_map_config config
    = map_config (pull, pull->config.source->map_nbd, -1);

  config.min_block = pull->config.source->map_min_block;
  add_context (&config, LIBNBD_CONTEXT_BASE_ALLOCATION, NBD_MEANS_CHANGE);
  return nbd_map_new (&config);
}

/* A map in which everything from START on is dirty, whatever it says. */
struct marked {
  pb_extents *map;
  uint64_t start;
  struct pb_extent rest; /* of the last extent taken, length 0: none */
};

static int
marked_status (void *opaque, uint64_t offset, uint64_t end,
               struct pb_extent *extent)
{
  struct marked *marked = opaque;

  (void) end;
  if (marked->rest.length == 0
      && pb_extents_next (marked->map, &marked->rest) != 1)
    return -1; /* both streams end at the same place, so it is an error */
  *extent = marked->rest;
  if (offset >= marked->start)
    extent->flags |= PB_EXTENT_DIRTY;
  else if (extent->length > marked->start - offset)
    extent->length = marked->start - offset;
  marked->rest.offset += extent->length;
  marked->rest.length -= extent->length;
  return 0;
}

static void
marked_free (void *opaque)
{
  struct marked *marked = opaque;

  pb_extents_free (marked->map);
  free (marked);
}

/* Owns MAP; a NULL one fails with the error that is set. */
static pb_extents *
mark_dirty_from (pb_extents *map, uint64_t start)
{
  static const struct pb_extents_ops ops
    = { .status = marked_status, .free = marked_free };
  struct marked *marked;

  if (map == NULL)
    return NULL;
  marked = calloc (1, sizeof *marked);
  if (marked == NULL) {
    pb_extents_free (map);
    pb_set_error (ENOMEM, "map: %s", strerror (ENOMEM));
    return NULL;
  }
  marked->map = map;
  marked->start = start;
  return pb_extents_new (0, pb_extents_get_end (map), &ops, marked);
}

/* Where the new part of a disk starts.  The backing file's size is that of its
 * disk rounded up to a sector, so its last sector may be partly new.
 */
static uint64_t
grown_from (uint64_t backing_size)
{
  return backing_size ? (backing_size - 1) / 512 * 512 : 0;
}

pb_extents *
plan_new (struct pull *pull, struct nbd_handle *nbd, int driver_wake_fd)
{
  const struct pull_config *config = &pull->config;
  const struct source *source = config->source;
  pb_extents *map = disk_map (pull, nbd, driver_wake_fd);

  if (config->is_increment && source->map_source == MAP_SOURCE_EXPORT)
    map = pb_extents_overlay (change_map (pull), map);

  /* Where the disk has grown since the backup that this one stands on, what
   * lies beyond the end of that is in no backup, whatever the dirty map says.
   */
  if (!config->is_increment)
    map = mark_dirty_from (map, 0);
  else if (config->backing_size < source->size)
    map = mark_dirty_from (map, grown_from (config->backing_size));
  return pb_extents_align (map, config->granule);
}
