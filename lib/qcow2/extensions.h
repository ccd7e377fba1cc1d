/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* extensions.h: what follows the fixed part of a qcow2 header, for header.c. */

#ifndef PULLBACK_QCOW2_EXTENSIONS_H
#define PULLBACK_QCOW2_EXTENSIONS_H

#include <stddef.h>
#include <stdint.h>

#include "header.h"

/* What is parsed, and what it is the start of. */
struct header_bytes {
  const unsigned char *bytes;
  size_t count;
  uint64_t file_size;
  const char *name;
};

/* All below are called once the fixed part has been checked. */

int parse_extensions (struct qcow2_header *header,
                      const struct header_bytes *h, uint32_t header_length);

int parse_backing_file (struct qcow2_header *header,
                        const struct header_bytes *h, uint32_t header_length);

/* UNKNOWN are incompatible feature bits that are refused; the image's own
 * feature name table says what they mean.
 */
void set_unknown_features_error (const struct header_bytes *h,
                                 uint32_t header_length, uint64_t unknown);

#endif /* PULLBACK_QCOW2_EXTENSIONS_H */
