/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* decompress.c: compressed clusters made plain, from hostile input. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "decompress.h"
#include "error.h"
#include "format.h"

/* Raw deflate.  QEMU writes windows of 12 bits, others of 15, which reads
 * both.
 */
#define WINDOW_BITS (-15)

struct decompressor {
  z_stream zlib;
  bool have_zlib;
  ZSTD_DCtx *zstd;
  void *input;
  size_t input_size;
};

struct decompressor *
decompressor_new (void)
{
  struct decompressor *decompressor = calloc (1, sizeof *decompressor);

  if (decompressor == NULL)
    set_error_errno ("decompression");
  return decompressor;
}

void
decompressor_free (struct decompressor *decompressor)
{
  if (decompressor == NULL)
    return;
  if (decompressor->have_zlib)
    inflateEnd (&decompressor->zlib);
  ZSTD_freeDCtx (decompressor->zstd);
  free (decompressor->input);
  free (decompressor);
}

void *
decompressor_input (struct decompressor *decompressor, size_t size)
{
  if (decompressor->input_size < size) {
    free (decompressor->input);
    decompressor->input_size = 0;
    decompressor->input = malloc (size);
    if (decompressor->input == NULL) {
      set_error_errno ("decompression");
      return NULL;
    }
    decompressor->input_size = size;
  }
  return decompressor->input;
}

static int
start_inflate (struct decompressor *decompressor)
{
  int r = decompressor->have_zlib
            ? inflateReset (&decompressor->zlib)
            : inflateInit2 (&decompressor->zlib, WINDOW_BITS);

  if (r != Z_OK) {
    pb_set_error (ENOMEM, "cannot start zlib");
    return -1;
  }
  decompressor->have_zlib = true;
  return 0;
}

static int
decompress_zlib (struct decompressor *decompressor, const void *input,
                 size_t input_size, void *output, size_t output_size)
{
  z_stream *stream = &decompressor->zlib;
  int r;

  if (start_inflate (decompressor) == -1)
    return -1;
  stream->next_in = (Bytef *) input;
  stream->avail_in = input_size;
  stream->next_out = output;
  stream->avail_out = output_size;
  r = inflate (stream, Z_FINISH);

  /* A full output is the end, whether or not the stream has more to say. */
  if (stream->avail_out == 0 && (r == Z_STREAM_END || r == Z_BUF_ERROR))
    return 0;
  if (r == Z_STREAM_END || r == Z_BUF_ERROR)
    pb_set_error (EIO, "the deflate data ends after %zu of %zu bytes",
                  output_size - stream->avail_out, output_size);
  else
    pb_set_error (r == Z_MEM_ERROR ? ENOMEM : EIO, "bad deflate data: %s",
                  stream->msg ? stream->msg : zError (r));
  return -1;
}

/* One or more frames back to back.  Whole frames are decoded straight into the
 * output, so no frame can make the library allocate the window it asks for.
 */
static int
decompress_zstd (struct decompressor *decompressor, const void *input,
                 size_t input_size, void *output, size_t output_size)
{
  const char *in = input;
  size_t in_left = input_size, done = 0;

  if (decompressor->zstd == NULL
      && (decompressor->zstd = ZSTD_createDCtx ()) == NULL) {
    pb_set_error (ENOMEM, "cannot start zstd");
    return -1;
  }
  while (done < output_size) {
    size_t frame, r;

    if (in_left == 0) {
      pb_set_error (EIO, "the zstd data ends after %zu of %zu bytes", done,
                    output_size);
      return -1;
    }
    frame = ZSTD_findFrameCompressedSize (in, in_left);
    r = ZSTD_isError (frame)
          ? frame
          : ZSTD_decompressDCtx (decompressor->zstd, (char *) output + done,
                                 output_size - done, in, frame);
    if (ZSTD_isError (r)) {
      pb_set_error (EIO, "bad zstd data after %zu of %zu bytes: %s", done,
                    output_size, ZSTD_getErrorName (r));
      return -1;
    }
    in += frame;
    in_left -= frame;
    done += r;
  }
  return 0;
}

int
decompress (struct decompressor *decompressor, unsigned type,
            const void *input, size_t input_size, void *output,
            size_t output_size)
{
  return type == QCOW2_COMPRESSION_ZSTD
           ? decompress_zstd (decompressor, input, input_size, output,
                              output_size)
           : decompress_zlib (decompressor, input, input_size, output,
                              output_size);
}
