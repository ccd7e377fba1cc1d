/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* size.h: sizes as people write and read them. */

#ifndef PULLBACK_SIZE_H
#define PULLBACK_SIZE_H

#include <stddef.h>
#include <stdint.h>

/* Parse a whole number of bytes with an optional suffix b, k, M, G or T (either
 * case, powers of 1024).  Returns -1 where TEXT is anything else or too large;
 * no error is set.
 */
int size_parse (const char *text, uint64_t *size);

/* Write BYTES for people ("12.3 MiB") into BUFFER, and return it. */
#define SIZE_TEXT_MAX 32
const char *size_format (uint64_t bytes, char buffer[SIZE_TEXT_MAX]);

#endif /* PULLBACK_SIZE_H */
