/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image.c: an image and its backing chain, opened and closed. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "format.h"
#include "image.h"

#define KNOWN_FLAGS                                                           \
  (PB_IMAGE_DATA_FILE | PB_IMAGE_ALLOW_WRITER | PB_IMAGE_NO_BACKING)

static int
check_arguments (const char *path, enum pb_format format, unsigned flags)
{
  if (format != PB_FORMAT_QCOW2 && format != PB_FORMAT_RAW) {
    pb_set_error (EINVAL, "%s: unknown image format %d", path, (int) format);
    return -1;
  }
  if (flags & ~(unsigned) KNOWN_FLAGS) {
    pb_set_error (EINVAL, "%s: unknown flags 0x%x", path, flags);
    return -1;
  }
  if (format == PB_FORMAT_QCOW2 && (flags & PB_IMAGE_ALLOW_WRITER)) {
    pb_set_error (EINVAL,
                  "%s: a qcow2 image can't be read while something writes to "
                  "it, because its metadata would move under the reader",
                  path);
    return -1;
  }
  return 0;
}

/* The backing file's name must be that of a file.  QEMU would follow json: and
 * any other protocol as well; but whoever can write to the image could make us
 * connect to anything with that.
 */
static int
check_backing_name (const struct layer *layer, const char *name)
{
  if (name[strcspn (name, ":/")] != ':')
    return 0;
  pb_set_error (ENOTSUP,
                "%s: backing file %s: only names of files are followed, not "
                "those with a protocol (write ./%s if it is one)",
                layer->file.name, name, name);
  return -1;
}

static int
parse_backing_format (const struct layer *layer, enum pb_format *format)
{
  const char *name = layer->header.backing_format;

  /* Never guessed: what a guest writes to a raw image must not make it a
   * qcow2 one.
   */
  if (name == NULL || strcmp (name, "raw") == 0) {
    *format = PB_FORMAT_RAW;
    return 0;
  }
  if (strcmp (name, "qcow2") == 0) {
    *format = PB_FORMAT_QCOW2;
    return 0;
  }
  pb_set_error (ENOTSUP,
                "%s: backing file %s: format %s is not supported (only qcow2 "
                "and raw are)",
                layer->file.name, layer->header.backing_file, name);
  return -1;
}

/* Where no format is stated the backing file is raw; but a file that starts as
 * a qcow2 image was most likely meant to be one, by a program that let QEMU
 * guess.  Reading it as raw would back up something else than the disk, and
 * reading it as qcow2 might follow what a guest has written.
 */
static int
check_unstated_format (const struct layer *overlay, const struct layer *layer)
{
  unsigned char magic[4];
  const char *name = overlay->header.backing_file;

  if (overlay->header.backing_format || layer->size < sizeof magic)
    return 0;
  if (file_pread (&layer->file, magic, sizeof magic, 0) == -1)
    return -1;
  if (load_be32 (magic) != QCOW2_MAGIC)
    return 0;
  pb_set_error (EINVAL,
                "%s: starts as a qcow2 image does, but %s does not state its "
                "format; state it with qemu-img rebase -u -b %s -F qcow2 (or "
                "raw) %s",
                layer->file.name, overlay->file.name, name,
                overlay->file.name);
  return -1;
}

static int
check_loop (const pb_image *image, const struct layer *next)
{
  for (unsigned i = 0; i < image->depth; i++) {
    const struct file *file = &image->layers[i]->file;

    if (file->device == next->file.device && file->inode == next->file.inode) {
      pb_set_error (ELOOP, "%s: the backing chain is a loop: this file is in "
                           "it already",
                    next->file.name);
      return -1;
    }
  }
  return 0;
}

/* Add LAYER below the last one.  On failure it is freed. */
static int
add_layer (pb_image *image, struct layer *layer)
{
  struct layer *CLEANUP_LAYER owned = layer;
  struct layer **layers;

  if (check_loop (image, layer) == -1)
    return -1;
  layers
    = realloc (image->layers, (image->depth + 1) * sizeof image->layers[0]);
  if (layers == NULL) {
    set_error_errno ("%s", layer->file.name);
    return -1;
  }
  image->layers = layers;
  layers[image->depth++] = STEAL (owned);
  return 0;
}

/* Open the backing file of the last layer. */
static int
open_backing_file (pb_image *image, unsigned flags)
{
  const struct layer *overlay = image->layers[image->depth - 1];
  const char *name = overlay->header.backing_file;
  enum pb_format format;
  struct layer *layer;

  if (image->depth == IMAGE_DEPTH_MAX) {
    pb_set_error (ELOOP, "%s: the backing chain has more than %u layers",
                  image->layers[0]->file.name, IMAGE_DEPTH_MAX);
    return -1;
  }
  if (check_backing_name (overlay, name) == -1
      || parse_backing_format (overlay, &format) == -1)
    return -1;

  char *CLEANUP_FREE path = file_resolve (overlay->file.name, name);
  if (path == NULL)
    return -1;
  layer = layer_open (path, format, flags, &image->caches);
  if (layer == NULL || add_layer (image, layer) == -1
      || check_unstated_format (overlay, layer) == -1) {
    prefix_error ("%s: backing file", overlay->file.name);
    return -1;
  }
  return 0;
}

pb_image *
pb_image_open (const char *path, enum pb_format format, unsigned flags)
{
  pb_image *CLEANUP_IMAGE image = NULL;
  struct layer *layer;

  if (check_arguments (path, format, flags) == -1)
    return NULL;
  image = calloc (1, sizeof *image);
  if (image == NULL) {
    set_error_errno ("%s", path);
    return NULL;
  }
  if (layer_caches_new (&image->caches) == -1)
    return NULL;
  layer = layer_open (path, format, flags, &image->caches);
  if (layer == NULL || add_layer (image, layer) == -1)
    return NULL;

  if (flags & PB_IMAGE_NO_BACKING) {
    image->backing_is_closed = layer->header.backing_file != NULL;
    return STEAL (image);
  }
  while (image->layers[image->depth - 1]->header.backing_file) {
    if (open_backing_file (image, flags) == -1)
      return NULL;
  }
  return STEAL (image);
}

/* False where that cannot be told. */
static bool
lacks_magic (const char *path)
{
  struct file file;
  unsigned char magic[4] = { 0 };
  bool lacks;

  if (file_open (&file, path) == -1)
    return false;
  lacks = file.size < sizeof magic
          || (file_pread (&file, magic, sizeof magic, 0) == 0
              && load_be32 (magic) != QCOW2_MAGIC);
  file_close (&file);
  return lacks;
}

pb_image *
image_open_disk (const char *path, enum pb_format format, unsigned flags)
{
  pb_image *image = pb_image_open (path, format, flags);
  char *CLEANUP_FREE message = NULL;

  if (image || format != PB_FORMAT_QCOW2 || pb_get_errno () != EINVAL)
    return image;
  message = strdup (pb_get_error ());
  pb_set_error (EINVAL, "%s%s", message ? message : path,
                lacks_magic (path) ? "; a raw disk is written NAME=raw:PATH"
                                   : "");
  return NULL;
}

void
pb_image_free (pb_image *image)
{
  if (image == NULL)
    return;
  for (unsigned i = 0; i < image->depth; i++)
    layer_free (image->layers[i]);
  free (image->layers);
  layer_caches_free (&image->caches);
  free (image);
}

uint64_t
pb_image_get_size (const pb_image *image)
{
  return image->layers[0]->size;
}

const char *
pb_image_get_path (const pb_image *image)
{
  return image->layers[0]->file.name;
}

uint64_t
pb_image_get_cluster_size (const pb_image *image)
{
  const struct layer *layer = image->layers[0];

  return layer->format == PB_FORMAT_QCOW2 ? qcow2_cluster_size (&layer->header)
                                          : 0;
}

const char *
pb_image_get_backing_file (const pb_image *image)
{
  return image->layers[0]->header.backing_file;
}

unsigned
pb_image_get_depth (const pb_image *image)
{
  return image->depth;
}
