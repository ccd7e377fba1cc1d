/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* align.c: hold a checkpoint's list of disks against the domain's. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "align.h"
#include "error.h"
#include "shared-layer.h"

static bool
is_called (const struct domain_disk *disk, const char *name)
{
  if (name[0] != '/')
    return strcmp (disk->name, name) == 0;
  return (disk->source && strcmp (disk->source, name) == 0)
         || (disk->path && strcmp (disk->path, name) == 0);
}

/* The disk with that target, or that path, or NULL. */
static const struct domain_disk *
find_disk (const struct domain_def *domain, const char *name)
{
  const struct domain_disk *found = NULL;

  for (size_t i = 0; i < domain->nr_disks; i++) {
    const struct domain_disk *disk = &domain->disks[i];

    if (!is_called (disk, name))
      continue;
    if (found) {
      pb_set_error (EINVAL, "'%s' is the path of disk '%s' and of disk '%s'",
                    name, found->name, disk->name);
      return NULL;
    }
    found = disk;
  }
  if (found == NULL)
    pb_set_error (EINVAL, "no disk named '%s'", name);
  return found;
}

static bool
is_empty_or_read_only (const struct domain_disk *disk)
{
  return disk->read_only || (disk->path == NULL && disk->unsupported == NULL);
}

/* One entry for each disk of DOMAIN, as where CHECKPOINT does not say. */
static int
list_disks (struct checkpoint_def *list, bool has_list,
            const struct domain_def *domain)
{
  for (size_t i = 0; i < domain->nr_disks; i++) {
    const struct domain_disk *disk = &domain->disks[i];
    bool is_no = has_list || is_empty_or_read_only (disk);

    if (checkpoint_def_add_disk (
          list, disk->name,
          is_no ? CHECKPOINT_DISK_NO : CHECKPOINT_DISK_BITMAP, NULL)
        == -1)
      return -1;
  }
  return 0;
}

/* Put what WANTED says of a disk into LIST, which has all of them. */
static int
place (struct checkpoint_def *list, bool *is_placed,
       struct checkpoint_disk *wanted, const struct domain_def *domain)
{
  const struct domain_disk *disk = find_disk (domain, wanted->name);
  size_t i;

  if (disk == NULL)
    return -1;
  i = disk - domain->disks;
  if (is_placed[i]) {
    pb_set_error (EINVAL, "disk '%s' specified twice", wanted->name);
    return -1;
  }
  is_placed[i] = true;
  if (wanted->kind == CHECKPOINT_DISK_BITMAP && is_empty_or_read_only (disk)) {
    pb_set_error (EINVAL, "disk '%s' is empty or readonly", wanted->name);
    return -1;
  }
  list->disks[i].kind = wanted->kind;
  list->disks[i].bitmap = STEAL (wanted->bitmap);
  list->disks[i].made_in = wanted->made_in;
  wanted->made_in.path = NULL;
  return 0;
}

static void
swap_disks (struct checkpoint_def *a, struct checkpoint_def *b)
{
  struct checkpoint_disk *disks = a->disks;
  size_t nr_disks = a->nr_disks;

  a->disks = b->disks;
  a->nr_disks = b->nr_disks;
  b->disks = disks;
  b->nr_disks = nr_disks;
}

static int
align (struct checkpoint_def *checkpoint, const struct domain_def *domain)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF list = { .name = NULL };
  bool *CLEANUP_FREE is_placed = NULL;

  if (checkpoint->nr_disks > domain->nr_disks) {
    pb_set_error (EINVAL, "too many disk checkpoint requests for domain");
    return -1;
  }
  if (domain->nr_disks == 0) {
    pb_set_error (EINVAL, "domain must have at least one disk to perform "
                          "checkpoints");
    return -1;
  }
  is_placed = calloc (domain->nr_disks, sizeof is_placed[0]);
  if (is_placed == NULL) {
    set_error_errno ("disks");
    return -1;
  }
  if (list_disks (&list, checkpoint->nr_disks > 0, domain) == -1)
    return -1;
  for (size_t i = 0; i < checkpoint->nr_disks; i++)
    if (place (&list, is_placed, &checkpoint->disks[i], domain) == -1)
      return -1;
  swap_disks (checkpoint, &list);
  checkpoint->has_disks = true;
  return 0;
}

static int
name_bitmaps (struct checkpoint_def *checkpoint)
{
  for (size_t i = 0; i < checkpoint->nr_disks; i++) {
    struct checkpoint_disk *disk = &checkpoint->disks[i];

    if (disk->kind == CHECKPOINT_DISK_NO || disk->bitmap)
      continue;
    disk->bitmap = strdup (checkpoint->name);
    if (disk->bitmap == NULL) {
      set_error_errno ("disk %s", disk->name);
      return -1;
    }
  }
  return 0;
}

int
checkpoint_align (struct checkpoint_def *checkpoint,
                  const struct domain_def *domain)
{
  assert (checkpoint->name);
  if (align (checkpoint, domain) == -1 || name_bitmaps (checkpoint) == -1) {
    prefix_error ("checkpoint %s", checkpoint->name);
    return -1;
  }
  return 0;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Sorted, because the list is as long as a user makes it. */
static int
check_named_once (const struct checkpoint_def *checkpoint)
{
  size_t count = checkpoint->nr_disks;
  const char **CLEANUP_FREE names = calloc (count + 1, sizeof names[0]);

  if (names == NULL) {
    set_error_errno ("disks");
    return -1;
  }
  for (size_t i = 0; i < count; i++)
    names[i] = checkpoint->disks[i].name;
  qsort (names, count, sizeof names[0], compare_names);
  for (size_t i = 1; i < count; i++)
    if (strcmp (names[i - 1], names[i]) == 0) {
      pb_set_error (EINVAL, "disk '%s' specified twice", names[i]);
      return -1;
    }
  return 0;
}

int
checkpoint_default_bitmaps (struct checkpoint_def *checkpoint)
{
  assert (checkpoint->name);
  if (check_named_once (checkpoint) == -1
      || name_bitmaps (checkpoint) == -1) {
    prefix_error ("checkpoint %s", checkpoint->name);
    return -1;
  }
  return 0;
}

static int
check_disk (const struct checkpoint_def *checkpoint,
            const struct checkpoint_disk *wanted,
            const struct domain_disk *disk)
{
  if (strcmp (wanted->bitmap, checkpoint->name) != 0) {
    pb_set_error (EINVAL,
                  "bitmap for disk '%s' must match checkpoint name '%s'",
                  wanted->name, checkpoint->name);
    return -1;
  }
  if (disk->unsupported) {
    pb_set_error (EINVAL,
                  "checkpoint for disk %s unsupported: %s; exclude the disk "
                  "with checkpoint='no'",
                  disk->name, disk->unsupported);
    return -1;
  }
  if (strcmp (disk->format, "qcow2") != 0) {
    pb_set_error (EINVAL,
                  "checkpoint for disk %s unsupported for storage type %s; "
                  "exclude the disk with checkpoint='no', or keep its data in "
                  "a raw file beside a qcow2 image, which has the bitmaps "
                  "(qemu-img create -f qcow2 -o "
                  "data_file=RAW,data_file_raw=on)",
                  disk->name, disk->format);
    return -1;
  }
  return 0;
}

int
checkpoint_check_bitmaps (const struct checkpoint_def *checkpoint,
                          const struct domain_def *domain)
{
  for (size_t i = 0; i < checkpoint->nr_disks; i++) {
    const struct checkpoint_disk *wanted = &checkpoint->disks[i];
    const struct domain_disk *disk
      = domain_def_find_disk (domain, wanted->name);

    assert (disk); /* it is aligned */
    if (wanted->kind == CHECKPOINT_DISK_BITMAP
        && check_disk (checkpoint, wanted, disk) == -1) {
      prefix_error ("checkpoint %s", checkpoint->name);
      return -1;
    }
  }
  if (shared_layer_check_disks (checkpoint, domain) == -1) {
    prefix_error ("checkpoint %s", checkpoint->name);
    return -1;
  }
  return 0;
}
