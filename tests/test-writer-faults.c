/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-writer-faults.c: the writer is stopped at every single call that
 * changes the file, by an error or by a sudden end: never does an unfinished
 * file look like a finished one.
 *
 * The calls below stand before those of the C library.
 */

#include "config.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "writer-tests.h"

#define IMAGE   "image.qcow2"
#define PARTIAL "image.qcow2.partial"

/* What happens at call number fault_at, counted from 1. */
static enum { NO_FAULT, FAIL, DIE } fault;
static unsigned fault_at, calls;
static bool no_rename_flags; /* a file system without RENAME_NOREPLACE */
static unsigned data_writes, data_bytes; /* pwrites of a cluster or more */

/* The child's exit status when it was made to end. */
#define DIED 42

static bool
call_fails (int errnum)
{
  if (++calls != fault_at || fault == NO_FAULT)
    return false;
  if (fault == DIE)
    _exit (DIED);
  errno = errnum;
  return true;
}

ssize_t
pwrite (int fd, const void *buffer, size_t count, off_t offset)
{
  /* Half a write is the worst that ENOSPC leaves behind. */
  if (call_fails (ENOSPC)) {
    syscall (SYS_pwrite64, fd, buffer, count / 2, offset);
    errno = ENOSPC;
    return -1;
  }
  if (count >= 65536) {
    data_writes++;
    data_bytes += count;
  }
  return syscall (SYS_pwrite64, fd, buffer, count, offset);
}

int
fdatasync (int fd)
{
  return call_fails (EIO) ? -1 : syscall (SYS_fdatasync, fd);
}

int
fsync (int fd)
{
  return call_fails (EIO) ? -1 : syscall (SYS_fsync, fd);
}

int
ftruncate (int fd, off_t length)
{
  return call_fails (ENOSPC) ? -1 : syscall (SYS_ftruncate, fd, length);
}

int
renameat2 (int folder, const char *name, int new_folder, const char *new_name,
           unsigned flags)
{
  if (no_rename_flags && flags != 0) {
    errno = EINVAL;
    return -1;
  }
  return call_fails (EIO) ? -1
                          : syscall (SYS_renameat2, folder, name, new_folder,
                                     new_name, flags);
}

int
linkat (int folder, const char *name, int new_folder, const char *new_name,
        int flags)
{
  return call_fails (EPERM) ? -1
                            : syscall (SYS_linkat, folder, name, new_folder,
                                       new_name, flags);
}

static char data[8 * 65536];

/* A small backup: data, zeroes, compressed data.  Returns 0 or -1, with the
 * writer still there for questions.
 */
static int
make_image (pb_writer **writer, enum pb_compression compression)
{
  struct pb_writer_options options = {
    .struct_size = sizeof options,
    .compression = compression,
    .backing_file = "base",
    .backing_format = PB_FORMAT_RAW,
  };

  *writer = pb_writer_create (IMAGE, sizeof data, &options);
  if (*writer == NULL)
    return -1;
  if (pb_writer_write (*writer, data, sizeof data / 2, 0) == -1
      || pb_writer_zero (*writer, sizeof data / 2, sizeof data / 2) == -1)
    return -1;
  return pb_writer_finish (*writer);
}

/* Either there is a whole image under its own name, or none; and what has the
 * other name is refused, empty, or itself whole.
 */
static void
check_files (void)
{
  struct stat st;

  if (exists (IMAGE) && !is_refused_as_unfinished (IMAGE))
    CHECK_IMAGE (IMAGE, "model");
  if (stat (PARTIAL, &st) == 0 && st.st_size > 0
      && !is_refused_as_unfinished (PARTIAL))
    CHECK_IMAGE (PARTIAL, "model");
}

static void
test_sudden_end (enum pb_compression compression)
{
  bool finished = false;

  for (unsigned at = 1; !finished; at++) {
    pid_t child = fork ();
    int status;

    CHECK (child >= 0);
    if (child == 0) {
      pb_writer *writer;

      fault = DIE;
      fault_at = at;
      calls = 0;
      _exit (make_image (&writer, compression) == 0 ? 0 : 1);
    }
    CHECK (waitpid (child, &status, 0) == child && WIFEXITED (status));
    finished = WEXITSTATUS (status) == 0;
    CHECK (finished || WEXITSTATUS (status) == DIED);
    CHECK (!finished || exists (IMAGE));
    check_files ();
    unlink (IMAGE);
    unlink (PARTIAL);
  }
}

/* Every call fails in its turn, until a run needs fewer calls than that. */
static void
test_errors (enum pb_compression compression)
{
  unsigned failures = 0;

  for (unsigned at = 1;; at++) {
    pb_writer *writer;
    int r;

    fault = FAIL;
    fault_at = at;
    calls = 0;
    r = make_image (&writer, compression);
    fault = NO_FAULT;
    if (r == 0) {
      pb_writer_free (writer);
      CHECK_IMAGE (IMAGE, "model");
      CHECK (unlink (IMAGE) == 0);
      break;
    }

    failures++;
    CHECK (strstr (pb_get_error (), IMAGE) != NULL
           || strstr (pb_get_error (), ".: fsync") != NULL);
    CHECK (pb_get_errno () == ENOSPC || pb_get_errno () == EIO
           || pb_get_errno () == EPERM);
    if (writer == NULL)
      CHECK (!exists (PARTIAL));
    else {
      /* It fails for good, for the same reason. */
      char *first = strdup (pb_get_error ());

      CHECK (first != NULL);
      CHECK (pb_writer_write (writer, data, 65536, 65536) == -1);
      CHECK (strcmp (pb_get_error (), first) == 0);
      CHECK (pb_writer_zero (writer, 65536, 65536) == -1);
      CHECK (pb_writer_finish (writer) == -1);
      CHECK (strcmp (pb_get_error (), first) == 0);
      free (first);
      pb_writer_free (writer);
      CHECK (exists (PARTIAL) ? is_refused_as_unfinished (PARTIAL)
                              : exists (IMAGE));
    }
    check_files ();
    unlink (IMAGE);
    unlink (PARTIAL);
  }
  CHECK (failures >= 10);
}

/* A real limit, met in the midst of data. */
static void
test_file_size_limit (void)
{
  struct rlimit old, limited = { 200 << 10, 200 << 10 };
  pb_writer *writer;

  CHECK (getrlimit (RLIMIT_FSIZE, &old) == 0);
  limited.rlim_max = old.rlim_max;
  CHECK (signal (SIGXFSZ, SIG_IGN) != SIG_ERR);
  CHECK (setrlimit (RLIMIT_FSIZE, &limited) == 0);
  CHECK_FAILS (make_image (&writer, PB_COMPRESSION_NONE) == -1, EFBIG,
               PARTIAL ": cannot write");
  CHECK_FAILS (pb_writer_finish (writer) == -1, EFBIG, "at offset 0x");
  pb_writer_free (writer);
  CHECK (setrlimit (RLIMIT_FSIZE, &old) == 0);
  CHECK (is_refused_as_unfinished (PARTIAL));
  CHECK (unlink (PARTIAL) == 0);
}

static void
test_request_is_one_write (void)
{
  pb_writer *writer;

  writer = pb_writer_create (IMAGE, sizeof data, NULL);
  CHECK_OK (writer != NULL);
  data_writes = data_bytes = 0;
  memset (data, 'd', sizeof data);
  CHECK_OK (pb_writer_write (writer, data, 256 << 10, 256 << 10) == 0);
  CHECK (data_writes == 1 && data_bytes == 256 << 10);
  pb_writer_free (writer);
  CHECK (unlink (PARTIAL) == 0);
}

static void
make_model (void)
{
  int fd;

  fill_random (data, sizeof data / 4);
  fill_text (data + sizeof data / 4, sizeof data / 8);
  make_raw ("base", sizeof data, 0xb1);
  make_raw ("model", sizeof data, 0);
  fd = open ("model", O_WRONLY);
  CHECK (fd >= 0 && write (fd, data, sizeof data) == sizeof data);
  close (fd);
}

int
main (void)
{
  unit_seed ();
  enter_folder ();
  make_model ();
  test_sudden_end (PB_COMPRESSION_NONE);
  test_sudden_end (PB_COMPRESSION_ZSTD);
  test_errors (PB_COMPRESSION_NONE);
  test_errors (PB_COMPRESSION_ZLIB);
  no_rename_flags = true;
  test_sudden_end (PB_COMPRESSION_NONE);
  test_errors (PB_COMPRESSION_NONE);
  test_file_size_limit ();
  test_request_is_one_write ();
  leave_folder ();
  return 0;
}
