/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* examine.c: the tree, the state folder and the bitmaps of every disk, held
 * against each other.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "cleanup.h"
#include "error.h"
#include "findings.h"
#include "shared-layer.h"

static int
examine_journal (const pb_domain *domain, pb_findings *findings)
{
  struct pb_finding finding = { .kind = PB_FINDING_UNFINISHED_COMMIT };
  struct commit CLEANUP_COMMIT commit = { 0 };
  char *CLEANUP_FREE text = NULL;
  size_t count;

  text = store_read_file (&domain->store, "journal.xml", &count);
  if (text == NULL && pb_get_errno () == ENOENT)
    return 0;
  finding.path = domain->store.path;
  if (text == NULL || commit_parse (&commit, "journal.xml", text, count) == -1)
    return findings_add (findings, &finding, NULL,
                         "a change was interrupted, and its journal cannot "
                         "be read; if it is damaged, move that file away: %s",
                         pb_get_error ());
  return findings_add (findings, &finding,
                       "finish it, or undo it, now that its disks are free",
                       "%s was interrupted, and waits to be finished or "
                       "undone",
                       commit.what);
}

static int
examine_files (const pb_domain *domain, pb_findings *findings)
{
  for (size_t i = 0; i < domain->content.nr_problems; i++) {
    const struct store_problem *problem = &domain->content.problems[i];
    struct pb_finding finding
      = { .kind = PB_FINDING_UNREADABLE_FILE, .path = problem->path };

    if (findings_add (findings, &finding, NULL, "%s", problem->reason) == -1)
      return -1;
  }
  return 0;
}

static int
examine_relation (const pb_domain *domain, const struct checkpoint_node *node,
                  pb_findings *findings)
{
  const struct checkpoint_def *def = &node->def;
  struct pb_finding finding = { .checkpoint = def->name };

  if (node->relation == CHECKPOINT_RELATION_MISSING_PARENT) {
    finding.kind = PB_FINDING_MISSING_PARENT;
    if (findings_add (findings, &finding, "make it one without a parent",
                      "its parent '%s' is not there", def->parent)
        == -1)
      return -1;
  }
  if (node->relation == CHECKPOINT_RELATION_CYCLE) {
    finding.kind = PB_FINDING_CYCLE;
    if (findings_add (findings, &finding, NULL,
                      "it is its own ancestor, through its parent '%s'; "
                      "redefine it with the right parent, or none",
                      def->parent)
        == -1)
      return -1;
  }
  if (checkpoint_node_is_foreign (&domain->content.tree, node)) {
    finding.kind = PB_FINDING_FOREIGN_DOMAIN;
    if (findings_add (findings, &finding, NULL,
                      "it is of the domain with uuid %s, and this one is %s",
                      def->domain_uuid, domain->def.uuid)
        == -1)
      return -1;
  }
  return 0;
}

static int
examine_disks_of (const pb_domain *domain, const struct checkpoint_node *node,
                  pb_findings *findings)
{
  for (size_t i = 0; i < node->def.nr_disks; i++) {
    const struct checkpoint_disk *entry = &node->def.disks[i];
    struct pb_finding finding = { .kind = PB_FINDING_DISK_UNKNOWN,
                                  .checkpoint = node->def.name,
                                  .disk = entry->name };

    if (entry->kind == CHECKPOINT_DISK_BITMAP
        && domain_def_find_disk (&domain->def, entry->name) == NULL
        && findings_add (findings, &finding, NULL,
                         "the domain has no disk '%s' any more", entry->name)
             == -1)
      return -1;
  }
  return 0;
}

static int
examine_current (const pb_domain *domain, pb_findings *findings)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  struct pb_finding finding = { .kind = PB_FINDING_CURRENT_UNKNOWN };
  struct checkpoint_node **leaves;
  size_t count;
  int r;

  if (!tree->current_is_unknown)
    return 0;
  leaves = checkpoint_tree_list (tree, NULL, CHECKPOINT_SELECT_LEAVES, &count);
  if (leaves == NULL)
    return -1;
  finding.checkpoint = count == 1 ? leaves[0]->def.name : NULL;
  r = findings_add (
    findings, &finding, count == 1 ? "make the only leaf current" : NULL,
    "it is not known which checkpoint is current, and so what the next one "
    "would follow; %zu have no children",
    count);
  free (leaves);
  return r;
}

/* What a repair does where a bitmap cannot be used any more.  Where the tree
 * is what is wrong, or a bitmap without a checkpoint, that is to be put right
 * first, and has a finding of its own.
 */
static const char *
repair_of_bitmap (enum pb_finding_kind kind)
{
  switch (kind) {
  case PB_FINDING_BITMAP_MISSING:
  case PB_FINDING_BITMAP_IN_USE:
  case PB_FINDING_BITMAP_DAMAGED:
  case PB_FINDING_BITMAP_DISABLED:
  case PB_FINDING_BITMAP_GAP:
    return "take the disk out of the checkpoint, and remove what is left of "
           "its bitmap: the next backup of the disk that would start from "
           "there is a full one";
  default:
    return NULL;
  }
}

/* What has changed on the disk since each checkpoint that has a bitmap there:
 * is it known?
 */
static int
examine_ranges (const pb_domain *domain, const struct disk_bitmaps *bitmaps,
                pb_findings *findings)
{
  const struct checkpoint_tree *tree = &domain->content.tree;

  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const struct checkpoint_node *node = tree->nodes[i];
    const char *bitmap = checkpoint_node_bitmap (node, bitmaps->disk);
    struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };
    struct pb_finding finding
      = { .checkpoint = node->def.name, .disk = bitmaps->disk };

    if (bitmap == NULL)
      continue;
    if (bitmap_range_find (&range, bitmaps, tree, node) == -1)
      return -1;
    if (range.is_known || range.kind == PB_FINDING_FOREIGN_DOMAIN)
      continue; /* the latter is a finding about the checkpoint */
    finding.kind = range.kind;
    finding.bitmap = bitmap;
    if (findings_add (findings, &finding, repair_of_bitmap (range.kind), "%s",
                      range.reason)
        == -1)
      return -1;
  }
  return 0;
}

/* Layers that count changes in granules of another size are right, but coarse.
 */
static int
examine_granularity (const struct disk_bitmaps *bitmaps,
                     const struct layer_bitmap *bitmap, pb_findings *findings)
{
  struct pb_finding finding = { .kind = PB_FINDING_BITMAP_GRANULARITY,
                                .disk = bitmaps->disk,
                                .bitmap = bitmap->name };

  for (size_t i = 1; i < bitmaps->nr_layers; i++) {
    const struct layer_bitmap *below
      = disk_layer_find (&bitmaps->layers[i], bitmap->name);

    if (below == NULL || below->granularity == bitmap->granularity)
      continue;
    finding.path = bitmaps->layers[i].path;
    return findings_add (findings, &finding, NULL,
                         "has granularity %llu here, and %llu in the top "
                         "layer; nothing is lost, but backups may be larger "
                         "than they need be",
                         (unsigned long long) below->granularity,
                         (unsigned long long) bitmap->granularity);
  }
  return 0;
}

static bool
has_owner (const struct checkpoint_tree *tree, const char *disk,
           const char *bitmap)
{
  for (size_t i = 0; i < tree->nr_nodes; i++) {
    const char *own = checkpoint_node_bitmap (tree->nodes[i], disk);

    if (own && strcmp (own, bitmap) == 0)
      return true;
  }
  return false;
}

/* Could the bitmap NAME, which has no checkpoint, become one?  *AGAINST becomes
 * the reason why not, freed by the caller, or NULL.
 */
static int
judge_adoption (const struct disk_bitmaps *bitmaps, size_t layer,
                const char *name, char **against)
{
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };
  const char *why = NULL;

  if (layer > 0)
    why = "only one of the disk's top layer can";
  else if (checkpoint_name_check ("checkpoint", name) == -1
           || bitmap_range_independent (&range, bitmaps, name) == -1)
    why = pb_get_error ();
  else if (!range.is_known)
    why = range.reason;
  *against = why ? strdup (why) : NULL;
  if (why && *against == NULL) {
    set_error_errno ("bitmap %s", name);
    return -1;
  }
  return 0;
}

/* Unless it belongs to a checkpoint by way of another disk.  Where that cannot
 * be told, nothing may become of it.
 */
static int
examine_orphan (const pb_domain *domain, const struct disk_bitmaps *bitmaps,
                size_t layer, const struct layer_bitmap *bitmap,
                unsigned flags, pb_findings *findings)
{
  struct pb_finding finding = { .kind = PB_FINDING_BITMAP_ORPHAN,
                                .disk = bitmaps->disk,
                                .path = bitmaps->layers[layer].path,
                                .bitmap = bitmap->name };
  char *CLEANUP_FREE against = NULL;
  int r = shared_layer_has_owner (domain, finding.disk, finding.path,
                                  finding.bitmap);

  if (r == 1)
    return 0;
  if (r == -1)
    return findings_add (findings, &finding, NULL,
                         "no checkpoint of this disk has this bitmap; %s",
                         pb_get_error ());
  if (flags & PB_DOMAIN_REPAIR_ADOPT) {
    if (judge_adoption (bitmaps, layer, bitmap->name, &against) == -1)
      return -1;
    if (against)
      return findings_add (findings, &finding, NULL,
                           "no checkpoint has this bitmap, and it cannot "
                           "become one: %s",
                           against);
  }
  return findings_add (findings, &finding,
                       flags & PB_DOMAIN_REPAIR_REMOVE  ? "remove the bitmap"
                       : flags & PB_DOMAIN_REPAIR_ADOPT ? "make a checkpoint "
                                                          "of it"
                                                        : NULL,
                       "no checkpoint has this bitmap%s%s",
                       bitmap->reason ? ", and " : "",
                       bitmap->reason ? bitmap->reason : "");
}

static int
examine_layer (const pb_domain *domain, const struct disk_bitmaps *bitmaps,
               size_t index, unsigned flags, pb_findings *findings)
{
  const struct disk_layer *layer = &bitmaps->layers[index];

  for (size_t i = 0; i < layer->nr_bitmaps; i++) {
    const struct layer_bitmap *bitmap = &layer->bitmaps[i];
    int r = 0;

    if (!has_owner (&domain->content.tree, bitmaps->disk, bitmap->name))
      r = examine_orphan (domain, bitmaps, index, bitmap, flags, findings);
    else if (index == 0)
      r = examine_granularity (bitmaps, bitmap, findings);
    if (r == -1)
      return -1;
  }
  return 0;
}

static bool
is_in_a_checkpoint (const struct checkpoint_tree *tree, const char *disk)
{
  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (checkpoint_node_bitmap (tree->nodes[i], disk))
      return true;
  return false;
}

/* A disk that we cannot use is nothing wrong by itself: guests may have any. */
static int
examine_disk (const pb_domain *domain, const struct domain_disk *disk,
              unsigned flags, pb_findings *findings)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct pb_finding finding = { .kind = PB_FINDING_DISK_UNREADABLE,
                                .disk = disk->name,
                                .path = disk->path };

  if (disk->path == NULL)
    return 0;
  if (disk->unsupported)
    return is_in_a_checkpoint (&domain->content.tree, disk->name)
             ? findings_add (findings, &finding, NULL, "%s", disk->unsupported)
             : 0;
  if (domain->driver->inspect (disk, domain_image_flags (domain), &bitmaps)
      == -1)
    return findings_add (findings, &finding, NULL, "%s", pb_get_error ());
  if (examine_ranges (domain, &bitmaps, findings) == -1)
    return -1;
  for (size_t i = 0; i < bitmaps.nr_layers; i++)
    if (examine_layer (domain, &bitmaps, i, flags, findings) == -1)
      return -1;
  return 0;
}

static int
examine_all (const pb_domain *domain, unsigned flags, pb_findings *findings)
{
  const struct checkpoint_tree *tree = &domain->content.tree;

  if (examine_journal (domain, findings) == -1
      || examine_files (domain, findings) == -1
      || examine_current (domain, findings) == -1)
    return -1;
  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (examine_relation (domain, tree->nodes[i], findings) == -1
        || examine_disks_of (domain, tree->nodes[i], findings) == -1)
      return -1;
  if (flags & PB_DOMAIN_EXAMINE_NO_IMAGES)
    return 0;
  for (size_t i = 0; i < domain->def.nr_disks; i++)
    if (examine_disk (domain, &domain->def.disks[i], flags, findings) == -1)
      return -1;
  return 0;
}

pb_findings *
domain_examine (pb_domain *domain, unsigned flags)
{
  pb_findings *findings = calloc (1, sizeof *findings);

  if (findings == NULL) {
    set_error_errno ("domain %s", domain->name);
    return NULL;
  }
  if (examine_all (domain, flags, findings) == -1) {
    pb_findings_free (findings);
    return NULL;
  }
  return findings;
}

int
check_repair_flags (const char *function, unsigned flags)
{
  unsigned both = PB_DOMAIN_REPAIR_ADOPT | PB_DOMAIN_REPAIR_REMOVE;

  if (check_flags (function, flags, both) == -1)
    return -1;
  if (flags == both) {
    pb_set_error (EINVAL,
                  "%s: Flags 'PB_DOMAIN_REPAIR_ADOPT' and "
                  "'PB_DOMAIN_REPAIR_REMOVE' are mutually exclusive",
                  function);
    return -1;
  }
  return 0;
}

pb_findings *
pb_domain_examine (pb_domain *domain, unsigned flags)
{
  if (check_not_null (__func__, "domain", domain) == -1
      || check_repair_flags (__func__,
                             flags & ~(unsigned) PB_DOMAIN_EXAMINE_NO_IMAGES)
           == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&domain->lock);
  return domain_examine (domain, flags);
}
