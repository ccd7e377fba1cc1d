/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* driver-tool.c: the driver for disks at rest, for the shell tests.
 *
 *   driver-tool [--raw] [--data-file] [--lock FILE] PATH
 *               bitmaps | check [LAYER] | add NAME [GRANULARITY]
 *               | merge SOURCE NAME | remove NAME | undo-add NAME
 *               | since NAME... | maps NAME... | race NAME COMMAND
 *
 * bitmaps prints a line "LAYER NAME GRANULARITY FLAGS" for each.  since prints
 * what the view of the disk says of the map since:NAME, of one independent
 * bitmap each, as lines "OFFSET LENGTH FLAG"; maps lists the view's maps.  race
 * looks at the disk, runs COMMAND, and then wants the changes since NAME.
 */

#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "driver.h"

static const struct domain_driver *const driver = &domain_driver_at_rest;

static char *format = (char *) "qcow2";
static unsigned image_flags;
static int lock_fd = -1;

static void
fail (void)
{
  fflush (stdout);
  fprintf (stderr, "driver-tool: %s (errno %d)\n", pb_get_error (),
           pb_get_errno ());
  exit (1);
}

static void
usage (void)
{
  fprintf (stderr, "usage: driver-tool [--raw] [--data-file] [--lock FILE] "
                   "PATH COMMAND [ARGS]\n");
  exit (2);
}

static void
print_bitmaps (const struct domain_disk *disk)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };

  if (driver->inspect (disk, image_flags, &bitmaps) == -1)
    fail ();
  for (size_t i = 0; i < bitmaps.nr_layers; i++)
    for (size_t j = 0; j < bitmaps.layers[i].nr_bitmaps; j++) {
      const struct layer_bitmap *bitmap = &bitmaps.layers[i].bitmaps[j];

      printf ("%zu %s %" PRIu64 "%s%s%s\n", i, bitmap->name,
              bitmap->granularity, bitmap->enabled ? " enabled" : "",
              bitmap->in_use ? " in-use" : "",
              bitmap->reason ? " unusable" : "");
    }
}

static void
act (enum bitmap_action_kind kind, const struct domain_disk *disk,
     char *bitmap, char *source, uint64_t granularity, bool undo)
{
  struct bitmap_action action = {
    .kind = kind,
    .disk = disk->name,
    .path = disk->path,
    .bitmap = bitmap,
    .source = source,
    .granularity = granularity,
  };

  if ((undo ? driver->undo : driver->apply) (&action, image_flags, lock_fd)
      == -1)
    fail ();
}

/* A view with a map since:NAME for each of the bitmaps called NAMES. */
static pb_view *
open_view (const struct domain_disk *disk, char **names, size_t count)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct since_map *maps = calloc (count + 1, sizeof *maps);
  pb_view *view;

  if (maps == NULL || driver->inspect (disk, image_flags, &bitmaps) == -1)
    fail ();
  for (size_t i = 0; i < count; i++)
    if (asprintf (&maps[i].name, "since:%s", names[i]) == -1
        || bitmap_range_independent (&maps[i].range, &bitmaps, names[i])
             == -1)
      fail ();
  view = at_rest_view_open (disk, image_flags, &bitmaps, maps, count);
  if (view == NULL)
    fail ();
  return view;
}

static void
print_extents (pb_extents *extents)
{
  struct pb_extent extent;
  int r;

  extents = pb_extents_coalesce (extents, 0);
  if (extents == NULL)
    fail ();
  while ((r = pb_extents_next (extents, &extent)) == 1)
    printf ("%" PRIu64 " %" PRIu64 " %" PRIu32 "\n", extent.offset,
            extent.length, extent.flags);
  if (r == -1)
    fail ();
  pb_extents_free (extents);
}

static void
print_since (const struct domain_disk *disk, char **names, size_t count)
{
  pb_view *view = open_view (disk, names, count);

  for (size_t i = 0; i < count; i++) {
    char name[1100];

    snprintf (name, sizeof name, "since:%s", names[i]);
    print_extents (
      pb_view_dirty_extents (view, name, 0, pb_view_get_size (view)));
  }
  pb_view_free (view);
}

static void
print_maps (const struct domain_disk *disk, char **names, size_t count)
{
  pb_view *view = open_view (disk, names, count);
  struct pb_bitmap_info info;

  for (size_t i = 0; i < pb_view_nr_dirty_maps (view); i++) {
    if (pb_view_get_dirty_map_info (view, i, &info) == -1)
      fail ();
    printf ("%s %" PRIu64 "%s %s\n", info.name, info.granularity,
            info.enabled ? " enabled" : "",
            info.usable ? "usable" : info.reason);
  }
  /* What is not there is said not to be there. */
  if (pb_view_dirty_extents (view, "since:nosuch", 0, 0))
    abort ();
  printf ("%s\n", pb_get_error ());
  pb_view_free (view);
}

static void
race (const struct domain_disk *disk, const char *name, const char *command)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };
  pb_bitmap *changes;

  if (driver->inspect (disk, image_flags, &bitmaps) == -1
      || bitmap_range_independent (&range, &bitmaps, name) == -1)
    fail ();
  if (!range.is_known || system (command) != 0)
    abort ();
  changes = driver->load_range (disk, image_flags, &bitmaps, &range);
  if (changes == NULL)
    fail ();
  printf ("%" PRIu64 " of %" PRIu64 "\n", pb_bitmap_count (changes),
          pb_bitmap_get_size (changes));
  pb_bitmap_free (changes);
}

static void
run_command (const struct domain_disk *disk, int argc, char **argv)
{
  const char *command = argv[0];

  if (strcmp (command, "bitmaps") == 0 && argc == 1)
    print_bitmaps (disk);
  else if (strcmp (command, "check") == 0 && argc <= 2) {
    if (driver->check_writable (disk, argc == 2 ? argv[1] : disk->path,
                                image_flags)
        == -1)
      fail ();
  }
  else if (strcmp (command, "add") == 0 && (argc == 2 || argc == 3))
    act (BITMAP_ACTION_ADD, disk, argv[1], NULL,
         argc == 3 ? strtoull (argv[2], NULL, 0) : 0, false);
  else if (strcmp (command, "undo-add") == 0 && argc == 2)
    act (BITMAP_ACTION_ADD, disk, argv[1], NULL, 0, true);
  else if (strcmp (command, "merge") == 0 && argc == 3)
    act (BITMAP_ACTION_MERGE, disk, argv[2], argv[1], 0, false);
  else if (strcmp (command, "remove") == 0 && argc == 2)
    act (BITMAP_ACTION_REMOVE, disk, argv[1], NULL, 0, false);
  else if (strcmp (command, "since") == 0)
    print_since (disk, argv + 1, argc - 1);
  else if (strcmp (command, "maps") == 0)
    print_maps (disk, argv + 1, argc - 1);
  else if (strcmp (command, "race") == 0 && argc == 3)
    race (disk, argv[1], argv[2]);
  else
    usage ();
}

/* As the state folder's lock is: held by this process and what it starts. */
static void
lock (const char *path)
{
  lock_fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd == -1 || flock (lock_fd, LOCK_EX | LOCK_NB) == -1) {
    perror (path);
    exit (1);
  }
}

int
main (int argc, char **argv)
{
  struct domain_disk disk = { .name = (char *) "vda" };
  int i;

  for (i = 1; i < argc && strncmp (argv[i], "--", 2) == 0; i++) {
    if (strcmp (argv[i], "--raw") == 0)
      format = (char *) "raw";
    else if (strcmp (argv[i], "--data-file") == 0)
      image_flags |= PB_IMAGE_DATA_FILE;
    else if (strcmp (argv[i], "--lock") == 0 && i + 1 < argc)
      lock (argv[++i]);
    else
      usage ();
  }
  if (argc - i < 2)
    usage ();
  disk.path = argv[i];
  disk.format = format;
  run_command (&disk, argc - i - 1, argv + i + 1);
  if (fflush (stdout) != 0) {
    perror ("driver-tool: standard output");
    return 1;
  }
  return 0;
}
