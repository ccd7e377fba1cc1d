/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* format.h: what a qcow2 file looks like on disk.
 *
 * All integers are big-endian.  Names and sections are those of the qcow2
 * specification (docs/interop/qcow2.txt in QEMU's documentation).
 */

#ifndef PULLBACK_QCOW2_FORMAT_H
#define PULLBACK_QCOW2_FORMAT_H

#include <stdint.h>

#define QCOW2_MAGIC 0x514649fbU

/* "Header": offsets of its fields. */
#define QCOW2_HEADER_VERSION           4
#define QCOW2_HEADER_BACKING_OFFSET    8
#define QCOW2_HEADER_BACKING_SIZE      16
#define QCOW2_HEADER_CLUSTER_BITS      20
#define QCOW2_HEADER_SIZE              24
#define QCOW2_HEADER_CRYPT_METHOD      32
#define QCOW2_HEADER_L1_SIZE           36
#define QCOW2_HEADER_L1_OFFSET         40
#define QCOW2_HEADER_REFTABLE_OFFSET   48
#define QCOW2_HEADER_REFTABLE_CLUSTERS 56
#define QCOW2_HEADER_NR_SNAPSHOTS      60
#define QCOW2_HEADER_SNAPSHOTS_OFFSET  64
#define QCOW2_HEADER_INCOMPATIBLE      72
#define QCOW2_HEADER_COMPATIBLE        80
#define QCOW2_HEADER_AUTOCLEAR         88
#define QCOW2_HEADER_REFCOUNT_ORDER    96
#define QCOW2_HEADER_LENGTH            100
#define QCOW2_HEADER_COMPRESSION_TYPE  104

#define QCOW2_V2_HEADER_LENGTH     72
#define QCOW2_V3_HEADER_LENGTH_MIN 104
#define QCOW2_V3_HEADER_LENGTH     112 /* what is written today */

#define QCOW2_CLUSTER_BITS_MIN 9
#define QCOW2_CLUSTER_BITS_MAX 21

#define QCOW2_INCOMPAT_DIRTY       (UINT64_C (1) << 0)
#define QCOW2_INCOMPAT_CORRUPT     (UINT64_C (1) << 1)
#define QCOW2_INCOMPAT_DATA_FILE   (UINT64_C (1) << 2)
#define QCOW2_INCOMPAT_COMPRESSION (UINT64_C (1) << 3)
#define QCOW2_INCOMPAT_EXTENDED_L2 (UINT64_C (1) << 4)

/* Ours, on outputs that are not finished.  The format leaves unknown bits to
 * be refused by every reader, which is the point; the feature name table
 * makes the reader say QCOW2_UNFINISHED_NAME.
 */
#define QCOW2_INCOMPAT_UNFINISHED_BIT 63
#define QCOW2_INCOMPAT_UNFINISHED     (UINT64_C (1) << 63)
#define QCOW2_UNFINISHED_NAME         "unfinished backup output"

#define QCOW2_AUTOCLEAR_BITMAPS  (UINT64_C (1) << 0)
#define QCOW2_AUTOCLEAR_DATA_RAW (UINT64_C (1) << 1)

#define QCOW2_COMPRESSION_ZLIB 0
#define QCOW2_COMPRESSION_ZSTD 1

/* "Header extensions": u32 type, u32 length, data padded to 8 bytes. */
#define QCOW2_EXT_END            0U
#define QCOW2_EXT_BACKING_FORMAT 0xe2792acaU
#define QCOW2_EXT_FEATURE_NAMES  0x6803f857U
#define QCOW2_EXT_BITMAPS        0x23852875U
#define QCOW2_EXT_DATA_FILE      0x44415441U

#define QCOW2_FEATURE_NAME_RECORD   48 /* u8 kind, u8 bit, 46 bytes of name */
#define QCOW2_FEATURE_KIND_INCOMPAT 0

#define QCOW2_BACKING_NAME_MAX 1023

/* Limits that QEMU holds to as well. */
#define QCOW2_L1_BYTES_MAX       (UINT64_C (32) << 20)
#define QCOW2_REFTABLE_BYTES_MAX (UINT64_C (8) << 20)
#define QCOW2_SNAPSHOTS_MAX      65536

/* L1 and L2 table entries. */
#define QCOW2_OFFSET_MASK       UINT64_C (0x00fffffffffffe00)
#define QCOW2_COPIED            (UINT64_C (1) << 63)
#define QCOW2_L2_COMPRESSED     (UINT64_C (1) << 62)
#define QCOW2_L2_ZERO           (UINT64_C (1) << 0)
#define QCOW2_L1_RESERVED       UINT64_C (0x7f000000000001ff)
#define QCOW2_L2_RESERVED       UINT64_C (0x3f000000000001fe)
#define QCOW2_SUBCLUSTERS       32
#define QCOW2_COMPRESSED_SECTOR 512

/* "Bitmaps". */
#define QCOW2_BITMAPS_EXT_LENGTH         24
#define QCOW2_BITMAPS_MAX                65535
#define QCOW2_BITMAP_DIRECTORY_ENTRY     24 /* then extra data, then the name */
#define QCOW2_BITMAP_DIRECTORY_MAX       (UINT64_C (1024) * QCOW2_BITMAPS_MAX)
#define QCOW2_BITMAP_TYPE_DIRTY          1
#define QCOW2_BITMAP_NAME_MAX            1023
#define QCOW2_BITMAP_GRANULARITY_MIN     9
#define QCOW2_BITMAP_GRANULARITY_MAX     31
#define QCOW2_BITMAP_BYTES_MAX           (UINT64_C (512) << 20)
#define QCOW2_BITMAP_FLAG_IN_USE         (UINT32_C (1) << 0)
#define QCOW2_BITMAP_FLAG_AUTO           (UINT32_C (1) << 1)
#define QCOW2_BITMAP_FLAGS_RESERVED      (~UINT32_C (3))
#define QCOW2_BITMAP_TABLE_ALL_ONES      (UINT64_C (1) << 0)
#define QCOW2_BITMAP_TABLE_RESERVED      UINT64_C (0xff000000000001fe)

#endif /* PULLBACK_QCOW2_FORMAT_H */
