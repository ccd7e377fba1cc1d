/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-def.c: what a checkpoint is. */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "checkpoint-def.h"
#include "error.h"
#include "names.h"

static void
disk_clear (struct checkpoint_disk *disk)
{
  free (disk->name);
  free (disk->bitmap);
  image_identity_clear (&disk->made_in);
}

void
checkpoint_def_clear (struct checkpoint_def *def)
{
  free (def->name);
  free (def->description);
  free (def->parent);
  for (size_t i = 0; i < def->nr_disks; i++)
    disk_clear (&def->disks[i]);
  free (def->disks);
  free (def->domain);
  free (def->domain_uuid);
  *def = (struct checkpoint_def) { .name = NULL };
}

/* NULL is copied as NULL. */
static int
copy_string (char **copy, const char *text)
{
  if (text == NULL)
    return 0;
  *copy = strdup (text);
  return *copy ? 0 : -1;
}

static int
copy_disk (struct checkpoint_disk *copy, const struct checkpoint_disk *disk)
{
  *copy = *disk;
  copy->name = copy->bitmap = copy->made_in.path = NULL;
  if (image_identity_copy (&copy->made_in, &disk->made_in) == -1
      || copy_string (&copy->name, disk->name) == -1
      || copy_string (&copy->bitmap, disk->bitmap) == -1)
    return -1;
  return 0;
}

static int
copy_disks (struct checkpoint_def *copy, const struct checkpoint_def *def)
{
  if (def->nr_disks == 0)
    return 0;
  copy->disks = calloc (def->nr_disks, sizeof copy->disks[0]);
  if (copy->disks == NULL)
    return -1;
  for (size_t i = 0; i < def->nr_disks; i++) {
    copy->nr_disks++; /* also where it fails: what there is must be freed */
    if (copy_disk (&copy->disks[i], &def->disks[i]) == -1)
      return -1;
  }
  return 0;
}

int
checkpoint_def_copy (struct checkpoint_def *copy,
                     const struct checkpoint_def *def)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF new = {
    .has_creation_time = def->has_creation_time,
    .creation_time = def->creation_time,
    .has_disks = def->has_disks,
    .independent = def->independent,
  };

  if (copy_string (&new.name, def->name) == -1
      || copy_string (&new.description, def->description) == -1
      || copy_string (&new.parent, def->parent) == -1
      || copy_string (&new.domain, def->domain) == -1
      || copy_string (&new.domain_uuid, def->domain_uuid) == -1
      || copy_disks (&new, def) == -1) {
    set_error_errno ("checkpoint %s", def->name ? def->name : "");
    return -1;
  }
  *copy = new;
  new = (struct checkpoint_def) { .name = NULL };
  return 0;
}

int
checkpoint_name_check (const char *what, const char *name)
{
  if (name[0] == '\0') {
    pb_set_error (EINVAL, "%s name: is empty", what);
    return -1;
  }
  if (name[0] == '.' || name[strspn (name, NAME_CHARACTERS)] != '\0') {
    pb_set_error (EINVAL,
                  "%s name '%s': is not made of letters, digits, '_', '-' "
                  "and '.', the first one not '.'",
                  what, name);
    return -1;
  }
  if (strlen (name) > CHECKPOINT_NAME_MAX) {
    pb_set_error (EINVAL, "%s name '%s': is longer than %d characters", what,
                  name, CHECKPOINT_NAME_MAX);
    return -1;
  }
  return 0;
}

const struct checkpoint_disk *
checkpoint_def_find_disk (const struct checkpoint_def *def, const char *name)
{
  for (size_t i = 0; i < def->nr_disks; i++)
    if (strcmp (def->disks[i].name, name) == 0)
      return &def->disks[i];
  return NULL;
}

int
checkpoint_def_add_disk (struct checkpoint_def *def, const char *name,
                         enum checkpoint_disk_kind kind, const char *bitmap)
{
  const struct checkpoint_disk disk = {
    .name = (char *) name,
    .kind = kind,
    .bitmap = (char *) bitmap,
  };
  struct checkpoint_disk copy;
  struct checkpoint_disk *disks
    = reallocarray (def->disks, def->nr_disks + 1, sizeof disks[0]);

  if (disks)
    def->disks = disks;
  if (disks == NULL || copy_disk (&copy, &disk) == -1) {
    set_error_errno ("disk %s", name);
    if (disks)
      disk_clear (&copy);
    return -1;
  }
  def->disks[def->nr_disks++] = copy;
  return 0;
}

int
checkpoint_def_set_disk (struct checkpoint_def *def, const char *name,
                         enum checkpoint_disk_kind kind, const char *bitmap)
{
  for (size_t i = 0; i < def->nr_disks; i++) {
    struct checkpoint_disk disk
      = { .name = (char *) name, .kind = kind, .bitmap = (char *) bitmap };
    struct checkpoint_disk copy;

    if (strcmp (def->disks[i].name, name) != 0)
      continue;
    if (copy_disk (&copy, &disk) == -1) {
      set_error_errno ("disk %s", name);
      disk_clear (&copy);
      return -1;
    }
    disk_clear (&def->disks[i]);
    def->disks[i] = copy;
    return 0;
  }
  return checkpoint_def_add_disk (def, name, kind, bitmap);
}
