/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-maps.c: the dirty maps of an export of another NBD server. */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"
#include "nbd-connect.h"
#include "nbd-handle.h"
#include "nbd-maps.h"

/* A server tells of all contexts of a connection in each answer, so that more
 * than these have a connection each.
 */
#define SHARED_MAX 4

struct nbd_dirty_map {
  char *name;
  char *source; /* the context, or the export */
  bool is_export;
  bool is_enabled;

  struct upstream *upstream; /* its own, where it has one */
  _Atomic (struct upstream_map *) map; /* when it is open */
  pthread_mutex_t lock; /* held while it is opened, over the I/O of that, so
                         * that this is done once */
};

void
nbd_maps_init (struct nbd_maps *maps, const struct nbd_disk *disk)
{
  *maps = (struct nbd_maps) { .disk = disk };
}

static void
map_free (struct nbd_dirty_map *map)
{
  upstream_map_free (atomic_load (&map->map));
  upstream_free (map->upstream);
  pthread_mutex_destroy (&map->lock);
  free (map->source);
  free (map->name);
  free (map);
}

static void
leave_alone (void *map)
{
  (void) map; /* which is freed with the list */
}

void
nbd_maps_clear (struct nbd_maps *maps)
{
  tdestroy (maps->by_name, leave_alone);
  for (size_t i = 0; i < maps->count; i++)
    map_free (maps->list[i]);
  free (maps->list);
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (((const struct nbd_dirty_map *) a)->name,
                 ((const struct nbd_dirty_map *) b)->name);
}

static struct nbd_dirty_map *
find (const struct nbd_maps *maps, const char *name)
{
  const struct nbd_dirty_map wanted = { .name = (char *) name };
  struct nbd_dirty_map *const *found
    = tfind (&wanted, &maps->by_name, compare_names);

  return found ? *found : NULL;
}

/* Add the map NAME, unless there is one that is called so. */
static int
add (struct nbd_maps *maps, const char *name, const char *source,
     enum nbd_export_kind kind, bool is_enabled)
{
  struct nbd_dirty_map **list, *map;

  if (name[0] == '\0' || !nbd_name_is_plain (name) || find (maps, name))
    return 0;
  list = reallocarray (maps->list, maps->count + 1, sizeof *list);
  if (list == NULL)
    return -1;
  maps->list = list;
  map = malloc (sizeof *map);
  if (map == NULL)
    return -1;
  *map = (struct nbd_dirty_map) {
    .name = strdup (name),
    .source = strdup (source),
    .is_export = kind != NBD_EXPORT_OTHER,
    .is_enabled = is_enabled,
  };
  pthread_mutex_init (&map->lock, NULL); /* cannot fail on Linux */
  list[maps->count++] = map;
  return map->name && map->source
             && tsearch (map, &maps->by_name, compare_names)
           ? 0
           : -1;
}

/* The callbacks of the lists: what has been found, and whether there was memory
 * for all of it.
 */
struct finder {
  struct nbd_maps *maps;
  char *description; /* of the export, or NULL */
  bool has_failed;
};

static int
found (struct finder *finder, const char *name, const char *source,
       enum nbd_export_kind kind, bool is_enabled)
{
  if (add (finder->maps, name, source, kind, is_enabled) == 0)
    return 0;
  finder->has_failed = true;
  return -1;
}

static int
on_context (void *opaque, const char *name, const char *description)
{
  struct finder *finder = opaque;
  size_t length = strlen (NBD_CONTEXT_DIRTY_BITMAP);

  (void) description;
  if (strncmp (name, NBD_CONTEXT_DIRTY_BITMAP, length) != 0)
    return 0;
  return found (finder, name + length, name, NBD_EXPORT_OTHER,
                !nbd_export_has_disabled (finder->description,
                                          name + length));
}

static int
on_export (void *opaque, const char *name, const char *description)
{
  struct finder *finder = opaque;
  const char *disk = finder->maps->disk->export_name;
  enum nbd_export_kind kind = nbd_export_kind (description);
  size_t length = strlen (disk);

  if (kind == NBD_EXPORT_OTHER || strncmp (name, disk, length) != 0
      || name[length] != '/')
    return 0;
  return found (finder, name + length + 1, name, kind,
                kind == NBD_EXPORT_MAP);
}

/* R is what listing has come to.  A server that does not list, or not to us,
 * has nothing to find.
 */
static int
finish (const struct finder *finder, int r)
{
  if (finder->has_failed) {
    pb_set_error (ENOMEM, "%s: %s", finder->maps->disk->uri,
                  strerror (ENOMEM));
    return -1;
  }
  if (r == -1 && (pb_get_errno () == ENOTSUP || pb_get_errno () == EPERM))
    return 0;
  return r;
}

/* Contexts need structured replies. */
static int
find_contexts (struct finder *finder, struct nbd_handle *nbd)
{
  const char *uri = finder->maps->disk->uri;
  const struct nbd_connect_list list = { on_context, finder };
  int r;

  if (nbd_get_structured_replies_negotiated (nbd) != 1)
    return 0;
  nbd_clear_meta_contexts (nbd);
  if (nbd_add_meta_context (nbd, NBD_CONTEXT_DIRTY_BITMAP) == -1) {
    set_nbd_error ("%s", uri);
    return -1;
  }
  r = finish (finder, nbd_connect_list_contexts (nbd, uri, &list));
  nbd_clear_meta_contexts (nbd);
  return r;
}

int
nbd_maps_find (struct nbd_maps *maps, struct nbd_handle *nbd)
{
  struct finder finder
    = { .maps = maps, .description = nbd_get_export_description (nbd) };
  const struct nbd_connect_list exports = { on_export, &finder };
  int r = find_contexts (&finder, nbd);

  if (r == 0)
    r = finish (&finder, nbd_connect_list_exports (nbd, maps->disk->uri,
                                                   &exports));
  free (finder.description);
  return r;
}

/* Are the maps that are contexts told of by the disk's first connection? */
static bool
is_shared (const struct nbd_maps *maps)
{
  size_t count = 0;

  for (size_t i = 0; i < maps->count; i++)
    count += !maps->list[i]->is_export;
  return !maps->disk->is_multi || count <= SHARED_MAX;
}

int
nbd_maps_add_contexts (const struct nbd_maps *maps, struct nbd_handle *nbd)
{
  if (!is_shared (maps))
    return 0;
  for (size_t i = 0; i < maps->count; i++)
    if (!maps->list[i]->is_export
        && nbd_add_meta_context (nbd, maps->list[i]->source) == -1) {
      set_nbd_error ("%s: dirty map '%s'", maps->disk->uri,
                     maps->list[i]->name);
      return -1;
    }
  return 0;
}

void
nbd_maps_get_info (const struct nbd_maps *maps, size_t index,
                   struct pb_bitmap_info *info)
{
  *info = (struct pb_bitmap_info) {
    .name = maps->list[index]->name,
    .enabled = maps->list[index]->is_enabled,
    .usable = true,
  };
}

/* Connect to MAP's own export, or for its own context, or use the connection
 * that there is.
 */
static struct upstream_map *
open_map (const struct nbd_maps *maps, struct nbd_dirty_map *map)
{
  const struct nbd_disk *disk = maps->disk;
  struct upstream_map_config config = {
    .upstream = disk->upstream,
    .name = disk->uri,
    .limits = &disk->limits,
    .context = map->is_export ? LIBNBD_CONTEXT_BASE_ALLOCATION : map->source,
    .meaning = map->is_export ? NBD_MEANS_CHANGE : NBD_MEANS_DIRTY,
  };

  if (map->upstream == NULL && (map->is_export || !is_shared (maps))) {
    map->upstream = nbd_disk_connect (
      disk, map->is_export ? map->source : disk->export_name, config.context,
      NBD_CONNECT_SECONDS);
    if (map->upstream == NULL)
      return NULL;
  }
  if (map->upstream)
    config.upstream = map->upstream;
  return upstream_map_new (&config);
}

static void
set_no_map_error (const struct nbd_maps *maps, const char *name)
{
  char *list = NULL;
  size_t size;
  FILE *stream = open_memstream (&list, &size);

  if (stream) {
    for (size_t i = 0; i < maps->count; i++)
      fprintf (stream, "%s'%s'", i ? ", " : "; it has ", maps->list[i]->name);
    fclose (stream);
  }
  pb_set_error (ENOENT, "%s: export '%s' has no dirty map '%s'%s",
                maps->disk->uri, maps->disk->export_name, name,
                list ? list : "");
  free (list);
}

struct upstream_map *
nbd_maps_open (const struct nbd_maps *maps, const char *name)
{
  struct nbd_dirty_map *map = find (maps, name);
  struct upstream_map *open;

  if (map == NULL) {
    set_no_map_error (maps, name);
    return NULL;
  }
  open = atomic_load (&map->map);
  if (open)
    return open;

  LOCK_CURRENT_SCOPE (&map->lock);
  open = atomic_load (&map->map);
  if (open == NULL) {
    open = open_map (maps, map);
    atomic_store (&map->map, open);
  }
  return open;
}
