/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer-tests.h: what the tests of the qcow2 writer share: an empty folder,
 * qemu-img as the judge, and a raw file as the model of what a disk holds.
 */

#ifndef PULLBACK_WRITER_TESTS_H
#define PULLBACK_WRITER_TESTS_H

#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "unit.h"

/* Work in an empty folder of its own, which leave_folder () removes.  Where
 * there is room in memory it is there: the writer syncs a lot, and what a sync
 * is good for shows when the power fails only.
 */
static char test_folder[300];

__attribute__ ((__unused__)) static void
enter_folder (void)
{
  const char *parent = getenv ("TMPDIR");
  struct statvfs fs;

  if (parent == NULL)
    parent = statvfs ("/dev/shm", &fs) == 0 && access ("/dev/shm", W_OK) == 0
                 && (uint64_t) fs.f_bavail * fs.f_frsize >= 1 << 30
               ? "/dev/shm"
               : "/tmp";
  CHECK (snprintf (test_folder, sizeof test_folder,
                   "%s/pullback-writer.XXXXXX", parent)
         < (int) sizeof test_folder);
  CHECK (mkdtemp (test_folder) != NULL);
  CHECK (chdir (test_folder) == 0);
}

/* The exit status of a shell command.  Its output goes to the file "output".
 */
__attribute__ ((__unused__, __format__ (__printf__, 1, 2))) static int
shell (const char *format, ...)
{
  char command[2048], line[4096];
  va_list args;
  int status;

  va_start (args, format);
  CHECK (vsnprintf (command, sizeof command, format, args)
         < (int) sizeof command);
  va_end (args);
  snprintf (line, sizeof line, "( %s ) >output 2>&1", command);
  status = system (line);
  CHECK (WIFEXITED (status));
  return WEXITSTATUS (status);
}

__attribute__ ((__unused__)) static void
leave_folder (void)
{
  char command[400];

  CHECK (chdir ("/") == 0);
  snprintf (command, sizeof command, "rm -rf '%s'", test_folder);
  CHECK (system (command) == 0);
}

/* Does a file have this text in its first bytes? */
__attribute__ ((__unused__)) static bool
file_has (const char *name, const char *text)
{
  char buffer[4096];
  FILE *f = fopen (name, "r");
  size_t n;

  CHECK (f != NULL);
  n = fread (buffer, 1, sizeof buffer - 1, f);
  fclose (f);
  buffer[n] = '\0';
  return strstr (buffer, text) != NULL;
}

__attribute__ ((__unused__)) static bool
exists (const char *name)
{
  struct stat st;

  return lstat (name, &st) == 0;
}

/* Does QEMU, left to find out the format by itself, refuse the file, and say
 * why?
 */
__attribute__ ((__unused__)) static bool
is_refused_as_unfinished (const char *name)
{
  return shell ("qemu-img info -U %s", name) == 1
         && file_has ("output", "unfinished backup output");
}

/* A shell command that must succeed; if not, what it says is shown. */
#define CHECK_SHELL(...)                                                      \
  do {                                                                        \
    if (shell (__VA_ARGS__) != 0) {                                           \
      fprintf (stderr, "%s:%d: %s: ", __FILE__, __LINE__, __func__);          \
      fprintf (stderr, __VA_ARGS__);                                          \
      fprintf (stderr, "\n");                                                 \
      (void) !system ("cat output >&2");                                      \
      exit (1);                                                               \
    }                                                                         \
  } while (0)

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
