/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exports.c: the names of exports.
 *
 * NAME is a disk, NAME/MAP one of its dirty maps.  A disk's name has no
 * slash, so the first one parts the two whatever the map is called.  Where
 * there is one disk only, its NAME may be left out: "" and "/MAP".
 */

#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nbd-description.h"
#include "plugin.h"

/* -D pullback.exports=1: say which export a client gets. */
NBDKIT_DLL_PUBLIC int pullback_debug_exports;

static char *
describe_disk (const struct disk *disk)
{
  char *text;

  if (asprintf (&text, "disk %s", disk->name) == -1)
    return NULL;
  return text;
}

/* How the view of a domain's disk calls what changed since a checkpoint. */
#define SINCE "since:"

static char *
describe_map (const struct disk *disk, const struct pb_bitmap_info *info)
{
  bool is_since = disk->is_of_domain
                  && strncmp (info->name, SINCE, strlen (SINCE)) == 0;
  char *text;

  if (asprintf (&text,
                NBD_DESCRIPTION_MAP "of %s: %s %s, granularity %" PRIu64 "%s",
                disk->name, is_since ? "since checkpoint" : "bitmap",
                info->name + (is_since ? strlen (SINCE) : 0),
                info->granularity,
                info->enabled ? "" : NBD_DESCRIPTION_MAP_DISABLED)
      == -1)
    return NULL;
  return text;
}

/* LENGTH is that of the disk's name in NAME. */
static struct disk *
find_disk (const char *name, size_t length)
{
  if (length == 0)
    return nr_disks == 1 ? &disks[0] : NULL;
  for (size_t i = 0; i < nr_disks; i++)
    if (strlen (disks[i].name) == length
        && memcmp (disks[i].name, name, length) == 0)
      return &disks[i];
  return NULL;
}

static void
no_such_disk (const char *name)
{
  char *list = NULL;
  size_t size;
  FILE *stream = open_memstream (&list, &size);

  if (stream) {
    for (size_t i = 0; i < nr_disks; i++)
      fprintf (stream, "%s%s", i > 0 ? ", " : "", disks[i].name);
    fclose (stream);
  }
  nbdkit_error ("export '%s': there is no such disk; there are: %s", name,
                list ? list : "?");
  free (list);
}

/* Is there a dirty map MAP that can be trusted?  Then it is in memory after
 * this.  The error lists the maps that there are, or says why this one cannot
 * be used.
 */
static int
load_map (struct disk *disk, const char *map)
{
  pb_extents *extents = pb_view_dirty_extents (disk->view, map, 0, 0);

  if (extents == NULL)
    return -1;
  pb_extents_free (extents);
  return 0;
}

static char *
describe_map_called (const struct disk *disk, const char *map)
{
  size_t nr = pb_view_nr_dirty_maps (disk->view);
  struct pb_bitmap_info info;

  for (size_t i = 0; i < nr; i++)
    if (pb_view_get_dirty_map_info (disk->view, i, &info) == 0
        && strcmp (info.name, map) == 0)
      return describe_map (disk, &info);
  return NULL;
}

struct export *
export_open (const char *name)
{
  size_t length = strcspn (name, "/");
  const char *map = name[length] == '/' ? name + length + 1 : NULL;
  struct disk *disk = find_disk (name, length);
  struct export *export;

  if (disk == NULL) {
    no_such_disk (name);
    return NULL;
  }
  if (map && load_map (disk, map) == -1) {
    nbdkit_error ("export '%s': %s", name, pb_get_error ());
    return NULL;
  }

  export = calloc (1, sizeof *export);
  if (export == NULL) {
    nbdkit_error ("export '%s': %m", name);
    return NULL;
  }
  export->disk = disk;
  export->map = map ? strdup (map) : NULL;
  export->description
    = map ? describe_map_called (disk, map) : describe_disk (disk);
  if ((map && export->map == NULL) || export->description == NULL) {
    nbdkit_error ("export '%s': out of memory", name);
    export_close (export);
    return NULL;
  }
  if (pullback_debug_exports)
    nbdkit_debug ("pullback: export '%s' is %s (%s)", name,
                  export->description, disk->path);
  return export;
}

void
export_close (struct export *export)
{
  free (export->map);
  free (export->description);
  free (export);
}

static int
add_export (struct nbdkit_exports *exports, const char *name,
            char *description)
{
  int r;

  if (description == NULL) {
    nbdkit_error ("export '%s': out of memory", name);
    return -1;
  }
  r = nbdkit_add_export (exports, name, description);
  free (description);
  return r;
}

static int
add_map_export (struct nbdkit_exports *exports, const struct disk *disk,
                const struct pb_bitmap_info *info)
{
  char *name;
  int r;

  if (asprintf (&name, "%s/%s", disk->name, info->name) == -1) {
    nbdkit_error ("disk %s: %m", disk->name);
    return -1;
  }
  r = add_export (exports, name, describe_map (disk, info));
  free (name);
  return r;
}

/* A dirty map that cannot be used is not listed: opening it says why. */
static int
add_disk_exports (struct nbdkit_exports *exports, const struct disk *disk)
{
  size_t nr = pb_view_nr_dirty_maps (disk->view);
  struct pb_bitmap_info info;

  if (add_export (exports, disk->name, describe_disk (disk)) == -1)
    return -1;
  for (size_t i = 0; i < nr; i++) {
    if (pb_view_get_dirty_map_info (disk->view, i, &info) == -1) {
      nbdkit_error ("disk %s: %s", disk->name, pb_get_error ());
      return -1;
    }
    if (info.usable && add_map_export (exports, disk, &info) == -1)
      return -1;
    if (!info.usable && pullback_debug_exports)
      nbdkit_debug ("pullback: map %s of %s is not exported: %s", info.name,
                    disk->name, info.reason);
  }
  return 0;
}

int
list_exports (int readonly, int is_tls, struct nbdkit_exports *exports)
{
  (void) readonly;
  (void) is_tls;
  for (size_t i = 0; i < nr_disks; i++)
    if (add_disk_exports (exports, &disks[i]) == -1)
      return -1;
  return 0;
}

/* With several disks there is none that could be meant; opening "" says so. */
const char *
default_export (int readonly, int is_tls)
{
  (void) readonly;
  (void) is_tls;
  return nr_disks == 1 ? disks[0].name : "";
}
