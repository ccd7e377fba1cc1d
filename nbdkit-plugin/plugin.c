/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin.c: the plugin as nbdkit sees it. */

#include "config.h"

#include <stdio.h>

#include "plugin.h"

/* Views may be used from many threads at once, and nothing here changes once
 * the server is ready.
 */
#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

static void
pullback_unload (void)
{
  disks_free ();
}

static void
pullback_dump_plugin (void)
{
  printf ("pullback_library_version=%s\n", pb_get_version ());
  printf ("pullback_formats=qcow2 raw\n");
  printf ("pullback_dirty_maps=exports\n");
}

static void *
pullback_open (int readonly)
{
  (void) readonly; /* always */
  return export_open (nbdkit_export_name ());
}

static void
pullback_close (void *handle)
{
  export_close (handle);
}

static const char *
pullback_export_description (void *handle)
{
  return ((struct export *) handle)->description;
}

static int64_t
pullback_get_size (void *handle)
{
  return pb_view_get_size (((struct export *) handle)->disk->view);
}

static int
pullback_block_size (void *handle, uint32_t *minimum, uint32_t *preferred,
                     uint32_t *maximum)
{
  pb_view_get_block_size (((struct export *) handle)->disk->view, minimum,
                          preferred, maximum);
  return 0;
}

/* A point in time does not change, through whichever connection one looks. */
static int
pullback_can_multi_conn (void *handle)
{
  (void) handle;
  return 1;
}

/* Reading is what brings a disk's data into the cache, the page cache. */
static int
pullback_can_cache (void *handle)
{
  (void) handle;
  return NBDKIT_CACHE_EMULATE;
}

static int
pullback_pread (void *handle, void *buffer, uint32_t count, uint64_t offset,
                uint32_t flags)
{
  (void) flags;
  return serve_pread (handle, buffer, count, offset);
}

static int
pullback_extents (void *handle, uint32_t count, uint64_t offset,
                  uint32_t flags, struct nbdkit_extents *extents)
{
  return serve_extents (handle, count, offset, flags, extents);
}

/* Without a pwrite callback every connection is read-only. */
static struct nbdkit_plugin plugin = {
  .name = "pullback",
  .longname = "pullback disks and dirty maps",
  .version = PACKAGE_VERSION,
  .description = "Serve disk images at rest, and what changed in them since "
                 "a checkpoint.",
  .magic_config_key = "file",
  .config_help = config_help,
  .config = config,
  .config_complete = config_complete,
  .get_ready = disks_open,
  .unload = pullback_unload,
  .dump_plugin = pullback_dump_plugin,
  .list_exports = list_exports,
  .default_export = default_export,
  .export_description = pullback_export_description,
  .open = pullback_open,
  .close = pullback_close,
  .get_size = pullback_get_size,
  .block_size = pullback_block_size,
  .can_multi_conn = pullback_can_multi_conn,
  .can_cache = pullback_can_cache,
  .pread = pullback_pread,
  .extents = pullback_extents,
};

NBDKIT_REGISTER_PLUGIN (plugin)
