/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-header.h: the header cluster of a new qcow2 file. */

#ifndef PULLBACK_QCOW2_WRITER_HEADER_H
#define PULLBACK_QCOW2_WRITER_HEADER_H

#include <stdint.h>

#include "file.h"
#include "pullback.h"

struct writer_header {
  uint64_t size; /* of the disk: a multiple of 512 */
  unsigned cluster_bits;
  const char *backing_file; /* or NULL */
  enum pb_format backing_format;
  enum pb_compression compression;

  /* Known when the file is complete, 0 until then. */
  uint32_t l1_size;
  uint64_t l1_offset;
  uint64_t reftable_offset;
  uint32_t reftable_clusters;
};

/* Does the header fit into the first cluster?  NAME is the file's, for the
 * error, which says what would help.
 */
int writer_header_check (const struct writer_header *header,
                         const char *name);

/* Write a header that has been checked, marked as unfinished. */
int writer_header_write (const struct writer_header *header,
                         const struct file *file);

/* Take the mark away, or put it back, by a write of one field: the sector
 * that holds it is either the old or the new one, whatever happens.
 */
int writer_header_mark (const struct writer_header *header,
                        const struct file *file, bool unfinished);

/* Is this, the head of a file, that of an unfinished output? */
bool writer_header_is_unfinished (const uint8_t *head, size_t count);

#endif /* PULLBACK_QCOW2_WRITER_HEADER_H */
