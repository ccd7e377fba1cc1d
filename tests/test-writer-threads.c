/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-writer-threads.c: random requests in random order from many threads
 * make the same disk as they make of a raw file.
 */

#include "config.h"

#include <pthread.h>
#include <stdatomic.h>

#include "writer-tests.h"

#define THREADS          8
#define MAX_REQUEST      (256 << 10)
#define MAX_CLUSTER_SIZE (1 << 20)
#define MAX_SIZE         (12 << 20)

struct request {
  uint64_t offset, count;
  uint64_t seed; /* of its bytes */
};

struct work {
  pb_writer *writer;
  uint64_t cluster_size;
  int model;
  struct request *requests;
  size_t nr_requests;
  atomic_size_t next;
};

/* Each cluster of a request is zero, random, compressible, or zero but for
 * one byte.  Only these bytes decide, not which thread makes them.
 */
static void
make_bytes (const struct work *work, const struct request *request,
            uint8_t *buffer)
{
  uint64_t state = request->seed | 1;

  memset (buffer, 0, request->count);
  for (uint64_t start = 0; start < request->count;
       start += work->cluster_size) {
    uint64_t end = start + work->cluster_size < request->count
                     ? start + work->cluster_size
                     : request->count;
    unsigned kind = (state = state * UINT64_C (6364136223846793005) + 1) >> 61;

    if (kind == 0)
      buffer[start + (state >> 8) % (end - start)] = 1;
    for (uint64_t i = start; i < end && kind >= 3; i++) {
      state = state * UINT64_C (6364136223846793005) + 1;
      buffer[i] = kind >= 6 ? state >> 56 : 'a' + (state >> 62);
    }
  }
}

static void *
do_requests (void *opaque)
{
  struct work *work = opaque;
  uint8_t *buffer = malloc (MAX_CLUSTER_SIZE + MAX_REQUEST);
  size_t i;

  CHECK (buffer != NULL);
  while ((i = atomic_fetch_add (&work->next, 1)) < work->nr_requests) {
    const struct request *request = &work->requests[i];

    if (request->seed % 8 == 0) /* the backing file is not to be seen */
      continue;
    if (request->seed % 8 == 1) {
      memset (buffer, 0, request->count);
      CHECK_OK (pb_writer_zero (work->writer, request->count, request->offset)
                == 0);
    }
    else {
      make_bytes (work, request, buffer);
      CHECK_OK (pb_writer_write (work->writer, buffer, request->count,
                                 request->offset)
                == 0);
    }
    CHECK (pwrite (work->model, buffer, request->count, request->offset)
           == (ssize_t) request->count);
  }
  free (buffer);
  return NULL;
}

/* Cut the disk into requests, and shuffle them. */
static void
plan_requests (struct work *work, uint64_t size)
{
  uint64_t most = MAX_REQUEST / work->cluster_size;

  work->requests = calloc (size / work->cluster_size + 1,
                           sizeof *work->requests);
  CHECK (work->requests != NULL);
  for (uint64_t offset = 0; offset < size;) {
    uint64_t count
      = work->cluster_size * (1 + unit_random_below (most ? most : 1));

    if (count > size - offset)
      count = size - offset;
    work->requests[work->nr_requests++]
      = (struct request) { offset, count, unit_random () };
    offset += count;
  }
  for (size_t i = work->nr_requests; i > 1; i--) {
    size_t j = unit_random_below (i);
    struct request r = work->requests[i - 1];

    work->requests[i - 1] = work->requests[j];
    work->requests[j] = r;
  }
}

static void
test_random_disk (uint32_t cluster_size, enum pb_compression compression,
                  bool backing)
{
  uint64_t size = 512 * (1 + unit_random_below (MAX_SIZE / 512));
  struct pb_writer_options options = {
    .struct_size = sizeof options,
    .cluster_size = cluster_size,
    .compression = compression,
    .backing_file = backing ? "base" : NULL,
    .backing_format = PB_FORMAT_RAW,
  };
  struct work work = { .cluster_size = cluster_size };
  pthread_t threads[THREADS];

  printf ("cluster size %u, compression %d, backing %d, %" PRIu64 " bytes\n",
          cluster_size, (int) compression, backing, size);
  fflush (stdout);
  make_raw ("model", size, backing ? 0xb1 : 0);
  if (backing)
    make_raw ("base", size, 0xb1);
  work.model = open ("model", O_WRONLY);
  CHECK (work.model >= 0);
  work.writer = pb_writer_create ("image.qcow2", size, &options);
  CHECK_OK (work.writer != NULL);
  plan_requests (&work, size);
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_create (&threads[i], NULL, do_requests, &work) == 0);
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);
  CHECK_OK (pb_writer_finish (work.writer) == 0);
  pb_writer_free (work.writer);
  free (work.requests);
  close (work.model);

  CHECK_IMAGE ("image.qcow2", "model");
  CHECK (unlink ("image.qcow2") == 0);
}

int
main (void)
{
  unit_seed ();
  enter_folder ();
  test_random_disk (65536, PB_COMPRESSION_NONE, true);
  test_random_disk (65536, PB_COMPRESSION_ZLIB, true);
  test_random_disk (65536, PB_COMPRESSION_ZSTD, false);
  test_random_disk (512, PB_COMPRESSION_NONE, false);
  test_random_disk (512, PB_COMPRESSION_ZSTD, true);
  test_random_disk (4096, PB_COMPRESSION_ZLIB, false);
  test_random_disk (MAX_CLUSTER_SIZE, PB_COMPRESSION_ZSTD, true);
  leave_folder ();
  return 0;
}
