/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain-def.c: what a domain is. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "domain-def.h"
#include "error.h"

void
domain_disk_clear (struct domain_disk *disk)
{
  free (disk->name);
  free (disk->path);
  free (disk->source);
  free (disk->format);
  free (disk->unsupported);
  *disk = (struct domain_disk) { .name = NULL };
}

void
domain_def_clear (struct domain_def *def)
{
  free (def->name);
  free (def->uuid);
  free (def->xml);
  for (size_t i = 0; i < def->nr_disks; i++)
    domain_disk_clear (&def->disks[i]);
  free (def->disks);
  *def = (struct domain_def) { .name = NULL };
}

const struct domain_disk *
domain_def_find_disk (const struct domain_def *def, const char *name)
{
  for (size_t i = 0; i < def->nr_disks; i++)
    if (strcmp (def->disks[i].name, name) == 0)
      return &def->disks[i];
  return NULL;
}

static const char *
shown_source (const struct domain_disk *disk)
{
  return disk->source ? disk->source : "(empty)";
}

int
domain_def_add_disk (struct domain_def *def, struct domain_disk *disk)
{
  const struct domain_disk *other = domain_def_find_disk (def, disk->name);
  struct domain_disk *disks;

  if (other) {
    pb_set_error (EINVAL, "target '%s' duplicated for disk sources '%s' and "
                  "'%s'",
                  disk->name, shown_source (other), shown_source (disk));
    return -1;
  }
  if (def->nr_disks == DOMAIN_DISKS_MAX) {
    pb_set_error (EINVAL, "more than %d disks", DOMAIN_DISKS_MAX);
    return -1;
  }
  disks = reallocarray (def->disks, def->nr_disks + 1, sizeof disks[0]);
  if (disks == NULL) {
    set_error_errno ("disk %s", disk->name);
    return -1;
  }
  def->disks = disks;
  def->disks[def->nr_disks++] = *disk;
  *disk = (struct domain_disk) { .name = NULL };
  return 0;
}
