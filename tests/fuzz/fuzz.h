/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz.h: what the fuzz entries share.
 *
 * An entry is a file with libFuzzer's function.  It is linked with libFuzzer
 * to look for new inputs (run.sh), and with replay.c to try known ones in
 * every "make check".
 */

#ifndef PULLBACK_FUZZ_H
#define PULLBACK_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "pullback.h"

/* No seed needs more, and larger inputs only make the search slow. */
#define FUZZ_INPUT_MAX (64 * 1024)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Open the bytes as a qcow2 image without its backing chain, whatever name
 * they have for it.  NULL where the library refuses them.
 */
pb_image *fuzz_open_image (const uint8_t *data, size_t size);

#endif /* PULLBACK_FUZZ_H */
