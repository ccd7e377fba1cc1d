/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* extensions.c: header extensions, the backing file's name, feature names. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "error.h"
#include "extensions.h"
#include "format.h"
#include "round.h"

#define EXTENSION_HEADER   8
#define BACKING_FORMAT_MAX 15
#define FEATURE_NAME_MAX   (QCOW2_FEATURE_NAME_RECORD - 2)

struct extension {
  size_t offset; /* of the extension itself, for messages */
  uint32_t type;
  uint32_t length;
  const unsigned char *data;
};

/* Extensions go on until one of type END, the backing file's name, or the end
 * of the first cluster ("Header extensions").
 */
static size_t
extensions_end (const struct header_bytes *h)
{
  uint64_t backing = load_be64 (h->bytes + QCOW2_HEADER_BACKING_OFFSET);

  return backing ? min_u64 (backing, h->count) : h->count;
}

/* The extension at *OFFSET, which moves on to the next.  Returns 1, 0 at the
 * end, or -1 with an error.
 */
static int
next_extension (const struct header_bytes *h, size_t *offset,
                struct extension *extension)
{
  size_t end = extensions_end (h), room;

  if (*offset >= end || end - *offset < EXTENSION_HEADER)
    return 0;
  extension->offset = *offset;
  extension->type = load_be32 (h->bytes + *offset);
  extension->length = load_be32 (h->bytes + *offset + 4);
  extension->data = h->bytes + *offset + EXTENSION_HEADER;
  if (extension->type == QCOW2_EXT_END)
    return 0;

  room = end - *offset - EXTENSION_HEADER;
  if (extension->length > room) {
    pb_set_error (EIO,
                  "%s: header extension 0x%08x at offset 0x%zx: its length of "
                  "%u bytes runs past the end of the header area at 0x%zx",
                  h->name, extension->type, extension->offset,
                  extension->length, end);
    return -1;
  }
  *offset += EXTENSION_HEADER
             + min_u64 (round_up (extension->length, 8), room);
  return 1;
}

/* A name that the image holds, as a string. */
static int
copy_name (const struct header_bytes *h, const char *what,
           const unsigned char *data, size_t length, char **name)
{
  char *copy;

  if (memchr (data, '\0', length) != NULL) {
    pb_set_error (EIO, "%s: header: the name of the %s has a NUL byte in it",
                  h->name, what);
    return -1;
  }
  copy = strndup ((const char *) data, length);
  if (copy == NULL) {
    set_error_errno ("%s", h->name);
    return -1;
  }
  free (*name);
  *name = copy;
  return 0;
}

static int
set_extension_length_error (const struct header_bytes *h, const char *what,
                            const struct extension *extension)
{
  pb_set_error (EIO,
                "%s: %s extension at offset 0x%zx: its length of %u bytes is "
                "wrong",
                h->name, what, extension->offset, extension->length);
  return -1;
}

static int
parse_extension (struct qcow2_header *header, const struct header_bytes *h,
                 const struct extension *extension)
{
  const unsigned char *data = extension->data;

  switch (extension->type) {
  case QCOW2_EXT_BACKING_FORMAT:
    if (extension->length == 0 || extension->length > BACKING_FORMAT_MAX)
      return set_extension_length_error (h, "backing format", extension);
    return copy_name (h, "backing format", data, extension->length,
                      &header->backing_format);

  case QCOW2_EXT_DATA_FILE:
    if (extension->length == 0 || extension->length > QCOW2_BACKING_NAME_MAX)
      return set_extension_length_error (h, "data file name", extension);
    return copy_name (h, "external data file", data, extension->length,
                      &header->data_file);

  case QCOW2_EXT_BITMAPS:
    if (extension->length != QCOW2_BITMAPS_EXT_LENGTH)
      return set_extension_length_error (h, "bitmaps", extension);
    header->bitmaps = (struct qcow2_bitmaps_extension) {
      .present = true,
      .nr_bitmaps = load_be32 (data),
      .reserved = load_be32 (data + 4),
      .directory_size = load_be64 (data + 8),
      .directory_offset = load_be64 (data + 16),
    };
    return 0;

  default:
    /* "Unknown extensions ... must be ignored." */
    return 0;
  }
}

int
parse_extensions (struct qcow2_header *header, const struct header_bytes *h,
                  uint32_t header_length)
{
  struct extension extension;
  size_t offset = header_length;
  int r;

  while ((r = next_extension (h, &offset, &extension)) == 1) {
    if (parse_extension (header, h, &extension) == -1)
      return -1;
  }
  return r;
}

int
parse_backing_file (struct qcow2_header *header, const struct header_bytes *h,
                    uint32_t header_length)
{
  uint64_t offset = load_be64 (h->bytes + QCOW2_HEADER_BACKING_OFFSET);
  uint32_t length = load_be32 (h->bytes + QCOW2_HEADER_BACKING_SIZE);

  if (offset == 0 || length == 0)
    return 0;
  if (length > QCOW2_BACKING_NAME_MAX) {
    pb_set_error (EIO,
                  "%s: header: the backing file's name of %u bytes is longer "
                  "than %u",
                  h->name, length, QCOW2_BACKING_NAME_MAX);
    return -1;
  }
  if (offset < header_length || !range_is_inside (offset, length, h->count)) {
    pb_set_error (EIO,
                  "%s: header: the backing file's name at offset 0x%" PRIx64
                  " (%u bytes) lies outside the first cluster's free part",
                  h->name, offset, length);
    return -1;
  }
  return copy_name (h, "backing file", h->bytes + offset, length,
                    &header->backing_file);
}

/* The name of incompatible feature BIT in a feature name table, or false. */
static bool
find_feature_name (const struct extension *table, unsigned bit,
                   char name[FEATURE_NAME_MAX + 1])
{
  for (uint32_t i = 0; table->length - i >= QCOW2_FEATURE_NAME_RECORD;
       i += QCOW2_FEATURE_NAME_RECORD) {
    const unsigned char *record = table->data + i;

    if (record[0] != QCOW2_FEATURE_KIND_INCOMPAT || record[1] != bit)
      continue;
    memcpy (name, record + 2, FEATURE_NAME_MAX);
    name[FEATURE_NAME_MAX] = '\0';
    /* It will be shown on terminals, and anyone may have written it. */
    for (char *p = name; *p; p++) {
      if ((unsigned char) *p < ' ' || (unsigned char) *p > '~')
        *p = '?';
    }
    return name[0] != '\0';
  }
  return false;
}

static bool
find_feature_name_table (const struct header_bytes *h, uint32_t header_length,
                         struct extension *table)
{
  size_t offset = header_length;

  while (next_extension (h, &offset, table) == 1) {
    if (table->type == QCOW2_EXT_FEATURE_NAMES)
      return true;
  }
  return false;
}

void
set_unknown_features_error (const struct header_bytes *h,
                            uint32_t header_length, uint64_t unknown)
{
  struct extension table;
  bool have_table = find_feature_name_table (h, header_length, &table);
  char list[64 * (FEATURE_NAME_MAX + 16)] = "", name[FEATURE_NAME_MAX + 1];
  size_t used = 0;

  /* Where clusters are small there is no room for the table. */
  if ((unknown & QCOW2_INCOMPAT_UNFINISHED)
      && (!have_table
          || (find_feature_name (&table, QCOW2_INCOMPAT_UNFINISHED_BIT, name)
              && strcmp (name, QCOW2_UNFINISHED_NAME) == 0))) {
    pb_set_error (ENOTSUP,
                  "%s: is an unfinished backup output: the backup that wrote "
                  "it did not end",
                  h->name);
    return;
  }

  for (unsigned bit = 0; bit < 64; bit++) {
    if (!(unknown & UINT64_C (1) << bit))
      continue;
    if (!have_table || !find_feature_name (&table, bit, name))
      strcpy (name, "unnamed");
    used += snprintf (list + used, sizeof list - used, "%s%s (bit %u)",
                      used ? ", " : "", name, bit);
  }
  pb_set_error (ENOTSUP,
                "%s: header: incompatible features that are not supported: %s",
                h->name, list);
}
