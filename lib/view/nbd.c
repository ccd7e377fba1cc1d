/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd.c: the view of a disk that another NBD server gives. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"
#include "nbd-connect.h"
#include "nbd-handle.h"
#include "nbd-maps.h"
#include "nbd-uri.h"
#include "round.h"
#include "upstream-pool.h"
#include "view.h"

/* What requests are best multiples of where the server does not say. */
#define PREFERRED_MIN ((uint64_t) 4096)
#define PREFERRED_MAX ((uint64_t) 65536)

struct nbd_view {
  pb_view view; /* must be first */
  struct nbd_disk disk;
  struct upstream_map *allocation; /* NULL: the server does not tell */
  struct nbd_maps maps;
  struct upstream_pool pool;
};

static void
nbd_view_free (pb_view *view)
{
  struct nbd_view *v = (struct nbd_view *) view;

  nbd_maps_clear (&v->maps);
  upstream_map_free (v->allocation);
  upstream_pool_clear (&v->pool);
  free (v->disk.export_name);
  free (v->disk.uri);
  free (v);
}

/* A range that is not of whole blocks: read the blocks that it touches. */
static int
read_unaligned (struct nbd_view *v, void *buffer, size_t count,
                uint64_t offset)
{
  const struct nbd_export_limits *limits = &v->disk.limits;
  uint64_t start = round_down (offset, limits->min_block);
  uint64_t end = min_u64 (round_up (offset + count, limits->min_block),
                          limits->size);
  unsigned char *CLEANUP_FREE blocks = malloc (end - start);

  if (blocks == NULL) {
    pb_set_error (ENOMEM, "no memory for a request");
    return -1;
  }
  if (upstream_pool_read (&v->pool, blocks, end - start, start) == -1)
    return -1;
  memcpy (buffer, blocks + (offset - start), count);
  return 0;
}

static int
nbd_view_pread (pb_view *view, void *buffer, size_t count, uint64_t offset)
{
  struct nbd_view *v = (struct nbd_view *) view;
  const struct nbd_export_limits *limits = &v->disk.limits;
  unsigned char *bytes = buffer;

  while (count > 0) {
    uint64_t in_block = offset % limits->min_block;
    size_t n = min_u64 (count, limits->max_block - in_block);
    bool is_aligned = in_block == 0
                      && (n % limits->min_block == 0
                          || offset + n == limits->size);
    int r = is_aligned
              ? upstream_pool_read (&v->pool, bytes, n, offset)
              : read_unaligned (v, bytes, n, offset);

    if (r == -1)
      return -1;
    bytes += n;
    offset += n;
    count -= n;
  }
  return 0;
}

static pb_extents *
nbd_view_extents (pb_view *view, uint64_t offset, uint64_t length)
{
  struct nbd_view *v = (struct nbd_view *) view;

  return v->allocation ? upstream_map_extents (v->allocation, offset, length)
                       : pb_extents_constant (offset, length, 0);
}

static size_t
nbd_view_nr_dirty_maps (const pb_view *view)
{
  return ((const struct nbd_view *) view)->maps.count;
}

static int
nbd_view_get_dirty_map_info (const pb_view *view, size_t index,
                             struct pb_bitmap_info *info)
{
  nbd_maps_get_info (&((const struct nbd_view *) view)->maps, index, info);
  return 0;
}

static pb_extents *
nbd_view_dirty_extents (pb_view *view, const char *name, uint64_t offset,
                        uint64_t length)
{
  struct upstream_map *map
    = nbd_maps_open (&((struct nbd_view *) view)->maps, name);

  return map ? upstream_map_extents (map, offset, length) : NULL;
}

static const struct view_ops ops = {
  .free = nbd_view_free,
  .pread = nbd_view_pread,
  .extents = nbd_view_extents,
  .nr_dirty_maps = nbd_view_nr_dirty_maps,
  .get_dirty_map_info = nbd_view_get_dirty_map_info,
  .dirty_extents = nbd_view_dirty_extents,
};

/* The contexts that tell of the disk itself. */
static int
add_contexts (struct nbd_view *v, struct nbd_handle *nbd)
{
  if (nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || nbd_add_meta_context (nbd, NBD_CONTEXT_DEPTH) == -1) {
    set_nbd_error ("%s", v->disk.uri);
    return -1;
  }
  return 0;
}

/* Find out what there is, and choose the export.  EXPORT_NAME may be NULL. */
static int
negotiate (struct nbd_view *v, struct nbd_handle *nbd,
           const char *export_name)
{
  struct nbd_disk *disk = &v->disk;
  char *CLEANUP_FREE own = nbd_get_export_name (nbd);

  if (own == NULL) {
    set_nbd_error ("%s", disk->uri);
    return -1;
  }
  if (nbd_connect_info (nbd, disk->uri, export_name ? export_name : own)
      == -1)
    return -1;
  disk->is_multi = nbd_can_multi_conn (nbd) == 1;
  disk->export_name
    = nbd_export_canonical_name (nbd, export_name ? export_name : own);
  if (disk->export_name == NULL) {
    set_error_errno ("%s", disk->uri);
    return -1;
  }
  if (nbd_maps_find (&v->maps, nbd) == -1 || add_contexts (v, nbd) == -1
      || nbd_maps_add_contexts (&v->maps, nbd) == -1
      || nbd_connect_go (nbd, disk->uri, disk->export_name,
                         NBD_CONNECT_SECONDS)
           == -1)
    return -1;
  return nbd_export_get_limits (nbd, disk->uri, disk->export_name,
                                &disk->limits);
}

/* What is to be known of the disk, once NBD is ready. */
static int
read_export (struct nbd_view *v, struct nbd_handle *nbd)
{
  int64_t preferred = nbd_get_block_size (nbd, LIBNBD_SIZE_PREFERRED);
  const struct nbd_disk *disk = &v->disk;
  struct upstream_map_config config = {
    .upstream = disk->upstream,
    .name = disk->uri,
    .limits = &disk->limits,
    .context = LIBNBD_CONTEXT_BASE_ALLOCATION,
    .meaning = NBD_MEANS_ALLOCATION,
    .has_depth = nbd_can_meta_context (nbd, NBD_CONTEXT_DEPTH) == 1,
  };

  v->view.name = disk->uri;
  v->view.size = disk->limits.size;
  v->view.is_remote = true;
  v->view.preferred_block_size = PREFERRED_MIN;
  if (preferred > 0 && is_power_of_2 (preferred))
    v->view.preferred_block_size
      = min_u64 (max_u64 (preferred, PREFERRED_MIN), PREFERRED_MAX);
  if (disk->has_allocation) {
    v->allocation = upstream_map_new (&config);
    if (v->allocation == NULL)
      return -1;
    v->view.has_depth = config.has_depth;
  }
  return 0;
}

static int
connect_first (struct nbd_view *v, const char *export_name)
{
  struct nbd_handle *nbd
    = nbd_connect_start (v->disk.uri, NBD_CONNECT_SECONDS);

  if (nbd == NULL)
    return -1;
  if (negotiate (v, nbd, export_name) == -1) {
    nbd_close (nbd);
    return -1;
  }
  v->disk.has_allocation
    = nbd_can_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
  v->disk.upstream = upstream_new (nbd, v->disk.uri);
  if (v->disk.upstream == NULL)
    return -1;
  upstream_pool_start (&v->pool, v->disk.upstream);
  return read_export (v, nbd);
}

pb_view *
pb_view_open_nbd (const char *uri, const char *export_name)
{
  struct nbd_view *v;

  if (nbd_uri_check (uri) == -1 || nbd_uri_check_credentials (uri) == -1)
    return NULL;
  v = calloc (1, sizeof *v);
  if (v == NULL) {
    set_error_errno ("%s", uri);
    return NULL;
  }
  v->view.ops = &ops;
  nbd_maps_init (&v->maps, &v->disk);
  upstream_pool_init (&v->pool, &v->disk);
  v->disk.uri = strdup (uri);
  if (v->disk.uri == NULL) {
    set_error_errno ("%s", uri);
    nbd_view_free (&v->view);
    return NULL;
  }
  if (connect_first (v, export_name) == -1) {
    nbd_view_free (&v->view);
    return NULL;
  }
  return &v->view;
}
