/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* at-rest.c: the driver for disks whose images no process has open. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "at-rest.h"
#include "driver.h"
#include "error.h"
#include "format.h"
#include "image-lock.h"
#include "qemu-img.h"

/*** Looking. ***/

static pb_image *
open_disk (const struct domain_disk *disk, unsigned image_flags)
{
  enum pb_format format;

  if (at_rest_format (disk, &format) == -1)
    return NULL;
  return image_open_disk (disk->path, format, image_flags);
}

static int
at_rest_inspect (const struct domain_disk *disk, unsigned image_flags,
                 struct disk_bitmaps *bitmaps)
{
  pb_image *CLEANUP_IMAGE image = open_disk (disk, image_flags);

  return image ? at_rest_read_bitmaps (bitmaps, disk, image) : -1;
}

static pb_bitmap *
load_range (const struct domain_disk *disk, unsigned image_flags,
            const struct disk_bitmaps *bitmaps,
            const struct bitmap_range *range)
{
  pb_image *CLEANUP_IMAGE image = open_disk (disk, image_flags);

  if (image == NULL || at_rest_check_unchanged (bitmaps, disk, image) == -1)
    return NULL;
  return at_rest_load_range (image, bitmaps, range);
}

/* One image of a chain, by itself. */
static pb_image *
open_layer (const char *path, unsigned image_flags)
{
  return pb_image_open (path, PB_FORMAT_QCOW2,
                        image_flags | PB_IMAGE_NO_BACKING);
}

/*** Could a bitmap be changed? ***/

static int
check_format (const struct domain_disk *disk)
{
  enum pb_format format;

  if (at_rest_format (disk, &format) == -1)
    return -1;
  if (format != PB_FORMAT_RAW)
    return 0;
  pb_set_error (ENOTSUP,
                "%s: a raw image has no place for bitmaps; convert it to "
                "qcow2, or make a qcow2 image that has it as its data file "
                "(data_file_raw=on)",
                disk->path);
  return -1;
}

/* Would the file be let be written, and locked by QEMU?  It is neither
 * written nor locked here.
 */
static int
check_access (const char *path)
{
  struct file file;
  int r, fd;

  if (file_open (&file, path) == -1)
    return -1;
  r = image_lock_check_writer (&file);
  file_close (&file);
  if (r == -1)
    return -1;
  fd = open (path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1) {
    set_error_errno ("%s: cannot be written, so its bitmaps cannot be changed",
                     path);
    return -1;
  }
  close (fd); /* nothing was written */
  return 0;
}

/* QEMU does not open an image for writing that has one bad bitmap, unless it
 * is one that was not saved, or all are stale and so are dropped.
 */
static int
check_bitmaps (const char *path, const pb_image *image)
{
  const struct layer *layer = image->layers[0];

  if (!(layer->header.autoclear & QCOW2_AUTOCLEAR_BITMAPS))
    return 0;
  if (layer->bitmaps.damage) {
    pb_set_error (EIO,
                  "%s: its bitmap directory is damaged, so none can be "
                  "changed: %s",
                  path, layer->bitmaps.damage);
    return -1;
  }
  for (size_t i = 0; i < layer->bitmaps.count; i++) {
    const struct qcow2_bitmap *bitmap = &layer->bitmaps.list[i];

    if (bitmap->reason && !(bitmap->flags & QCOW2_BITMAP_FLAG_IN_USE)) {
      pb_set_error (EIO,
                    "%s: bitmap %s is damaged, so none can be changed: %s",
                    path, bitmap->name, bitmap->reason);
      return -1;
    }
  }
  return 0;
}

static int
check_header (const char *path, const struct qcow2_header *header)
{
  if (header->version < 3) {
    pb_set_error (ENOTSUP,
                  "%s: it is a qcow2 image of version 2, which has no place "
                  "for bitmaps; upgrade it: qemu-img amend -f qcow2 -o "
                  "compat=1.1 %s",
                  path, path);
    return -1;
  }
  if (header->incompatible & QCOW2_INCOMPAT_CORRUPT) {
    pb_set_error (EIO,
                  "%s: it is marked as corrupt, so nothing writes to it; see "
                  "qemu-img check",
                  path);
    return -1;
  }
  return 0;
}

static int
check_image (const char *path, unsigned image_flags)
{
  pb_image *CLEANUP_IMAGE image = open_layer (path, image_flags);

  if (image == NULL || check_header (path, &image->layers[0]->header) == -1
      || check_bitmaps (path, image) == -1)
    return -1;
  return at_rest_check_room (image, 0);
}

static int
at_rest_check_writable (const struct domain_disk *disk, const char *path,
                        unsigned image_flags)
{
  if (check_format (disk) == -1 || check_access (path) == -1
      || check_image (path, image_flags) == -1
      || qemu_img_check (path) == -1) {
    prefix_error ("disk %s", disk->name);
    return -1;
  }
  return 0;
}

/*** Changing. ***/

/* What a bitmap is like in an image that is looked at for a moment. */
struct sight {
  bool exists;
  bool enabled;
  uint64_t granularity;
  char *reason; /* why it is not usable, or NULL */
};

static void
cleanup_sight (struct sight *sight)
{
  free (sight->reason);
}

#define CLEANUP_SIGHT CLEANUP (cleanup_sight)

static int
see_bitmap (const pb_image *image, const char *name, struct sight *sight)
{
  struct pb_bitmap_info info;
  bool found = false;

  for (size_t i = 0; i < pb_image_nr_bitmaps (image) && !found; i++) {
    if (pb_image_get_bitmap_info (image, i, &info) == -1)
      return -1;
    found = strcmp (info.name, name) == 0;
  }
  *sight = (struct sight) { .exists = found };
  if (!found)
    return 0;
  sight->enabled = info.enabled;
  sight->granularity = info.granularity;
  if (info.reason && (sight->reason = strdup (info.reason)) == NULL) {
    set_error_errno ("bitmap %s", name);
    return -1;
  }
  return 0;
}

static int
describe_target (const pb_image *image, struct qemu_img_target *target)
{
  const struct layer *layer = image->layers[0];

  *target = (struct qemu_img_target) {
    .path = strdup (layer->file.name),
    .is_block_device = layer->file.is_block_device,
  };
  if (layer->data_file.fd != -1) {
    target->data_file = strdup (layer->data_file.name);
    target->data_file_is_block_device = layer->data_file.is_block_device;
  }
  if (target->path && (layer->data_file.fd == -1 || target->data_file))
    return 0;
  set_error_errno ("%s", layer->file.name);
  qemu_img_target_clear (target);
  return -1;
}

/* One action under way. */
struct work {
  const struct bitmap_action *action;
  unsigned image_flags;
  int lock_fd;
  struct qemu_img_target target;
  struct sight bitmap;
  struct sight source; /* of a merge */
};

/* The image must be closed again before qemu-img can have it. */
static int
look (struct work *work)
{
  const struct bitmap_action *action = work->action;
  pb_image *CLEANUP_IMAGE image
    = open_layer (action->path, work->image_flags);

  if (image == NULL || see_bitmap (image, action->bitmap, &work->bitmap) == -1
      || (action->source
          && see_bitmap (image, action->source, &work->source) == -1))
    return -1;
  if ((action->kind != BITMAP_ACTION_REMOVE || work->bitmap.exists)
      && at_rest_check_room (image, action->granularity) == -1)
    return -1;
  return describe_target (image, &work->target);
}

/* Is the bitmap there, as it should be now?  qemu-img does not always say when
 * it is not; and what it says to have done must outlast a crash.
 */
static int
verify (const struct work *work, bool exists, bool enabled)
{
  const struct bitmap_action *action = work->action;
  pb_image *CLEANUP_IMAGE image
    = open_layer (action->path, work->image_flags);
  struct sight CLEANUP_SIGHT now = { 0 };

  if (image == NULL || see_bitmap (image, action->bitmap, &now) == -1)
    return -1;
  if (now.exists != exists || now.reason
      || (exists && now.enabled != enabled)) {
    pb_set_error (EIO, "%s: bitmap %s: qemu-img has not %s it%s%s",
                  action->path, action->bitmap, exists ? "saved" : "removed",
                  now.reason ? ": " : "", now.reason ? now.reason : "");
    return -1;
  }
  return file_sync (&image->layers[0]->file);
}

static int
add (const struct work *work)
{
  const struct bitmap_action *action = work->action;

  if (work->bitmap.exists) {
    pb_set_error (EEXIST,
                  "%s: Bitmap already exists: %s; adopt it as a checkpoint, "
                  "remove it, or choose another name",
                  action->path, action->bitmap);
    return -1;
  }
  if (qemu_img_add (&work->target, action->bitmap, action->granularity,
                    work->lock_fd)
      == -1)
    return -1;
  return verify (work, true, true);
}

static int
remove_bitmap (const struct work *work)
{
  if (!work->bitmap.exists)
    return 0;
  if (qemu_img_remove (&work->target, work->action->bitmap, work->lock_fd)
      == -1)
    return -1;
  return verify (work, false, false);
}

static int
check_usable (const char *path, const char *name, const struct sight *sight)
{
  if (!sight->exists)
    pb_set_error (ENOENT, "%s: there is no bitmap %s that could be merged",
                  path, name);
  else if (sight->reason)
    pb_set_error (ESTALE, "%s: bitmap %s cannot be merged: %s", path, name,
                  sight->reason);
  else
    return 0;
  return -1;
}

static int
merge (const struct work *work)
{
  const struct bitmap_action *action = work->action;
  const struct sight *bitmap = &work->bitmap, *source = &work->source;

  if (check_usable (action->path, action->source, source) == -1
      || (bitmap->exists
          && check_usable (action->path, action->bitmap, bitmap) == -1))
    return -1;
  if (qemu_img_merge (&work->target, action->bitmap, action->source,
                      bitmap->exists ? 0 : source->granularity,
                      source->enabled, work->lock_fd)
      == -1)
    return -1;
  return verify (work, true,
                 source->enabled || (bitmap->exists && bitmap->enabled));
}

/* One that cannot be trusted says nothing any more, recording or not. */
static int
disable (const struct work *work)
{
  if (!work->bitmap.exists || !work->bitmap.enabled || work->bitmap.reason)
    return 0;
  if (qemu_img_disable (&work->target, work->action->bitmap, work->lock_fd)
      == -1)
    return -1;
  return verify (work, true, false);
}

/* Look, do STEP, and look again. */
static int
do_action (const struct bitmap_action *action,
           int (*step) (const struct work *work), unsigned image_flags,
           int lock_fd)
{
  struct work work
    = { .action = action, .image_flags = image_flags, .lock_fd = lock_fd };
  int r = look (&work);

  if (r == 0)
    r = step (&work);
  qemu_img_target_clear (&work.target);
  cleanup_sight (&work.bitmap);
  cleanup_sight (&work.source);
  /* With the image a bitmap is gone that should go, or stop. */
  if (r == -1 && (step == remove_bitmap || step == disable)
      && access (action->path, F_OK) == -1 && errno == ENOENT)
    return 0;
  if (r == -1)
    prefix_error ("disk %s", action->disk);
  return r;
}

static int
at_rest_apply (const struct bitmap_action *action, unsigned image_flags,
               int lock_fd)
{
  switch (action->kind) {
  case BITMAP_ACTION_ADD:
    return do_action (action, add, image_flags, lock_fd);
  case BITMAP_ACTION_MERGE:
    return do_action (action, merge, image_flags, lock_fd);
  case BITMAP_ACTION_REMOVE:
    return do_action (action, remove_bitmap, image_flags, lock_fd);
  }
  pb_set_error (EINVAL, "unknown action %d", (int) action->kind);
  return -1;
}

/* What was merged may stay, and what was removed is not undone: commit.h. */
static int
at_rest_undo (const struct bitmap_action *action, unsigned image_flags,
              int lock_fd)
{
  struct bitmap_action back = *action;

  back.source = NULL; /* may be gone, and does not matter */
  if (action->kind == BITMAP_ACTION_ADD || action->undo == BITMAP_UNDO_REMOVE)
    return do_action (&back, remove_bitmap, image_flags, lock_fd);
  if (action->undo == BITMAP_UNDO_DISABLE)
    return do_action (&back, disable, image_flags, lock_fd);
  return 0;
}

const struct domain_driver domain_driver_at_rest = {
  .inspect = at_rest_inspect,
  .check_writable = at_rest_check_writable,
  .apply = at_rest_apply,
  .undo = at_rest_undo,
  .load_range = load_range,
};
