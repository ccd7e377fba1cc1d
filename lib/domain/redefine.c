/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* redefine.c: the metadata of a checkpoint put back or changed; no bitmap is
 * touched.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "change.h"
#include "cleanup.h"
#include "error.h"
#include "range-check.h"

/* A checkpoint's own <domain> says which disks it had; without one it is taken
 * as it is.
 */
static int
align_disks (struct checkpoint_def *def)
{
  struct domain_def CLEANUP_DOMAIN_DEF own = { 0 };

  if (def->domain == NULL)
    return checkpoint_default_bitmaps (def);
  if (domain_def_parse_xml (&own, "checkpoint XML: domain", def->domain,
                            strlen (def->domain))
      == -1)
    return -1;
  return checkpoint_align (def, &own);
}

/* A bitmap is called as its checkpoint: with another name it would be somebody
 * else's, and be removed together with this one.
 */
static int
check_bitmap_names (const struct checkpoint_def *def)
{
  for (size_t i = 0; i < def->nr_disks; i++)
    if (def->disks[i].kind == CHECKPOINT_DISK_BITMAP
        && strcmp (def->disks[i].bitmap, def->name) != 0) {
      pb_set_error (EINVAL,
                    "bitmap for disk '%s' must match checkpoint name '%s'",
                    def->disks[i].name, def->name);
      return -1;
    }
  return 0;
}

static int
check_uuid (const pb_domain *domain, const struct checkpoint_def *def)
{
  if (def->domain_uuid && domain->def.uuid
      && strcasecmp (def->domain_uuid, domain->def.uuid) != 0) {
    pb_set_error (EINVAL, "definition for checkpoint %s must use uuid %s",
                  def->name, domain->def.uuid);
    return -1;
  }
  return 0;
}

/* What is known of it already, and the new text does not say, stays. */
static int
keep_what_is_known (const struct checkpoint_node *existing,
                    struct checkpoint_def *def)
{
  if (existing == NULL)
    return 0;
  def->independent |= existing->def.independent;
  if (def->domain || existing->def.domain == NULL)
    return 0;
  def->domain = strdup (existing->def.domain);
  if (existing->def.domain_uuid)
    def->domain_uuid = strdup (existing->def.domain_uuid);
  if (def->domain == NULL
      || (existing->def.domain_uuid && def->domain_uuid == NULL)) {
    set_error_errno ("checkpoint %s", def->name);
    return -1;
  }
  return 0;
}

/* Nor does the text say in which images the bitmaps were made. */
static int
keep_images (const struct checkpoint_node *existing, struct checkpoint_def *def)
{
  for (size_t i = 0; existing && i < def->nr_disks; i++) {
    struct checkpoint_disk *disk = &def->disks[i];
    const struct checkpoint_disk *old
      = checkpoint_def_find_disk (&existing->def, disk->name);

    if (disk->kind == CHECKPOINT_DISK_BITMAP && disk->made_in.path == NULL
        && old && old->kind == CHECKPOINT_DISK_BITMAP
        && image_identity_copy (&disk->made_in, &old->made_in) == -1)
      return -1;
  }
  return 0;
}

/* Which bitmaps it has is asked of the tree as it would be. */
static int
validate_disk (const pb_domain *domain, const struct checkpoint_tree *tree,
               const struct checkpoint_node *node,
               const struct domain_disk *disk)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };

  if (domain->driver->inspect (disk, domain_image_flags (domain), &bitmaps)
        == -1
      || bitmap_range_find (&range, &bitmaps, tree, node) == -1)
    return -1;
  if (!range.is_known) {
    pb_set_error (ESTALE,
                  "checkpoint inconsistent: missing or broken bitmap '%s' for "
                  "disk '%s': %s",
                  node->def.name, disk->name, range.reason);
    return -1;
  }
  return 0;
}

/* The tree as it will be. */
static int
load_after (const pb_domain *domain, const struct checkpoint_def *def,
            bool becomes_current, struct store_content *after)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF copy = { 0 };

  if (store_load (&domain->store, after) == -1
      || checkpoint_def_copy (&copy, def) == -1
      || checkpoint_tree_put (&after->tree, &copy) == -1)
    return -1;
  if (becomes_current)
    checkpoint_tree_set_current (
      &after->tree, checkpoint_tree_find (&after->tree, def->name));
  return 0;
}

static int
validate (const pb_domain *domain, const struct checkpoint_tree *after,
          const struct checkpoint_def *def)
{
  const struct checkpoint_node *node = checkpoint_tree_find (after, def->name);

  for (size_t i = 0; i < def->nr_disks; i++) {
    const struct domain_disk *disk
      = domain_def_find_disk (&domain->def, def->disks[i].name);

    if (def->disks[i].kind == CHECKPOINT_DISK_BITMAP && disk && disk->path
        && validate_disk (domain, after, node, disk) == -1)
      return -1;
  }
  return 0;
}

/* Does the new text take a disk's bitmap away from the checkpoint? */
static bool
drops_a_disk (const struct checkpoint_node *existing,
              const struct checkpoint_def *def)
{
  for (size_t i = 0; i < existing->def.nr_disks; i++) {
    const struct checkpoint_disk *old = &existing->def.disks[i];
    const struct checkpoint_disk *new
      = checkpoint_def_find_disk (def, old->name);

    if (old->kind == CHECKPOINT_DISK_BITMAP
        && (new == NULL || new->kind != CHECKPOINT_DISK_BITMAP))
      return true;
  }
  return false;
}

static bool
same_parent (const char *a, const char *b)
{
  return a && b ? strcmp (a, b) == 0 : a == b;
}

/* Where a checkpoint that exists is moved, or loses a disk, others may have
 * found their changes by way of it.
 */
static int
check_others (const pb_domain *domain, const struct checkpoint_node *existing,
              const struct checkpoint_def *def,
              const struct checkpoint_tree *after)
{
  bool drops = drops_a_disk (existing, def);

  if (!drops && same_parent (existing->def.parent, def->parent))
    return 0;
  for (size_t i = 0; i < domain->def.nr_disks; i++) {
    const struct domain_disk *disk = &domain->def.disks[i];
    struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };

    if (disk->path == NULL || disk->unsupported
        || !range_check_is_needed (after, disk->name))
      continue;
    if (domain->driver->inspect (disk, domain_image_flags (domain), &bitmaps)
          == -1
        || range_check (
             &(struct range_state){ &bitmaps, &domain->content.tree },
             &(struct range_state){ &bitmaps, after },
             drops ? 0 : RANGE_CHECK_MAY_BE_FOUND)
             == -1)
      return -1;
  }
  return 0;
}

static int
check_against_tree (const pb_domain *domain,
                    const struct checkpoint_node *existing,
                    const struct checkpoint_def *def, bool becomes_current,
                    unsigned flags)
{
  struct store_content after = { 0 };
  int r = load_after (domain, def, becomes_current, &after);

  if (r == 0 && (flags & PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE))
    r = validate (domain, &after.tree, def);
  if (r == 0 && existing)
    r = check_others (domain, existing, def, &after.tree);
  store_content_clear (&after);
  return r;
}

/* Has one been stopped, other than of a checkpoint whose bitmap stops nobody?
 * It may be an older link of a chain.
 */
static bool
has_stopped_bitmap (const struct checkpoint_tree *tree,
                    const struct disk_bitmaps *bitmaps)
{
  for (size_t i = 0; i < bitmaps->nr_layers; i++) {
    const struct disk_layer *layer = &bitmaps->layers[i];

    for (size_t j = 0; j < layer->nr_bitmaps; j++) {
      const struct checkpoint_node *node
        = checkpoint_tree_find (tree, layer->bitmaps[j].name);

      if (!layer->bitmaps[j].enabled && !(node && node->def.independent))
        return true;
    }
  }
  return false;
}

/* Is each of its bitmaps there, and recording, with none beside it that it may
 * have taken over from?  Then it is of no chain, and if it stops recording some
 * day, that is no chain's doing.  A disk that cannot be looked at leaves that
 * open.
 */
static bool
records_by_itself (const pb_domain *domain, const struct checkpoint_def *def)
{
  bool has_bitmap = false;

  for (size_t i = 0; i < def->nr_disks; i++) {
    struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
    struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };
    const struct domain_disk *disk
      = domain_def_find_disk (&domain->def, def->disks[i].name);

    if (def->disks[i].kind != CHECKPOINT_DISK_BITMAP)
      continue;
    if (disk == NULL || disk->path == NULL || disk->unsupported
        || domain->driver->inspect (disk, domain_image_flags (domain), &bitmaps)
             == -1
        || bitmap_range_independent (&range, &bitmaps, def->disks[i].bitmap)
             == -1
        || !range.is_known
        || has_stopped_bitmap (&domain->content.tree, &bitmaps))
      return false;
    has_bitmap = true;
  }
  return has_bitmap;
}

static bool
becomes_current (const struct checkpoint_tree *tree,
                 const struct checkpoint_def *def, unsigned flags)
{
  if (flags & PB_CHECKPOINT_CREATE_CURRENT)
    return true;
  if (tree->current_is_unknown)
    return false;
  return tree->current == NULL
         || (def->parent && strcmp (def->parent, tree->current->def.name) == 0);
}

pb_checkpoint *
checkpoint_redefine (pb_domain *domain, struct checkpoint_def *def,
                     unsigned flags)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  const struct checkpoint_node *existing
    = checkpoint_tree_find (tree, def->name);
  bool current = becomes_current (tree, def, flags);
  struct commit CLEANUP_COMMIT commit = { 0 };

  if (checkpoint_tree_check_parent (tree, def->name, def->parent) == -1
      || check_uuid (domain, def) == -1
      || keep_what_is_known (existing, def) == -1 || align_disks (def) == -1
      || check_bitmap_names (def) == -1 || keep_images (existing, def) == -1)
    return NULL;
  if (existing && !(flags & PB_CHECKPOINT_CREATE_REPLACE)) {
    pb_set_error (EEXIST,
                  "checkpoint %s exists already; to replace it, say so "
                  "(PB_CHECKPOINT_CREATE_REPLACE)",
                  def->name);
    return NULL;
  }
  if (!(flags & PB_CHECKPOINT_CREATE_REPLACE)
      && change_check_file (domain, def->name) == -1)
    return NULL;
  if (check_against_tree (domain, existing, def, current, flags) == -1)
    return NULL;

  def->independent = def->independent || records_by_itself (domain, def);
  if (change_start (&commit, "redefining checkpoint %s", def->name) == -1
      || change_put_checkpoint (&commit, def) == -1
      || (current && change_set_current (&commit, def->name) == -1)
      || domain_commit (domain, &commit) == -1)
    return NULL;
  return checkpoint_handle_new (domain, def->name);
}
