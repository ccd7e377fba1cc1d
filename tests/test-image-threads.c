/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-image-threads.c: many threads read one chain at once, at random places
 * and in sizes that cut clusters, and all see the same disk.
 */

#include "config.h"

#include <pthread.h>

#include "unit.h"

#define THREADS 12
#define READS   150
#define LONGEST (300 * 1024)

static pb_image *image;
static char *disk; /* as one thread read it, in one go */
static uint64_t size;

static void
run (const char *command)
{
  int r = system (command);

  if (r != 0) {
    fprintf (stderr, "exit status %d: %s\n", r, command);
    exit (1);
  }
}

/* Compressed clusters of both sorts, plain ones, zeroes and holes, in four
 * layers of different cluster sizes.
 */
static void
make_chain (void)
{
  run ("qemu-img create -q -f qcow2 -o cluster_size=64k plain.qcow2 9M && "
       "for i in 0 1 2 3 4 5 6 7; do qemu-io -t unsafe -f qcow2 "
       "-c \"write -P 1$i ${i}123k 777k\" plain.qcow2 >/dev/null; done");
  run ("qemu-img convert -t unsafe -f qcow2 -O qcow2 -c -o cluster_size=2M "
       "plain.qcow2 zlib.qcow2 && qemu-img create -q -f qcow2 -b zlib.qcow2 "
       "-F qcow2 -o cluster_size=4k,compression_type=zstd zstd.qcow2 10M && "
       "qemu-io -t unsafe -f qcow2 -c 'write -c -P 1 64k 1M' "
       "-c 'write -P 2 300k 40k' -c 'write -z 3M 300k' zstd.qcow2 >/dev/null");
  run ("qemu-img create -q -f qcow2 -b zstd.qcow2 -F qcow2 "
       "-o cluster_size=64k,extended_l2=on ext.qcow2 && "
       "qemu-io -t unsafe -f qcow2 -c 'write -P 3 5M 6k' "
       "-c 'write -P 4 5130k 100k' -c 'write -z 6M 10k' ext.qcow2 >/dev/null");
  run ("qemu-img create -q -f qcow2 -b ext.qcow2 -F qcow2 "
       "-o cluster_size=512 top.qcow2 && qemu-io -t unsafe -f qcow2 "
       "-c 'write -P 5 7M 3k' -c 'write -P 6 1M 70k' top.qcow2 >/dev/null");
}

static void
compare_with_qemu (void)
{
  FILE *file;
  char *want = malloc (size);

  run ("qemu-img convert -t unsafe -f qcow2 -O raw top.qcow2 want.raw");
  CHECK (want != NULL && (file = fopen ("want.raw", "r")) != NULL);
  CHECK (fread (want, 1, size, file) == size);
  CHECK (memcmp (want, disk, size) == 0);
  fclose (file);
  free (want);
}

static void *
read_at_random (void *opaque)
{
  uint64_t state = *(uint64_t *) opaque;
  char *buffer = malloc (LONGEST);

  CHECK (buffer != NULL);
  for (unsigned i = 0; i < READS; i++) {
    uint64_t offset, count;

    state = state * UINT64_C (6364136223846793005) + 1442695040888963407;
    offset = (state >> 33) % size;
    /* As often small as large, as often on sectors as not. */
    count = (state >> 20) % (state >> 63 ? LONGEST : 5000) + 1;
    if (state >> 62 & 1)
      offset -= offset % 4096;
    if (count > size - offset)
      count = size - offset;
    CHECK_OK (pb_image_pread (image, buffer, count, offset) == 0);
    CHECK (memcmp (buffer, disk + offset, count) == 0);
  }
  free (buffer);
  return NULL;
}

/* Maps in the same time as reads; each covers the disk without a gap. */
static void *
map_all (void *unused)
{
  struct pb_extent extent;
  uint64_t at = 0;
  int r;
  pb_extents *extents = pb_image_map (image, 0, size);

  (void) unused;
  CHECK_OK (extents != NULL);
  while ((r = pb_extents_next (extents, &extent)) == 1) {
    CHECK (extent.offset == at);
    if (extent.flags & PB_EXTENT_ZERO) {
      for (uint64_t i = 0; i < extent.length; i++)
        CHECK (disk[at + i] == 0);
    }
    at += extent.length;
  }
  CHECK_OK (r == 0);
  CHECK (at == size);
  pb_extents_free (extents);
  return NULL;
}

int
main (void)
{
  char folder[] = "/tmp/pullback-test-image-threads.XXXXXX";
  char command[100];
  pthread_t threads[THREADS];
  uint64_t seeds[THREADS];

  if (system ("qemu-img --version >/dev/null 2>&1") != 0) {
    fprintf (stderr, "skipped because there is no qemu-img\n");
    return 77;
  }
  unit_seed ();
  CHECK (mkdtemp (folder) != NULL && chdir (folder) == 0);
  make_chain ();

  image = pb_image_open ("top.qcow2", PB_FORMAT_QCOW2, 0);
  CHECK_OK (image != NULL);
  CHECK (pb_image_get_depth (image) == 4);
  size = pb_image_get_size (image);
  disk = malloc (size);
  CHECK (disk != NULL);
  CHECK_OK (pb_image_pread (image, disk, size, 0) == 0);
  compare_with_qemu ();

  for (unsigned i = 0; i < THREADS; i++) {
    seeds[i] = unit_random ();
    CHECK (pthread_create (&threads[i], NULL,
                           i % 4 == 3 ? map_all : read_at_random, &seeds[i])
           == 0);
  }
  for (unsigned i = 0; i < THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);

  pb_image_free (image);
  free (disk);
  snprintf (command, sizeof command, "rm -r %s", folder);
  run (command);
  return 0;
}
