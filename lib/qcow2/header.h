/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* header.h: the header of a qcow2 image and its extensions, parsed from bytes.
 */

#ifndef PULLBACK_QCOW2_HEADER_H
#define PULLBACK_QCOW2_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

/* Enough of a file to know how much of it its header may fill. */
#define QCOW2_HEADER_PEEK 24

/* "Bitmaps extension", as it stands there: qcow2_bitmaps_parse () judges it. */
struct qcow2_bitmaps_extension {
  bool present;
  uint32_t nr_bitmaps;
  uint32_t reserved;
  uint64_t directory_size;
  uint64_t directory_offset;
};

struct qcow2_header {
  unsigned version;
  unsigned cluster_bits;
  uint64_t size; /* of the disk: whole sectors of 512 bytes, as QEMU has it */
  uint32_t l1_size;
  uint64_t l1_offset; /* the whole table lies in the file */
  uint64_t incompatible; /* only bits that are known */
  uint64_t autoclear;
  unsigned compression; /* QCOW2_COMPRESSION_* */
  bool extended_l2;
  char *backing_file;   /* NULL where there is none */
  char *backing_format; /* NULL where it is not stated */
  char *data_file;      /* of an external data file; NULL if not stated */
  struct qcow2_bitmaps_extension bitmaps;
};

/* How many bytes from the start of the file qcow2_header_parse () wants, if
 * the file has them: the first cluster.  COUNT bytes of BUFFER are known, at
 * least QCOW2_HEADER_PEEK unless the file is shorter.
 */
size_t qcow2_header_wanted (const void *buffer, size_t count);

/* Parse the first COUNT bytes of a file of FILE_SIZE bytes: a pure function of
 * its arguments.  NAME is for errors only, all of which name the field and
 * the cause.  Refused is what would make the image unreadable, or readable in
 * more than one way; images marked dirty or corrupt are not, because their
 * cluster maps can still be read, as QEMU does.
 */
int qcow2_header_parse (struct qcow2_header *header, const void *buffer,
                        size_t count, uint64_t file_size, const char *name);
void qcow2_header_clear (struct qcow2_header *header);

static inline uint64_t
qcow2_cluster_size (const struct qcow2_header *header)
{
  return UINT64_C (1) << header->cluster_bits;
}

/* struct qcow2_header CLEANUP_HEADER header = { 0 }; */
#define CLEANUP_HEADER CLEANUP (qcow2_header_clear)

#endif /* PULLBACK_QCOW2_HEADER_H */
