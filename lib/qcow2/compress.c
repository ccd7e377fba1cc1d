/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compress.c: compress single clusters, as qcow2 stores them. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "cleanup.h"
#include "compress.h"
#include "error.h"

/* "Compressed clusters": a raw deflate stream.  QEMU reads it with a window of
 * 12 bits.
 */
#define DEFLATE_WINDOW_BITS  (-12)
#define DEFLATE_MEMORY_LEVEL 9

struct compressor {
  struct compressor *next; /* in the list of unused ones */
  z_stream deflate;        /* one of the two is in use */
  ZSTD_CCtx *zstd;
  bool has_deflate;
  uint8_t scratch[];
};

int
compression_check (enum pb_compression compression, int level)
{
  int min = 1, max = 0;
  const char *name = NULL;

  switch (compression) {
  case PB_COMPRESSION_NONE:
    if (level == 0)
      return 0;
    pb_set_error (EINVAL, "compression level %d without compression", level);
    return -1;
  case PB_COMPRESSION_ZLIB:
    name = "zlib";
    max = Z_BEST_COMPRESSION;
    break;
  case PB_COMPRESSION_ZSTD:
    name = "zstd";
    max = ZSTD_maxCLevel ();
    break;
  }
  if (name == NULL) {
    pb_set_error (EINVAL, "unknown compression type %d", (int) compression);
    return -1;
  }
  if (level != 0 && (level < min || level > max)) {
    pb_set_error (EINVAL, "%s has no compression level %d: it must be %d to %d",
                  name, level, min, max);
    return -1;
  }
  return 0;
}

static void
compressor_free (struct compressor *c)
{
  if (c == NULL)
    return;
  if (c->has_deflate)
    deflateEnd (&c->deflate);
  ZSTD_freeCCtx (c->zstd);
  free (c);
}

static int
start_deflate (struct compressor *c, int level)
{
  int r = deflateInit2 (&c->deflate, level ? level : Z_DEFAULT_COMPRESSION,
                        Z_DEFLATED, DEFLATE_WINDOW_BITS, DEFLATE_MEMORY_LEVEL,
                        Z_DEFAULT_STRATEGY);

  if (r != Z_OK) {
    pb_set_error (r == Z_MEM_ERROR ? ENOMEM : EINVAL, "zlib: cannot start: %s",
                  zError (r));
    return -1;
  }
  c->has_deflate = true;
  return 0;
}

static int
start_zstd (struct compressor *c, int level)
{
  size_t r;

  c->zstd = ZSTD_createCCtx ();
  if (c->zstd == NULL) {
    pb_set_error (ENOMEM, "zstd: cannot start: out of memory");
    return -1;
  }
  r = ZSTD_CCtx_setParameter (c->zstd, ZSTD_c_compressionLevel,
                              level ? level : ZSTD_CLEVEL_DEFAULT);
  if (ZSTD_isError (r)) {
    pb_set_error (EINVAL, "zstd: cannot set level %d: %s", level,
                  ZSTD_getErrorName (r));
    return -1;
  }
  return 0;
}

static struct compressor *
compressor_new (const struct compressors *pool)
{
  struct compressor *c = calloc (1, sizeof *c + pool->scratch_size);
  int r;

  if (c == NULL) {
    set_error_errno ("compression");
    return NULL;
  }
  if (pool->compression == PB_COMPRESSION_ZSTD)
    r = start_zstd (c, pool->level);
  else
    r = start_deflate (c, pool->level);
  if (r == -1) {
    compressor_free (c);
    return NULL;
  }
  return c;
}

void
compressors_init (struct compressors *pool, enum pb_compression compression,
                  int level, size_t scratch_size)
{
  *pool = (struct compressors) {
    .compression = compression, .level = level, .scratch_size = scratch_size
  };
  pthread_mutex_init (&pool->lock, NULL);
}

void
compressors_clear (struct compressors *pool)
{
  while (pool->unused) {
    struct compressor *c = pool->unused;

    pool->unused = c->next;
    compressor_free (c);
  }
  pthread_mutex_destroy (&pool->lock);
}

struct compressor *
compressors_take (struct compressors *pool)
{
  {
    LOCK_CURRENT_SCOPE (&pool->lock);
    struct compressor *c = pool->unused;

    if (c) {
      pool->unused = c->next;
      return c;
    }
  }
  return compressor_new (pool);
}

void
compressors_give_back (struct compressors *pool, struct compressor *c)
{
  LOCK_CURRENT_SCOPE (&pool->lock);

  c->next = pool->unused;
  pool->unused = c;
}

uint8_t *
compressor_scratch (const struct compressor *c)
{
  return (uint8_t *) c->scratch;
}

static ssize_t
run_deflate (struct compressor *c, void *output, size_t capacity,
             const void *input, size_t count)
{
  int r = deflateReset (&c->deflate);

  if (r == Z_OK) {
    c->deflate.next_in = (Bytef *) input; /* zlib does not write to it */
    c->deflate.avail_in = count;
    c->deflate.next_out = output;
    c->deflate.avail_out = capacity;
    r = deflate (&c->deflate, Z_FINISH);
  }
  switch (r) {
  case Z_STREAM_END:
    return capacity - c->deflate.avail_out;
  case Z_OK: /* the output is full, and this is not the end */
  case Z_BUF_ERROR:
    return 0;
  default:
    pb_set_error (EIO, "zlib: cannot compress: %s", zError (r));
    return -1;
  }
}

static ssize_t
run_zstd (struct compressor *c, void *output, size_t capacity,
          const void *input, size_t count)
{
  size_t r = ZSTD_compress2 (c->zstd, output, capacity, input, count);

  if (!ZSTD_isError (r))
    return r;
  if (ZSTD_getErrorCode (r) == ZSTD_error_dstSize_tooSmall)
    return 0;
  pb_set_error (ZSTD_getErrorCode (r) == ZSTD_error_memory_allocation ? ENOMEM
                                                                      : EIO,
                "zstd: cannot compress: %s", ZSTD_getErrorName (r));
  return -1;
}

ssize_t
compressor_run (struct compressor *c, void *output, size_t capacity,
                const void *input, size_t count)
{
  if (c->has_deflate)
    return run_deflate (c, output, capacity, input, count);
  return run_zstd (c, output, capacity, input, count);
}
