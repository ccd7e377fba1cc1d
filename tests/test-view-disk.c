/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-view-disk.c: the view of a disk at rest, raw and qcow2. */

#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "unit.h"

#define MIB        (UINT64_C (1) << 20)
#define NR_THREADS 8

static char folder[] = "/tmp/pullback-view-XXXXXX";

static void
remove_folder (void)
{
  char command[64];

  snprintf (command, sizeof command, "rm -rf %s", folder);
  CHECK (system (command) == 0);
}

/* Run a shell command in the folder of this test. */
static void
shell (const char *command)
{
  char text[1024];

  snprintf (text, sizeof text, "cd %s && { %s; } >/dev/null", folder, command);
  CHECK (system (text) == 0);
}

static const char *
path_of (const char *name)
{
  static char path[128];

  snprintf (path, sizeof path, "%s/%s", folder, name);
  return path;
}

/* The stream's next extent must be this one. */
static void
check_next (pb_extents *extents, uint64_t offset, uint64_t length,
            uint32_t flags)
{
  struct pb_extent extent;

  CHECK_OK (pb_extents_next (extents, &extent) == 1);
  CHECK (extent.offset == offset);
  CHECK (extent.length == length);
  CHECK (extent.flags == flags);
}

static void
check_end (pb_extents *extents)
{
  struct pb_extent extent;

  CHECK (pb_extents_next (extents, &extent) == 0);
  pb_extents_free (extents);
}

static void
check_block_size (const pb_view *view, uint32_t want)
{
  uint32_t minimum, preferred, maximum;

  pb_view_get_block_size (view, &minimum, &preferred, &maximum);
  CHECK (minimum == 1);
  CHECK (preferred == want);
  CHECK (maximum == 32 * MIB);
}

static void
test_raw (void)
{
  struct pb_bitmap_info info;
  char buffer[16];
  pb_view *view;

  shell ("truncate -s 1000001 a.raw");
  shell ("printf hello | dd of=a.raw bs=1 seek=999996 conv=notrunc 2>&1");
  view = pb_view_open_disk (path_of ("a.raw"), PB_FORMAT_RAW, 0);
  CHECK_OK (view != NULL);
  CHECK (pb_view_get_size (view) == 1000001);
  check_block_size (view, 4096);

  memset (buffer, 'x', sizeof buffer);
  CHECK_OK (pb_view_pread (view, buffer, 6, 999995) == 0);
  CHECK (memcmp (buffer, "\0hellox", 7) == 0);
  CHECK_OK (pb_view_pread (view, buffer, 0, 1000001) == 0);

  CHECK (pb_view_nr_dirty_maps (view) == 0);
  CHECK_FAILS (pb_view_get_dirty_map_info (view, 0, &info) == -1, EINVAL,
               "dirty map 0 of 0");
  CHECK_FAILS (pb_view_dirty_extents (view, "b0", 0, 512) == NULL, ENOENT,
               "b0");
  pb_view_free (view);
}

static void
test_ranges (void)
{
  static char buffer[33 * MIB];
  pb_view *view;

  shell ("truncate -s 64M large.raw");
  view = pb_view_open_disk (path_of ("large.raw"), PB_FORMAT_RAW, 0);
  CHECK_OK (view != NULL);

  CHECK_FAILS (pb_view_pread (view, buffer, 1, 64 * MIB) == -1, EINVAL,
               "beyond its end");
  CHECK_FAILS (pb_view_pread (view, buffer, 2, 64 * MIB - 1) == -1, EINVAL,
               "large.raw: 2 bytes at offset 0x3ffffff");
  CHECK_FAILS (pb_view_pread (view, buffer, 2, UINT64_MAX) == -1, EINVAL,
               "beyond its end");
  CHECK_FAILS (pb_view_pread (view, buffer, 32 * MIB + 1, 0) == -1, EINVAL,
               "the maximum is 33554432");
  CHECK_OK (pb_view_pread (view, buffer, 32 * MIB, 32 * MIB) == 0);

  CHECK_FAILS (pb_view_extents (view, 0, 64 * MIB + 1) == NULL, EINVAL,
               "beyond its end");
  CHECK_FAILS (pb_view_extents (view, UINT64_MAX, 1) == NULL, EINVAL,
               "beyond its end");
  CHECK_FAILS (pb_view_dirty_extents (view, "b0", 0, 64 * MIB + 1) == NULL,
               EINVAL, "beyond its end");
  check_end (pb_view_extents (view, 64 * MIB, 0));
  pb_view_free (view);
}

static void
make_qcow2 (void)
{
  shell ("qemu-img create -f qcow2 a.qcow2 4M");
  shell ("qemu-img bitmap --add -g 32k a.qcow2 fine");
  shell ("qemu-io -c 'write -P 7 1M 64k' -c 'write -z 2M 128k' a.qcow2");
  shell ("qemu-img bitmap --add --disable a.qcow2 clean");
}

static void
test_qcow2 (void)
{
  const uint32_t hole = PB_EXTENT_ZERO | PB_EXTENT_HOLE;
  struct pb_bitmap_info info;
  char buffer[2];
  pb_view *view = pb_view_open_disk (path_of ("a.qcow2"), PB_FORMAT_QCOW2, 0);
  pb_extents *extents;

  CHECK_OK (view != NULL);
  CHECK (pb_view_get_size (view) == 4 * MIB);
  check_block_size (view, 65536);
  CHECK_OK (pb_view_pread (view, buffer, 2, MIB - 1) == 0);
  CHECK (buffer[0] == 0 && buffer[1] == 7);

  /* Pieces of one kind may come as several extents. */
  extents = pb_extents_coalesce (pb_view_extents (view, MIB / 2, MIB), 0);
  CHECK_OK (extents != NULL);
  check_next (extents, MIB / 2, MIB / 2, hole);
  check_next (extents, MIB, 65536, 0);
  check_next (extents, MIB + 65536, MIB / 2 - 65536, hole);
  check_end (extents);

  CHECK (pb_view_nr_dirty_maps (view) == 2);
  CHECK_OK (pb_view_get_dirty_map_info (view, 0, &info) == 0);
  CHECK (strcmp (info.name, "fine") == 0);
  CHECK (info.granularity == 32768);
  CHECK (info.usable && info.enabled && !info.in_use && info.reason == NULL);
  CHECK_OK (pb_view_get_dirty_map_info (view, 1, &info) == 0);
  CHECK (strcmp (info.name, "clean") == 0 && !info.enabled && info.usable);
  CHECK_FAILS (pb_view_get_dirty_map_info (view, 2, &info) == -1, EINVAL,
               "dirty map 2 of 2");

  extents = pb_view_dirty_extents (view, "fine", MIB + 1000, 2 * MIB);
  CHECK_OK (extents != NULL);
  check_next (extents, MIB + 1000, 65536 - 1000, PB_EXTENT_DIRTY);
  check_next (extents, MIB + 65536, MIB - 65536, 0);
  check_next (extents, 2 * MIB, 2 * 65536, PB_EXTENT_DIRTY);
  check_next (extents, 2 * MIB + 2 * 65536, MIB + 1000 - 2 * 65536, 0);
  check_end (extents);
  extents = pb_view_dirty_extents (view, "clean", 0, 4 * MIB);
  CHECK_OK (extents != NULL);
  check_next (extents, 0, 4 * MIB, 0);
  check_end (extents);

  CHECK_FAILS (pb_view_dirty_extents (view, "coarse", 0, 512) == NULL, ENOENT,
               "fine");
  pb_view_free (view);
}

/* A map of an unusable bitmap is listed, and fails each time it is wanted. */
static void
test_in_use (void)
{
  struct pb_bitmap_info info;
  pb_view *view;

  shell ("cp a.qcow2 torn.qcow2");
  shell ("qemu-io -c 'write 0 64k' -c abort torn.qcow2 2>&1 || :");
  view = pb_view_open_disk (path_of ("torn.qcow2"), PB_FORMAT_QCOW2, 0);
  CHECK_OK (view != NULL);
  CHECK_OK (pb_view_get_dirty_map_info (view, 0, &info) == 0);
  CHECK (!info.usable && info.in_use && info.reason != NULL);
  for (int i = 0; i < 2; i++)
    CHECK_FAILS (pb_view_dirty_extents (view, "fine", 0, 512) == NULL, ESTALE,
                 "full backup");
  pb_view_free (view);
}

static void *
ask_for_map (void *opaque)
{
  pb_view *view = opaque;

  for (unsigned i = 0; i < 100; i++) {
    pb_extents *extents = pb_view_dirty_extents (view, "fine", 0, 2 * MIB);

    CHECK_OK (extents != NULL);
    check_next (extents, 0, MIB, 0);
    check_next (extents, MIB, 65536, PB_EXTENT_DIRTY);
    check_next (extents, MIB + 65536, MIB - 65536, 0);
    check_end (extents);
  }
  return NULL;
}

static void
test_threads (void)
{
  pthread_t threads[NR_THREADS];
  pb_view *view = pb_view_open_disk (path_of ("a.qcow2"), PB_FORMAT_QCOW2, 0);

  CHECK_OK (view != NULL);
  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_create (&threads[i], NULL, ask_for_map, view) == 0);
  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_join (threads[i], NULL) == 0);
  pb_view_free (view);
}

static void
test_open_fails (void)
{
  CHECK_FAILS (pb_view_open_disk (path_of ("nosuch"), PB_FORMAT_RAW, 0)
                 == NULL,
               ENOENT, "nosuch: No such file or directory");
  CHECK_FAILS (pb_view_open_disk (path_of ("a.raw"), PB_FORMAT_QCOW2, 0)
                 == NULL,
               EINVAL, "a.raw: is not a qcow2 image");
  pb_view_free (NULL);
}

int
main (void)
{
  CHECK (mkdtemp (folder) != NULL);
  atexit (remove_folder);
  test_raw ();
  test_ranges ();
  make_qcow2 ();
  test_qcow2 ();
  test_in_use ();
  test_threads ();
  test_open_fails ();
  return 0;
}
