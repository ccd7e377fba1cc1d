/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* create.c: a new checkpoint, with a bitmap on each of its disks. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "align.h"
#include "change.h"
#include "cleanup.h"
#include "domain.h"
#include "error.h"

#define KNOWN_FLAGS                                                            \
  (PB_CHECKPOINT_CREATE_REDEFINE | PB_CHECKPOINT_CREATE_QUIESCE                \
   | PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE | PB_CHECKPOINT_CREATE_REPLACE     \
   | PB_CHECKPOINT_CREATE_CURRENT)

static int
check_create_flags (unsigned flags)
{
  static const struct {
    unsigned flag;
    const char *name;
  } need_redefine[] = {
    { PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE,
      "PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE" },
    { PB_CHECKPOINT_CREATE_REPLACE, "PB_CHECKPOINT_CREATE_REPLACE" },
    { PB_CHECKPOINT_CREATE_CURRENT, "PB_CHECKPOINT_CREATE_CURRENT" },
  };

  if (check_flags ("pb_checkpoint_create_xml", flags, KNOWN_FLAGS) == -1)
    return -1;
  if ((flags & PB_CHECKPOINT_CREATE_REDEFINE)
      && (flags & PB_CHECKPOINT_CREATE_QUIESCE)) {
    pb_set_error (EINVAL, "Flags 'PB_CHECKPOINT_CREATE_REDEFINE' and "
                          "'PB_CHECKPOINT_CREATE_QUIESCE' are mutually "
                          "exclusive");
    return -1;
  }
  for (size_t i = 0; i < sizeof need_redefine / sizeof need_redefine[0]; i++)
    if ((flags & need_redefine[i].flag)
        && !(flags & PB_CHECKPOINT_CREATE_REDEFINE)) {
      pb_set_error (EINVAL,
                    "Flag 'PB_CHECKPOINT_CREATE_REDEFINE' is required by flag "
                    "'%s'",
                    need_redefine[i].name);
      return -1;
    }
  return 0;
}

/* A checkpoint without a name is called by its time, as libvirt does; a second
 * one in the same second gets a number behind that.
 */
static int
default_name (const struct checkpoint_tree *tree, struct checkpoint_def *def)
{
  int n;

  if (def->name)
    return 0;
  n = asprintf (&def->name, "%llu", (unsigned long long) def->creation_time);
  for (unsigned i = 2; n != -1 && checkpoint_tree_find (tree, def->name); i++) {
    free (def->name);
    n = asprintf (&def->name, "%llu-%u",
                  (unsigned long long) def->creation_time, i);
  }
  if (n == -1) {
    def->name = NULL;
    set_error_errno ("checkpoint");
    return -1;
  }
  return 0;
}

static int
copy_text (char **copy, const char *text)
{
  free (*copy);
  *copy = NULL;
  if (text == NULL || (*copy = strdup (text)) != NULL)
    return 0;
  set_error_errno ("checkpoint");
  return -1;
}

/* What the user's XML cannot say, in libvirt's order. */
static int
complete_def (const pb_domain *domain, struct checkpoint_def *def)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  const struct checkpoint_node *current = tree->current;

  def->creation_time = time (NULL);
  def->has_creation_time = true;
  def->independent = true;
  if (default_name (tree, def) == -1
      || copy_text (&def->domain, domain->def.xml) == -1
      || copy_text (&def->domain_uuid, domain->def.uuid) == -1
      || checkpoint_align (def, &domain->def) == -1
      || checkpoint_check_bitmaps (def, &domain->def) == -1
      || copy_text (&def->parent, current ? current->def.name : NULL) == -1)
    return -1;

  if (checkpoint_tree_find (tree, def->name)) {
    pb_set_error (EEXIST, "domain moment %s already exists", def->name);
    return -1;
  }
  if (change_check_file (domain, def->name) == -1)
    return -1;
  if (tree->current_is_unknown) {
    domain_set_current_unknown_error (domain);
    return -1;
  }
  return 0;
}

/* Add to COLLISIONS each image of the disk that has a bitmap NAME already: one
 * in a layer below would count as a part of the new one.
 */
static int
find_collisions (const struct disk_bitmaps *bitmaps, const char *name,
                 FILE *collisions, size_t *count)
{
  for (size_t i = 0; i < bitmaps->nr_layers; i++) {
    const struct disk_layer *layer = &bitmaps->layers[i];

    if (layer->damage) {
      pb_set_error (EIO,
                    "disk %s: %s: its bitmaps are damaged (%s), so none can "
                    "be added; see qemu-img check",
                    bitmaps->disk, layer->path, layer->damage);
      return -1;
    }
    if (disk_layer_find (layer, name))
      fprintf (collisions, "%s%s", (*count)++ > 0 ? ", " : "", layer->path);
  }
  return 0;
}

/* Can the disk of ENTRY have a bitmap NAME now?  Then it is said where. */
static int
check_disk (const pb_domain *domain, struct checkpoint_disk *entry,
            const char *name, FILE *collisions, size_t *count)
{
  const struct domain_disk *disk
    = domain_def_find_disk (&domain->def, entry->name);
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  unsigned image_flags = domain_image_flags (domain);

  if (disk->unsupported) {
    pb_set_error (ENOTSUP, "disk %s: %s", disk->name, disk->unsupported);
    return -1;
  }
  if (domain->driver->inspect (disk, image_flags, &bitmaps) == -1
      || domain->driver->check_writable (disk, disk->path, image_flags) == -1
      || image_identity_copy (&entry->made_in, &bitmaps.layers[0].identity)
           == -1)
    return -1;
  return find_collisions (&bitmaps, name, collisions, count);
}

/* All disks are looked at before any is changed, so that one message names
 * every image that is in the way.
 */
static int
check_disks (const pb_domain *domain, struct checkpoint_def *def)
{
  char *CLEANUP_FREE list = NULL;
  size_t size, count = 0;
  int r = 0;
  FILE *collisions = open_memstream (&list, &size);

  if (collisions == NULL) {
    set_error_errno ("checkpoint %s", def->name);
    return -1;
  }
  for (size_t i = 0; r == 0 && i < def->nr_disks; i++)
    if (def->disks[i].kind == CHECKPOINT_DISK_BITMAP)
      r = check_disk (domain, &def->disks[i], def->name, collisions, &count);
  fclose (collisions);
  if (r == 0 && count > 0) {
    pb_set_error (EEXIST,
                  "checkpoint %s: Bitmap already exists: %s, in %s; choose "
                  "another name, or adopt or remove what is there "
                  "(pb_domain_repair)",
                  def->name, def->name, list ? list : "?");
    r = -1;
  }
  return r;
}

static int
add_bitmaps (const pb_domain *domain, const struct checkpoint_def *def,
             struct commit *commit)
{
  for (size_t i = 0; i < def->nr_disks; i++) {
    const struct domain_disk *disk
      = domain_def_find_disk (&domain->def, def->disks[i].name);
    struct bitmap_action action
      = { .kind = BITMAP_ACTION_ADD, .granularity = domain->granularity };

    if (def->disks[i].kind != CHECKPOINT_DISK_BITMAP)
      continue;
    action.disk = disk->name;
    action.path = disk->path;
    action.bitmap = def->disks[i].bitmap;
    if (commit_add_before (commit, &action) == -1)
      return -1;
  }
  return 0;
}

static pb_checkpoint *
create (pb_domain *domain, struct checkpoint_def *def)
{
  struct commit CLEANUP_COMMIT commit = { 0 };

  if (complete_def (domain, def) == -1 || check_disks (domain, def) == -1
      || change_start (&commit, "creating checkpoint %s", def->name) == -1
      || add_bitmaps (domain, def, &commit) == -1
      || change_put_checkpoint (&commit, def) == -1
      || change_set_current (&commit, def->name) == -1
      || domain_commit (domain, &commit) == -1)
    return NULL;
  return checkpoint_handle_new (domain, def->name);
}

pb_checkpoint *
pb_checkpoint_create_xml (pb_domain *domain, const char *xml, unsigned flags)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };
  bool redefine = flags & PB_CHECKPOINT_CREATE_REDEFINE;

  if (check_not_null (__func__, "domain", domain) == -1
      || check_not_null (__func__, "xml", xml) == -1
      || check_create_flags (flags) == -1
      || domain_check_writable (__func__, domain) == -1)
    return NULL;
  if (flags & PB_CHECKPOINT_CREATE_QUIESCE) {
    pb_set_error (ENOTSUP,
                  "domain %s: its disks are at rest: there is no guest that "
                  "could freeze its file systems",
                  domain->name);
    return NULL;
  }
  if (checkpoint_def_parse (&def, "checkpoint XML", xml, strlen (xml),
                            redefine ? CHECKPOINT_PARSE_REDEFINE : 0)
      == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&domain->lock);
  return redefine ? checkpoint_redefine (domain, &def, flags)
                  : create (domain, &def);
}
