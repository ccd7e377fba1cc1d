/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-qcow2-decompress.c: what compressed clusters may be, and what not. */

#include "config.h"

#include <zlib.h>
#include <zstd.h>

#include "compressed-cluster.h"
#include "decompress.h"
#include "format.h"
#include "unit.h"

#define CLUSTER 65536
#define ROOM    (4 * CLUSTER)

static unsigned char plain[2 * CLUSTER], packed[ROOM], output[CLUSTER];
static struct decompressor *decompressor;

static void
fill_plain (void)
{
  for (size_t i = 0; i < sizeof plain; i++)
    plain[i] = unit_random_below (8) ? plain[i ? i - 1 : 0] : unit_random ();
}

static size_t
deflate_plain (size_t length, int window_bits)
{
  z_stream stream = { 0 };
  size_t size;

  CHECK (deflateInit2 (&stream, 9, Z_DEFLATED, window_bits, 9,
                       Z_DEFAULT_STRATEGY)
         == Z_OK);
  stream.next_in = plain;
  stream.avail_in = length;
  stream.next_out = packed;
  stream.avail_out = sizeof packed;
  CHECK (deflate (&stream, Z_FINISH) == Z_STREAM_END);
  size = stream.total_out;
  deflateEnd (&stream);
  return size;
}

static int
decompress_packed (unsigned type, size_t size)
{
  memset (output, 0xee, sizeof output);
  return decompress (decompressor, type, packed, size, output, sizeof output);
}

static void
check_good (unsigned type, size_t size)
{
  CHECK_OK (decompress_packed (type, size) == 0);
  CHECK (memcmp (output, plain, sizeof output) == 0);
}

static void
test_zlib (void)
{
  size_t size = deflate_plain (CLUSTER, -12);

  check_good (QCOW2_COMPRESSION_ZLIB, size);
  /* What the sector holds beyond the data is somebody else's. */
  memset (packed + size, 0xff, 511);
  check_good (QCOW2_COMPRESSION_ZLIB, size + 511);
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZLIB, size / 2) == -1, EIO,
               "the deflate data ends after");
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZLIB, 0) == -1, EIO,
               "the deflate data ends after 0 of 65536 bytes");

  check_good (QCOW2_COMPRESSION_ZLIB, deflate_plain (CLUSTER, -15));
  /* A stream that goes on after the cluster is cut there. */
  check_good (QCOW2_COMPRESSION_ZLIB, deflate_plain (2 * CLUSTER, -15));
  size = deflate_plain (CLUSTER - 1, -12);
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZLIB, size) == -1, EIO,
               "the deflate data ends after 65535 of 65536 bytes");
  size = deflate_plain (CLUSTER, 12); /* with a zlib header */
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZLIB, size) == -1, EIO,
               "bad deflate data: ");
}

static size_t
pack_zstd (size_t at, const void *data, size_t length)
{
  size_t r = ZSTD_compress (packed + at, sizeof packed - at, data, length, 3);

  CHECK (!ZSTD_isError (r));
  return at + r;
}

static void
test_zstd (void)
{
  static const unsigned char skippable[]
    = { 0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'a', 'b', 'c', 'd' };
  size_t size = pack_zstd (0, plain, CLUSTER);

  check_good (QCOW2_COMPRESSION_ZSTD, size);
  memset (packed + size, 0xff, 511);
  check_good (QCOW2_COMPRESSION_ZSTD, size + 511);
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZSTD, size - 1) == -1, EIO,
               "bad zstd data after 0 of 65536 bytes");
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZSTD, 0) == -1, EIO,
               "the zstd data ends after 0 of 65536 bytes");

  /* Frames in a row, one of which says nothing. */
  memcpy (packed, skippable, sizeof skippable);
  size = pack_zstd (sizeof skippable, plain, 1000);
  check_good (QCOW2_COMPRESSION_ZSTD,
              pack_zstd (size, plain + 1000, CLUSTER - 1000));
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZSTD, size) == -1, EIO,
               "the zstd data ends after 1000 of 65536 bytes");

  size = pack_zstd (0, plain, CLUSTER + 1);
  CHECK_FAILS (decompress_packed (QCOW2_COMPRESSION_ZSTD, size) == -1, EIO,
               "bad zstd data");
}

/* A frame may claim a window of 2 GiB: that must cost no memory, and since
 * the frame is decoded whole it does not matter either.
 */
static void
test_zstd_huge_window (void)
{
  /* Magic, descriptor without content size or checksum, window 2^31; one last
   * block of run length encoding: 65536 times 'x'.
   */
  static const unsigned char frame[]
    = { 0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x03, 0x00, 0x08, 'x' };

  memcpy (packed, frame, sizeof frame);
  CHECK_OK (decompress_packed (QCOW2_COMPRESSION_ZSTD, sizeof frame) == 0);
  CHECK (output[0] == 'x' && output[CLUSTER - 1] == 'x');
}

static void
test_damage (unsigned type)
{
  static unsigned char whole[ROOM];
  size_t size = type == QCOW2_COMPRESSION_ZSTD
                  ? pack_zstd (0, plain, CLUSTER)
                  : deflate_plain (CLUSTER, -12);

  memcpy (whole, packed, size);
  for (unsigned i = 0; i < 300; i++) {
    memcpy (packed, whole, size);
    for (uint64_t n = unit_random_below (4) + 1; n > 0; n--)
      packed[unit_random_below (size)] ^= 1U << unit_random_below (8);
    /* It may well succeed; it must not write beyond output. */
    if (decompress_packed (type, size) == -1)
      CHECK (pb_get_errno () == EIO);
  }
}

/* "Compressed Clusters Descriptor", by hand. */
static void
test_descriptor (void)
{
  uint64_t offset;
  size_t length;

  compressed_cluster_place (UINT64_C (0x4000000000050000), 16, &offset,
                            &length);
  CHECK (offset == 0x50000 && length == 512);
  compressed_cluster_place (UINT64_C (0x40c0000000050123), 16, &offset,
                            &length);
  CHECK (offset == 0x50123 && length == 4 * 512 - 0x123);
  compressed_cluster_place (UINT64_MAX & ~QCOW2_COPIED, 21, &offset, &length);
  CHECK (offset == (UINT64_C (1) << 49) - 1 && length == 8192 * 512 - 511);
  compressed_cluster_place (UINT64_MAX & ~QCOW2_COPIED, 9, &offset, &length);
  CHECK (offset == (UINT64_C (1) << 61) - 1 && length == 2 * 512 - 511);
}

int
main (void)
{
  unit_seed ();
  fill_plain ();
  decompressor = decompressor_new ();
  CHECK_OK (decompressor != NULL);
  test_zlib ();
  test_zstd ();
  test_zstd_huge_window ();
  test_damage (QCOW2_COMPRESSION_ZLIB);
  test_damage (QCOW2_COMPRESSION_ZSTD);
  test_descriptor ();
  decompressor_free (decompressor);
  decompressor_free (NULL);
  return 0;
}
