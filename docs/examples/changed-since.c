/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* changed-since.c: how much of each disk has changed since each checkpoint.
 *
 *   cc -o changed-since changed-since.c $(pkg-config --cflags --libs \
 *       libpullback)
 *   ./changed-since disks:vda=disk.qcow2 state
 *
 * prints a line "CHECKPOINT DISK BYTES" for each, or "unknown" where only a
 * full backup is safe any more.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <pullback.h>

/* The size is the image's, and a view tells it. */
static int
get_disk_size (pb_domain *domain, const char *disk, uint64_t *size)
{
  pb_view *view = pb_domain_open_view (domain, disk, 0);

  if (view == NULL)
    return -1;
  *size = pb_view_get_size (view);
  pb_view_free (view);
  return 0;
}

static int
count_dirty (pb_extents *extents, uint64_t *bytes)
{
  struct pb_extent extent;
  int more;

  *bytes = 0;
  while ((more = pb_extents_next (extents, &extent)) == 1)
    if (extent.flags & PB_EXTENT_DIRTY)
      *bytes += extent.length;
  return more;
}

static int
print_changes (pb_domain *domain, pb_checkpoint *checkpoint, const char *disk)
{
  const char *name = pb_checkpoint_get_name (checkpoint);
  pb_extents *extents;
  uint64_t size, bytes;
  int r;

  if (get_disk_size (domain, disk, &size) == -1)
    return -1;
  extents = pb_checkpoint_dirty_extents (checkpoint, disk, 0, size);
  if (extents == NULL) {
    if (pb_get_errno () != ESTALE)
      return -1;
    printf ("%s %s unknown\n", name, disk);
    return 0;
  }
  r = count_dirty (extents, &bytes);
  pb_extents_free (extents);
  if (r == 0)
    printf ("%s %s %" PRIu64 "\n", name, disk, bytes);
  return r;
}

static int
print_checkpoints (pb_domain *domain)
{
  pb_checkpoint **list;
  struct pb_domain_disk disk;
  int count = pb_domain_list_all_checkpoints (domain, &list,
                                              PB_CHECKPOINT_LIST_TOPOLOGICAL);
  int r = 0;

  if (count == -1)
    return -1;
  for (int i = 0; r == 0 && i < count; i++)
    for (size_t n = 0; r == 0 && n < pb_domain_nr_disks (domain); n++) {
      r = pb_domain_get_disk (domain, n, &disk);
      if (r == 0)
        r = print_changes (domain, list[i], disk.name);
    }
  pb_checkpoint_list_free (list);
  return r;
}

int
main (int argc, char *argv[])
{
  pb_domain *domain;

  if (argc != 3) {
    fprintf (stderr, "Usage: changed-since DOMAIN STATE\n");
    return 2;
  }

  domain = pb_domain_open (argv[1], argv[2], PB_DOMAIN_READ_ONLY);
  if (domain == NULL || print_checkpoints (domain) == -1) {
    fprintf (stderr, "changed-since: %s\n", pb_get_error ());
    pb_domain_free (domain);
    return EXIT_FAILURE;
  }
  pb_domain_free (domain);

  if (ferror (stdout) || fflush (stdout) != 0) {
    perror ("changed-since: standard output");
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
