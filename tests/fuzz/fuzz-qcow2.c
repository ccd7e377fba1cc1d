/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-qcow2.c: the header and the tables of a qcow2 image.
 *
 * The input is an image.  What the library lets in is mapped and read, in
 * places spread over the disk.
 */

#include "config.h"

#include <assert.h>

#include "fuzz.h"

#define NR_PLACES    16
#define EXTENTS_MAX  64
#define READ_MAX     65536

static void
map (pb_image *image, uint64_t offset, uint64_t length)
{
  pb_extents *extents = pb_image_map (image, offset, length);
  struct pb_extent extent;
  uint64_t position = offset;

  assert (extents);
  for (unsigned n = 0; n < EXTENTS_MAX; n++) {
    if (pb_extents_next (extents, &extent) != 1)
      break;
    assert (extent.offset == position);
    assert (extent.length > 0 && extent.length <= offset + length - position);
    assert (!(extent.flags & ~(PB_EXTENT_ZERO | PB_EXTENT_HOLE)));
    assert (extent.flags != PB_EXTENT_HOLE);
    position += extent.length;
  }
  pb_extents_free (extents);
}

static void
try_place (pb_image *image, uint64_t offset)
{
  static uint8_t buffer[READ_MAX];
  uint64_t left = pb_image_get_size (image) - offset;

  map (image, offset, left);
  if (pb_image_pread (image, buffer, left < READ_MAX ? left : READ_MAX, offset)
      == -1)
    assert (pb_get_errno () != 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  pb_image *image;
  uint64_t disk_size;

  if (size > FUZZ_INPUT_MAX)
    return 0;
  image = fuzz_open_image (data, size);
  if (image == NULL)
    return 0;
  disk_size = pb_image_get_size (image);

  for (unsigned i = 0; i < NR_PLACES; i++)
    try_place (image, disk_size / NR_PLACES * i);
  if (disk_size > 0)
    try_place (image, disk_size - 1);
  pb_image_free (image);
  return 0;
}
