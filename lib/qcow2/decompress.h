/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* decompress.h: compressed clusters made plain, from hostile input. */

#ifndef PULLBACK_DECOMPRESS_H
#define PULLBACK_DECOMPRESS_H

#include <stddef.h>

/* One decompression at a time; kept from one to the next, so that its memory
 * is.
 */
struct decompressor;

struct decompressor *decompressor_new (void);
void decompressor_free (struct decompressor *decompressor);

/* A buffer of at least SIZE bytes that belongs to DECOMPRESSOR, for input. */
void *decompressor_input (struct decompressor *decompressor, size_t size);

/* Make exactly OUTPUT_SIZE bytes from INPUT, of qcow2's compression TYPE.  The
 * size of a compressed cluster is stored in whole sectors, so what follows the
 * end of the compressed data is ignored.  On failure the error has the cause
 * only: the caller knows the place.
 */
int decompress (struct decompressor *decompressor, unsigned type,
                const void *input, size_t input_size, void *output,
                size_t output_size);

#endif /* PULLBACK_DECOMPRESS_H */
