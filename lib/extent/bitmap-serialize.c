/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bitmap-serialize.c: a dirty bitmap as bytes, the way QEMU and qcow2 have it.
 *
 * Granule n is bit n % 8 of byte n / 8, so a word of ours is eight bytes of
 * theirs, least significant first, on every host.
 */

#include "config.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bitmap.h"
#include "error.h"
#include "round.h"

uint64_t
pb_bitmap_serialized_size (const pb_bitmap *bitmap)
{
  return div_round_up (bitmap->nr_bits, 8);
}

static int
check_part (const pb_bitmap *bitmap, size_t count, uint64_t position)
{
  uint64_t size = pb_bitmap_serialized_size (bitmap);

  if (range_is_inside (position, count, size))
    return 0;
  pb_set_error (EINVAL,
                "dirty bitmap: %zu bytes at position %" PRIu64
                " are beyond the %" PRIu64 " bytes of its serialised form",
                count, position, size);
  return -1;
}

static uint8_t
get_byte (const pb_bitmap *bitmap, uint64_t position)
{
  return (uint8_t) (bitmap->words[position / 8] >> (position % 8 * 8));
}

/* Words that do not change are not written to, here and below: that would
 * give memory to areas that are clean and stay so.
 */
static void
put_byte (pb_bitmap *bitmap, uint64_t position, uint8_t byte)
{
  uint64_t *word = &bitmap->words[position / 8];
  unsigned shift = position % 8 * 8;
  uint64_t value
    = (*word & ~(UINT64_C (0xff) << shift)) | (uint64_t) byte << shift;

  if (*word != value)
    *word = value;
}

int
pb_bitmap_serialize (const pb_bitmap *bitmap, void *buffer, size_t count,
                     uint64_t position)
{
  uint8_t *to = buffer;
  uint64_t value;

  if (check_part (bitmap, count, position) == -1)
    return -1;

  for (; count > 0 && position % 8 != 0; count--)
    *to++ = get_byte (bitmap, position++);
  for (; count >= 8; count -= 8, position += 8, to += 8) {
    value = htole64 (bitmap->words[position / 8]);
    memcpy (to, &value, sizeof value);
  }
  for (; count > 0; count--)
    *to++ = get_byte (bitmap, position++);
  return 0;
}

/* What the last byte or word had beyond the last granule. */
static void
clear_beyond_the_end (pb_bitmap *bitmap)
{
  uint64_t *last, mask;

  if (bitmap->nr_bits % 64 == 0)
    return;
  last = &bitmap->words[bitmap->nr_words - 1];
  mask = ~UINT64_C (0) << bitmap->nr_bits % 64;
  if (*last & mask)
    *last &= ~mask;
}

int
pb_bitmap_deserialize (pb_bitmap *bitmap, const void *buffer, size_t count,
                       uint64_t position)
{
  const uint8_t *from = buffer;
  uint64_t value, *word;

  if (check_part (bitmap, count, position) == -1)
    return -1;

  for (; count > 0 && position % 8 != 0; count--)
    put_byte (bitmap, position++, *from++);
  for (; count >= 8; count -= 8, position += 8, from += 8) {
    memcpy (&value, from, sizeof value);
    value = le64toh (value);
    word = &bitmap->words[position / 8];
    if (*word != value)
      *word = value;
  }
  for (; count > 0; count--)
    put_byte (bitmap, position++, *from++);
  clear_beyond_the_end (bitmap);
  return 0;
}
