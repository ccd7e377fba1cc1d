/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* image.c: an image made of the bytes of a fuzz input, in memory only. */

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

pb_image *
fuzz_open_image (const uint8_t *data, size_t size)
{
  int fd = memfd_create ("fuzz", MFD_CLOEXEC);
  char path[64];
  pb_image *image;

  if (fd == -1 || write (fd, data, size) != (ssize_t) size) {
    perror ("memfd");
    abort ();
  }
  snprintf (path, sizeof path, "/proc/self/fd/%d", fd);
  image = pb_image_open (path, PB_FORMAT_QCOW2, PB_IMAGE_NO_BACKING);
  close (fd);
  return image;
}
