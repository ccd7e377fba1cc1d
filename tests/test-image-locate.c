/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-image-locate.c: a disk that is put together from where its pieces are
 * said to lie is the disk.
 */

#include "config.h"

#include "unit.h"

#define MIB (UINT64_C (1) << 20)

static char folder[] = "/tmp/pullback-locate-XXXXXX";

static void
remove_folder (void)
{
  char command[64];

  snprintf (command, sizeof command, "rm -rf %s", folder);
  CHECK (system (command) == 0);
}

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

/* Pieces of each kind in the whole disk, asked for in steps of STEP bytes. */
struct kinds {
  unsigned of[PB_LOCATION_FILE + 1];
};

static struct kinds
check_disk (pb_view *view, uint64_t step)
{
  uint64_t size = pb_view_get_size (view);
  char *want = malloc (step), *got = malloc (step);
  struct kinds kinds = { { 0 } };
  struct pb_location location;

  CHECK (want && got);
  for (uint64_t at = 0; at < size; at += location.length) {
    uint64_t length = size - at < step ? size - at : step;

    CHECK_OK (pb_view_locate (view, at, length, &location) == 0);
    CHECK (location.length > 0 && location.length <= length);
    length = location.length;
    CHECK_OK (pb_view_pread (view, want, length, at) == 0);
    CHECK ((location.fd >= 0) == (location.kind == PB_LOCATION_FILE));
    switch (location.kind) {
    case PB_LOCATION_COPY:
      break;
    case PB_LOCATION_ZERO:
      memset (got, 0, length);
      CHECK (memcmp (want, got, length) == 0);
      break;
    case PB_LOCATION_FILE:
      CHECK (pread (location.fd, got, length, location.file_offset)
             == (ssize_t) length);
      CHECK (memcmp (want, got, length) == 0);
      break;
    }
    kinds.of[location.kind]++;
  }
  free (want);
  free (got);
  return kinds;
}

static void
test_chain (void)
{
  struct pb_location location;
  struct kinds kinds;
  pb_view *view;

  shell ("qemu-img create -f qcow2 base.qcow2 5M && "
         "qemu-io -c 'write -P 1 0 2M' -c 'write -z 1M 256k' "
         "        -c 'write -c -P 2 3M 64k' base.qcow2 && "
         "qemu-img create -f qcow2 -b base.qcow2 -F qcow2 top.qcow2 8M && "
         "qemu-io -c 'write -P 3 512k 100k' -c 'write -z 1792k 512k' "
         "        -c 'write -P 4 7M 1M' top.qcow2");
  view = pb_view_open_disk (path_of ("top.qcow2"), PB_FORMAT_QCOW2, 0);
  CHECK_OK (view != NULL);
  kinds = check_disk (view, MIB);
  CHECK (kinds.of[PB_LOCATION_COPY] == 1);
  CHECK (kinds.of[PB_LOCATION_ZERO] > 0 && kinds.of[PB_LOCATION_FILE] > 0);
  check_disk (view, 4096 + 512);

  CHECK_FAILS (pb_view_locate (view, 0, 0, &location) == -1, EINVAL, "empty");
  CHECK_FAILS (pb_view_locate (view, 8 * MIB - 1, 2, &location) == -1, EINVAL,
               "top.qcow2");
  pb_view_free (view);
}

/* Tables that are not in memory are not waited for, if that is asked for. */
static void
test_nowait (void)
{
  pb_view *view
    = pb_view_open_disk (path_of ("top.qcow2"), PB_FORMAT_QCOW2, 0);
  struct pb_location location;
  struct pb_extent extent;
  pb_extents *extents;

  CHECK_OK (view != NULL);
  pb_set_nowait (true);
  CHECK_FAILS (pb_view_locate (view, 0, MIB, &location) == -1, EAGAIN,
               "not in memory");
  extents = pb_view_extents (view, 0, 8 * MIB);
  CHECK_OK (extents != NULL);
  CHECK_FAILS (pb_extents_next (extents, &extent) == -1, EAGAIN,
               "not in memory");
  pb_extents_free (extents);
  pb_set_nowait (false);
  CHECK_OK (pb_view_locate (view, 0, 8 * MIB, &location) == 0);
  check_disk (view, 8 * MIB);
  pb_set_nowait (true);
  CHECK_OK (pb_view_locate (view, 0, 8 * MIB, &location) == 0);
  extents = pb_view_extents (view, 0, 8 * MIB);
  CHECK_OK (extents != NULL);
  CHECK_OK (pb_extents_next (extents, &extent) == 1);
  pb_extents_free (extents);
  pb_set_nowait (false);
  pb_view_free (view);
}

/* What is in the chain below is not at hand, and is no zeroes. */
static void
test_no_backing (void)
{
  struct pb_location location;
  pb_image *image = pb_image_open (path_of ("top.qcow2"), PB_FORMAT_QCOW2,
                                   PB_IMAGE_NO_BACKING);

  CHECK_OK (image != NULL);
  CHECK_OK (pb_image_locate (image, 0, 4096, &location) == 0);
  CHECK (location.kind == PB_LOCATION_COPY && location.length == 4096);
  CHECK_OK (pb_image_locate (image, 512 << 10, 4096, &location) == 0);
  CHECK (location.kind == PB_LOCATION_FILE);
  CHECK_FAILS (pb_image_locate (image, 0, 0, &location) == -1, EINVAL,
               "empty");
  pb_image_free (image);
}

static void
test_raw (void)
{
  struct kinds kinds;
  pb_view *view;

  shell ("truncate -s 3M a.raw && "
         "qemu-io -f raw -c 'write -P 5 1M 64k' a.raw");
  view = pb_view_open_disk (path_of ("a.raw"), PB_FORMAT_RAW, 0);
  CHECK_OK (view != NULL);
  kinds = check_disk (view, 4 * MIB);
  CHECK (kinds.of[PB_LOCATION_COPY] == 0);
  CHECK (kinds.of[PB_LOCATION_FILE] > 0);
  pb_view_free (view);
}

int
main (void)
{
  CHECK (mkdtemp (folder));
  atexit (remove_folder);
  test_chain ();
  test_nowait ();
  test_no_backing ();
  test_raw ();
  return 0;
}
