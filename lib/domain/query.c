/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* query.c: what changed since a checkpoint, and its description. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bitmap.h"
#include "cleanup.h"
#include "error.h"
#include "query.h"

const struct domain_disk *
domain_get_image_disk (const pb_domain *domain, const char *name)
{
  const struct domain_disk *disk = domain_def_find_disk (&domain->def, name);

  if (disk == NULL) {
    pb_set_error (ENOENT, "domain %s: no disk named '%s'", domain->name, name);
    return NULL;
  }
  if (disk->unsupported) {
    pb_set_error (ENOTSUP, "disk %s: %s", name, disk->unsupported);
    return NULL;
  }
  if (disk->path == NULL) {
    pb_set_error (ENOTSUP, "disk %s: is an empty drive", name);
    return NULL;
  }
  return disk;
}

int
checkpoint_find_range (const pb_domain *domain,
                       const struct checkpoint_node *node,
                       const struct domain_disk *disk,
                       struct disk_bitmaps *bitmaps, struct bitmap_range *range)
{
  if (domain->driver->inspect (disk, domain_image_flags (domain), bitmaps)
      == -1) {
    prefix_error ("disk %s", disk->name);
    return -1;
  }
  return bitmap_range_find (range, bitmaps, &domain->content.tree, node);
}

/* The bitmap, or NULL with *IS_KNOWN false where nobody can know, or NULL for
 * an error.
 */
static pb_bitmap *
load_changes (const pb_domain *domain, const struct checkpoint_node *node,
              const struct domain_disk *disk, bool *is_known)
{
  struct disk_bitmaps CLEANUP_DISK_BITMAPS bitmaps = { 0 };
  struct bitmap_range CLEANUP_BITMAP_RANGE range = { 0 };

  *is_known = true;
  if (checkpoint_find_range (domain, node, disk, &bitmaps, &range) == -1)
    return NULL;
  if (!range.is_known) {
    *is_known = false;
    pb_set_error (ESTALE,
                  "disk %s: what has changed since checkpoint %s is not "
                  "known: %s; take a full backup",
                  disk->name, node->def.name, range.reason);
    return NULL;
  }
  return domain->driver->load_range (disk, domain_image_flags (domain),
                                     &bitmaps, &range);
}

pb_extents *
pb_checkpoint_dirty_extents (pb_checkpoint *checkpoint, const char *name,
                             uint64_t offset, uint64_t length)
{
  const struct checkpoint_node *node;
  const struct domain_disk *disk;
  pb_bitmap *bitmap;
  bool is_known;

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_not_null (__func__, "name", name) == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  node = checkpoint_handle_node (checkpoint);
  if (node == NULL)
    return NULL;
  disk = domain_get_image_disk (checkpoint->domain, name);
  if (disk == NULL)
    return NULL;
  bitmap = load_changes (checkpoint->domain, node, disk, &is_known);
  return bitmap ? bitmap_extents_owned (bitmap, offset, length) : NULL;
}

/* Left out where it is not known, and where the domain has the disk no more, as
 * libvirt does; an image that cannot be looked at is an error.
 */
static int
set_disk_size (const pb_domain *domain, const struct checkpoint_node *node,
               struct checkpoint_disk *entry)
{
  const struct domain_disk *disk
    = domain_def_find_disk (&domain->def, entry->name);
  pb_bitmap *CLEANUP_BITMAP bitmap = NULL;
  bool is_known;

  if (entry->kind != CHECKPOINT_DISK_BITMAP || disk == NULL
      || disk->path == NULL || disk->unsupported)
    return 0;
  bitmap = load_changes (domain, node, disk, &is_known);
  if (bitmap == NULL)
    return is_known ? -1 : 0;
  entry->has_size = true;
  entry->size = pb_bitmap_count (bitmap);
  return 0;
}

char *
pb_checkpoint_get_xml_desc (pb_checkpoint *checkpoint, unsigned flags)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { 0 };
  const struct checkpoint_node *node;
  unsigned format
    = (flags & PB_CHECKPOINT_XML_SECURE ? CHECKPOINT_FORMAT_SECURE : 0)
      | (flags & PB_CHECKPOINT_XML_NO_DOMAIN ? CHECKPOINT_FORMAT_NO_DOMAIN : 0);

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_flags (__func__, flags,
                      PB_CHECKPOINT_XML_SECURE | PB_CHECKPOINT_XML_NO_DOMAIN
                        | PB_CHECKPOINT_XML_SIZE)
           == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  node = checkpoint_handle_node (checkpoint);
  if (node == NULL || checkpoint_def_copy (&def, &node->def) == -1)
    return NULL;
  for (size_t i = 0; (flags & PB_CHECKPOINT_XML_SIZE) && i < def.nr_disks; i++)
    if (set_disk_size (checkpoint->domain, node, &def.disks[i]) == -1)
      return NULL;
  return checkpoint_def_format (&def, format);
}
