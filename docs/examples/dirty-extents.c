/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dirty-extents.c: what a dirty bitmap says of a disk at rest.
 *
 *   cc -o dirty-extents dirty-extents.c $(pkg-config --cflags --libs \
 *       libpullback)
 *   ./dirty-extents disk.qcow2 cp1
 *
 * prints one JSON object a line for each extent, from the first byte of the
 * disk to its last: where it starts, how long it is, whether it has changed
 * since the bitmap was added, and whether it reads as zeroes.  One that is
 * dirty and zero was changed to zeroes: a backup must store that.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <pullback.h>

static const char *
json_bool (int value)
{
  return value ? "true" : "false";
}

static int
print_extents (pb_extents *extents)
{
  struct pb_extent extent;
  int more;

  while ((more = pb_extents_next (extents, &extent)) == 1)
    printf ("{\"start\": %" PRIu64 ", \"length\": %" PRIu64
            ", \"dirty\": %s, \"zero\": %s}\n",
            extent.offset, extent.length,
            json_bool (extent.flags & PB_EXTENT_DIRTY),
            json_bool (extent.flags & PB_EXTENT_ZERO));
  return more;
}

static int
print_dirty_extents (pb_view *view, const char *bitmap)
{
  uint64_t size = pb_view_get_size (view);
  pb_extents *extents;
  int r;

  /* Calls that make streams nest: each owns what it takes, and a failure
   * inside is the failure of the whole.
   */
  extents = pb_extents_coalesce (
    pb_extents_overlay (pb_view_dirty_extents (view, bitmap, 0, size),
                        pb_view_extents (view, 0, size)),
    0);
  if (extents == NULL)
    return -1;
  r = print_extents (extents);
  pb_extents_free (extents);
  return r;
}

int
main (int argc, char *argv[])
{
  pb_view *view;

  if (argc != 3) {
    fprintf (stderr, "Usage: dirty-extents IMAGE.qcow2 BITMAP\n");
    return 2;
  }

  view = pb_view_open_disk (argv[1], PB_FORMAT_QCOW2, 0);
  if (view == NULL || print_dirty_extents (view, argv[2]) == -1) {
    fprintf (stderr, "dirty-extents: %s\n", pb_get_error ());
    pb_view_free (view);
    return EXIT_FAILURE;
  }
  pb_view_free (view);

  if (ferror (stdout) || fflush (stdout) != 0) {
    perror ("dirty-extents: standard output");
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
