/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-data.h: how much data a new qcow2 file's writer handles at once. */

#ifndef PULLBACK_QCOW2_WRITER_DATA_H
#define PULLBACK_QCOW2_WRITER_DATA_H

#include <stddef.h>

#include "pullback.h"

/* Clusters in a batch: 512 KiB of the smallest. */
#define WRITER_BATCH_CLUSTERS 1024

/* Bytes in a batch that is compressed, but for a single larger cluster: what
 * each thread has scratch memory for.
 */
#define WRITER_COMPRESSED_BATCH_BYTES ((size_t) 256 << 10)

/* Scratch memory of a thread that compresses, in bytes. */
size_t writer_scratch_size (const pb_writer *writer);

#endif /* PULLBACK_QCOW2_WRITER_DATA_H */
