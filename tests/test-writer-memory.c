/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-writer-memory.c: memory does not grow with the disk, nor with what is
 * written to it, nor with the order it comes in.
 */

#include "config.h"

#include <sys/resource.h>

#include "writer-tests.h"

#define SIZE     (UINT64_C (16) << 40)
#define CLUSTER  UINT64_C (65536)
#define CLUSTERS (SIZE / CLUSTER)

/* Its tables take a page in the file for nearly every one of these. */
#define NR_ZEROES 20000
#define NR_DATA   200

/* Growth of the process over the writer's life: its cache of 8 MiB, an L1
 * table of 256 KiB, and what tools that watch the memory add to that.
 */
#define MAX_GROWTH_KIB (32 << 10)

static long
max_rss_kib (void)
{
  struct rusage usage;

  CHECK (getrusage (RUSAGE_SELF, &usage) == 0);
  return usage.ru_maxrss;
}

/* A different cluster for each N: an odd factor permutes the numbers below a
 * power of two.
 */
static uint64_t
scattered_offset (uint64_t n)
{
  return n * UINT64_C (0x9e3779b97f4a7c15) % CLUSTERS * CLUSTER;
}

static void
check_by_qemu (void)
{
  FILE *f = fopen ("commands", "w");

  CHECK (f != NULL);
  for (uint64_t n = 0; n < NR_DATA + 100; n++)
    fprintf (f, "read -P %d %" PRIu64 " %" PRIu64 "\n", n < NR_DATA ? 'd' : 0,
             scattered_offset (n), CLUSTER);
  CHECK (fclose (f) == 0);
  CHECK_SHELL ("qemu-io -r -f qcow2 image.qcow2 <commands");
  CHECK (shell ("qemu-io -r -f qcow2 image.qcow2 <commands "
                "| grep -c -i -e 'verification failed' -e error")
         == 1);
  CHECK_SHELL ("qemu-img check image.qcow2");
}

int
main (void)
{
  struct pb_writer_options options = {
    .struct_size = sizeof options,
    .backing_file = "base",
    .backing_format = PB_FORMAT_RAW,
  };
  static char data[CLUSTER];
  long before, growth;
  pb_writer *writer;

  enter_folder ();
  make_raw ("base", 100 << 10, 0xb1);
  memset (data, 'd', sizeof data);
  before = max_rss_kib ();

  writer = pb_writer_create ("image.qcow2", SIZE, &options);
  CHECK_OK (writer != NULL);
  for (uint64_t n = 0; n < NR_DATA; n++)
    CHECK_OK (pb_writer_write (writer, data, sizeof data, scattered_offset (n))
              == 0);
  for (uint64_t n = NR_DATA; n < NR_DATA + NR_ZEROES; n++)
    CHECK_OK (pb_writer_zero (writer, CLUSTER, scattered_offset (n)) == 0);
  CHECK_OK (pb_writer_finish (writer) == 0);
  pb_writer_free (writer);

  growth = max_rss_kib () - before;
  printf ("grew by %ld KiB\n", growth);
  CHECK (growth < MAX_GROWTH_KIB);
  check_by_qemu ();

  /* Without a backing file zeroes need no tables at all. */
  CHECK (unlink ("image.qcow2") == 0);
  writer = pb_writer_create ("image.qcow2", SIZE, NULL);
  CHECK_OK (writer != NULL);
  CHECK_OK (pb_writer_zero (writer, SIZE, 0) == 0);
  CHECK_OK (pb_writer_finish (writer) == 0);
  struct pb_writer_stats stats;
  pb_writer_get_stats (writer, &stats);
  CHECK (stats.zero_bytes == SIZE);
  CHECK (stats.file_size < 1 << 20);
  pb_writer_free (writer);
  CHECK_SHELL ("qemu-img check image.qcow2");
  leave_folder ();
  return 0;
}
