/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-tests.h: what the tests of the qcow2 writer share: qemu-img as the
 * judge, and a raw file as the model of what a disk holds.
 */

#ifndef PULLBACK_WRITER_TESTS_H
#define PULLBACK_WRITER_TESTS_H

#include "unit-folder.h"

/* Does QEMU, left to find out the format by itself, refuse the file, and say
 * why?
 */
__attribute__ ((__unused__)) static bool
is_refused_as_unfinished (const char *name)
{
  return shell ("qemu-img info -U %s", name) == 1
         && file_has ("output", "unfinished backup output");
}

/* The image passes qemu-img check and has the bytes of the raw model. */
#define CHECK_IMAGE(image, model)                                             \
  do {                                                                        \
    CHECK_SHELL ("qemu-img check -f qcow2 %s", (image));                      \
    CHECK_SHELL ("qemu-img compare -f qcow2 -F raw %s %s", (image), (model)); \
  } while (0)

__attribute__ ((__unused__)) static void
fill_random (void *buffer, size_t count)
{
  uint8_t *bytes = buffer;

  for (size_t i = 0; i < count; i++) {
    static uint64_t word;

    word = i % 8 == 0 ? unit_random () : word >> 8;
    bytes[i] = word;
  }
}

/* Bytes that a compressor likes. */
__attribute__ ((__unused__)) static void
fill_text (void *buffer, size_t count)
{
  uint8_t *bytes = buffer;
  uint64_t salt = unit_random ();

  for (size_t i = 0; i < count; i++)
    bytes[i] = 'a' + (i * (1 + salt % 7) + salt / 8 % 16) % 17;
}

/* A raw file of SIZE bytes, all of them VALUE. */
__attribute__ ((__unused__)) static void
make_raw (const char *name, uint64_t size, uint8_t value)
{
  int fd = open (name, O_RDWR | O_CREAT | O_TRUNC, 0666);
  uint8_t buffer[65536];

  CHECK (fd >= 0);
  CHECK (ftruncate (fd, size) == 0);
  memset (buffer, value, sizeof buffer);
  for (uint64_t done = 0; value != 0 && done < size;) {
    size_t n = size - done < sizeof buffer ? size - done : sizeof buffer;

    CHECK (pwrite (fd, buffer, n, done) == (ssize_t) n);
    done += n;
  }
  close (fd);
}

#endif /* PULLBACK_WRITER_TESTS_H */
