/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain.c: the disks of a domain, with what has changed on them since each of
 * its checkpoints.
 */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

/* An empty drive has nothing to serve, and of another format than these there
 * is no view.
 */
static bool
can_be_served (const struct pb_domain_disk *disk)
{
  return disk->path
         && (strcmp (disk->format, "qcow2") == 0
             || strcmp (disk->format, "raw") == 0);
}

static int
open_disk (pb_domain *domain, const struct pb_domain_disk *disk,
           unsigned image_flags)
{
  struct disk served = { .is_of_domain = true };

  if (!can_be_served (disk)) {
    nbdkit_debug ("pullback: disk %s is not exported: %s", disk->name,
                  disk->path ? disk->format : "no file or device of it");
    return 0;
  }
  served.view = pb_domain_open_view (domain, disk->name, image_flags);
  if (served.view == NULL) {
    nbdkit_error ("%s", pb_get_error ());
    return -1;
  }
  served.name = strdup (disk->name);
  served.path = strdup (disk->path);
  if (served.name == NULL || served.path == NULL) {
    nbdkit_error ("disk %s: %m", disk->name);
    disk_clear (&served);
    return -1;
  }
  return disks_append (&served);
}

static int
open_disks (pb_domain *domain, unsigned image_flags)
{
  size_t nr = pb_domain_nr_disks (domain);

  for (size_t i = 0; i < nr; i++) {
    struct pb_domain_disk disk;

    if (pb_domain_get_disk (domain, i, &disk) == -1) {
      nbdkit_error ("%s", pb_get_error ());
      return -1;
    }
    if (open_disk (domain, &disk, image_flags) == -1)
      return -1;
  }
  if (nr_disks == 0) {
    nbdkit_error ("domain=%s: it has no disk that could be served",
                  pb_domain_get_uri (domain));
    return -1;
  }
  return 0;
}

/* The views need the domain no longer, and it holds the lock of its state. */
int
domain_open_disks (const char *uri, const char *state, unsigned image_flags)
{
  unsigned flags
    = PB_DOMAIN_READ_ONLY
      | (image_flags & PB_IMAGE_DATA_FILE ? PB_DOMAIN_DATA_FILE : 0);
  pb_domain *domain = pb_domain_open (uri, state, flags);
  int r;

  if (domain == NULL) {
    nbdkit_error ("domain=%s: %s", uri, pb_get_error ());
    return -1;
  }
  r = open_disks (domain, image_flags);
  pb_domain_free (domain);
  return r;
}
