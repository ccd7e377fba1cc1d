/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* repair.c: what is wrong with a domain, put right. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "change.h"
#include "cleanup.h"
#include "drop-disk.h"
#include "error.h"
#include "findings.h"
#include "range-check.h"

/* Write one checkpoint with another parent: NULL, none. */
static int
make_root (pb_domain *domain, const char *name)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };
  struct commit CLEANUP_COMMIT commit = { 0 };
  const struct checkpoint_node *node
    = checkpoint_tree_find (&domain->content.tree, name);

  if (checkpoint_def_copy (&def, &node->def) == -1)
    return -1;
  free (def.parent);
  def.parent = NULL;
  if (change_start (&commit, "making checkpoint %s one without a parent", name)
        == -1
      || change_put_checkpoint (&commit, &def) == -1)
    return -1;
  return domain_commit (domain, &commit);
}

static int
make_current (pb_domain *domain, const char *name)
{
  struct commit CLEANUP_COMMIT commit = { 0 };

  if (change_start (&commit, "making checkpoint %s current", name) == -1
      || change_set_current (&commit, name) == -1)
    return -1;
  return domain_commit (domain, &commit);
}

/* A bitmap whose lower layers are gone would seem whole, should it be adopted,
 * or its checkpoint be redefined.
 */
static int
check_layers_above (const struct disk_bitmaps *bitmaps, const char *path,
                    const char *bitmap)
{
  for (size_t i = 0; i < bitmaps->nr_layers; i++) {
    const struct disk_layer *layer = &bitmaps->layers[i];

    if (strcmp (layer->path, path) == 0)
      return 0;
    if (disk_layer_find (layer, bitmap)) {
      pb_set_error (EBUSY,
                    "%s: bitmap %s: the layer above, %s, has it as well, and "
                    "would seem to have all of it; remove it there first",
                    path, bitmap, layer->path);
      return -1;
    }
  }
  return 0;
}

/* A bitmap without a checkpoint may be a forgotten part of a chain: while it is
 * there, that chain is known to be broken.
 */
static int
check_removal (const pb_domain *domain, const struct domain_disk *disk,
               const char *path, const char *bitmap)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct disk_bitmaps CLEANUP_DISK_BITMAPS left = { 0 };

  if (domain->driver->inspect (disk, domain_image_flags (domain), &bitmaps)
        == -1
      || check_layers_above (&bitmaps, path, bitmap) == -1
      || disk_bitmaps_without (&left, &bitmaps, &bitmap, 1) == -1)
    return -1;
  return range_check (&(struct range_state){ &bitmaps, tree },
                      &(struct range_state){ &left, tree }, 0);
}

static int
remove_bitmap (pb_domain *domain, const struct pb_finding *finding)
{
  struct commit CLEANUP_COMMIT commit = { 0 };
  struct bitmap_action action = { .kind = BITMAP_ACTION_REMOVE,
                                  .disk = (char *) finding->disk,
                                  .path = (char *) finding->path,
                                  .bitmap = (char *) finding->bitmap };
  const struct domain_disk *disk
    = domain_def_find_disk (&domain->def, finding->disk);

  if (check_removal (domain, disk, finding->path, finding->bitmap) == -1
      || domain->driver->check_writable (disk, finding->path,
                                         domain_image_flags (domain))
           == -1
      || change_start (&commit, "removing bitmap %s", finding->bitmap) == -1
      || commit_add_after (&commit, &action) == -1)
    return -1;
  return domain_commit (domain, &commit);
}

/* Where other disks' bitmaps of this name were adopted before, the disk joins
 * their checkpoint.
 */
static int
start_adopted (const pb_domain *domain, const char *name,
               struct checkpoint_def *def)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  const struct checkpoint_node *existing = checkpoint_tree_find (tree, name);

  if (existing)
    return checkpoint_def_copy (def, &existing->def);

  def->creation_time = time (NULL);
  def->has_creation_time = true;
  def->independent = true;
  def->has_disks = true;
  def->name = strdup (name);
  if (tree->current)
    def->parent = strdup (tree->current->def.name);
  if (domain->def.xml)
    def->domain = strdup (domain->def.xml);
  if (domain->def.uuid)
    def->domain_uuid = strdup (domain->def.uuid);
  if (def->name == NULL || (tree->current && def->parent == NULL)
      || (domain->def.xml && def->domain == NULL)
      || (domain->def.uuid && def->domain_uuid == NULL)) {
    set_error_errno ("checkpoint %s", name);
    return -1;
  }
  for (size_t i = 0; i < domain->def.nr_disks; i++)
    if (checkpoint_def_add_disk (def, domain->def.disks[i].name,
                                 CHECKPOINT_DISK_NO, NULL)
        == -1)
      return -1;
  return 0;
}

/* What it records began when it was made, which nobody knows any more; a new
 * checkpoint takes its place after the current one.
 */
static int
adopt_bitmap (pb_domain *domain, const struct pb_finding *finding)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  bool is_new = checkpoint_tree_find (tree, finding->bitmap) == NULL;
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };
  struct commit CLEANUP_COMMIT commit = { 0 };

  if (start_adopted (domain, finding->bitmap, &def) == -1
      || checkpoint_def_set_disk (&def, finding->disk, CHECKPOINT_DISK_BITMAP,
                                  finding->bitmap)
           == -1
      || change_start (&commit, "adopting bitmap %s", finding->bitmap) == -1
      || change_put_checkpoint (&commit, &def) == -1
      || (is_new && !tree->current_is_unknown
          && change_set_current (&commit, finding->bitmap) == -1))
    return -1;
  return domain_commit (domain, &commit);
}

static int
repair (pb_domain *domain, const struct pb_finding *finding, unsigned flags)
{
  switch (finding->kind) {
  case PB_FINDING_UNFINISHED_COMMIT:
    return domain_recover (domain);
  case PB_FINDING_MISSING_PARENT:
    return make_root (domain, finding->checkpoint);
  case PB_FINDING_CURRENT_UNKNOWN:
    return make_current (domain, finding->checkpoint);
  case PB_FINDING_BITMAP_MISSING:
  case PB_FINDING_BITMAP_IN_USE:
  case PB_FINDING_BITMAP_DAMAGED:
  case PB_FINDING_BITMAP_DISABLED:
  case PB_FINDING_BITMAP_GAP:
    return domain_drop_disk (domain, finding->checkpoint, finding->disk);
  case PB_FINDING_BITMAP_ORPHAN:
    return flags & PB_DOMAIN_REPAIR_ADOPT ? adopt_bitmap (domain, finding)
                                          : remove_bitmap (domain, finding);
  case PB_FINDING_UNREADABLE_FILE:
  case PB_FINDING_CYCLE:
  case PB_FINDING_FOREIGN_DOMAIN:
  case PB_FINDING_DISK_UNKNOWN:
  case PB_FINDING_DISK_UNREADABLE:
  case PB_FINDING_BITMAP_GRANULARITY:
  case PB_FINDING_IMAGE_REPLACED:
    break;
  }
  pb_set_error (ENOTSUP, "%s: there is no repair for this: %s",
                pb_finding_kind_name (finding->kind), finding->text);
  return -1;
}

/* Is it still so?  The names of a finding are a caller's, and are nothing that
 * could be trusted before this.
 */
static const struct pb_finding *
find_again (const pb_findings *findings, const struct pb_finding *finding)
{
  for (size_t i = 0; i < findings->count; i++)
    if (findings_are_equal (&findings->list[i], finding)) {
      if (findings->list[i].repair)
        return &findings->list[i];
      pb_set_error (ENOTSUP, "%s: there is no repair for this: %s",
                    pb_finding_kind_name (finding->kind),
                    findings->list[i].text);
      return NULL;
    }
  pb_set_error (ESTALE, "%s: this is not so any more",
                pb_finding_kind_name (finding->kind));
  return NULL;
}

int
pb_domain_repair (pb_domain *domain, const struct pb_finding *finding,
                  unsigned flags)
{
  const struct pb_finding *again;
  pb_findings *findings;
  int r = -1;

  if (check_not_null (__func__, "domain", domain) == -1
      || check_not_null (__func__, "finding", finding) == -1
      || check_repair_flags (__func__, flags) == -1
      || domain_check_writable (__func__, domain) == -1)
    return -1;

  LOCK_CURRENT_SCOPE (&domain->lock);
  findings = domain_examine (domain, flags);
  if (findings == NULL)
    return -1;
  again = find_again (findings, finding);
  if (again)
    r = repair (domain, again, flags);
  pb_findings_free (findings);
  return r;
}
