/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file.c: a file or block device, with errors that name it and the place. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "file.h"
#include "zero.h"

/* The kernel moves at most this much in one call. */
#define IO_MAX ((size_t) 0x7ffff000)

/* What file systems keep a hole of, at the finest. */
#define SPARSE_PAGE ((size_t) 4096)

int
file_open (struct file *file, const char *name)
{
  struct stat st;
  off_t end;

  /* O_NONBLOCK: opening a pipe must fail below, not hang here.  It means
   * nothing to the kinds of files that are let through.
   */
  int CLEANUP_CLOSE fd = open (name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd == -1) {
    set_error_errno ("%s", name);
    return -1;
  }
  if (fstat (fd, &st) == -1) {
    set_error_errno ("%s: fstat", name);
    return -1;
  }
  if (!S_ISREG (st.st_mode) && !S_ISBLK (st.st_mode)) {
    pb_set_error (EINVAL, "%s: is neither a regular file nor a block device",
                  name);
    return -1;
  }
  end = lseek (fd, 0, SEEK_END);
  if (end == -1) {
    set_error_errno ("%s: lseek", name);
    return -1;
  }

  *file = (struct file) {
    .name = strdup (name),
    .size = end,
    .device = S_ISBLK (st.st_mode) ? st.st_rdev : st.st_dev,
    .inode = S_ISBLK (st.st_mode) ? 0 : st.st_ino,
    .is_block_device = S_ISBLK (st.st_mode),
  };
  if (file->name == NULL) {
    set_error_errno ("%s", name);
    return -1;
  }
  file->fd = fd;
  fd = -1;
  return 0;
}

void
file_close (struct file *file)
{
  if (file->fd >= 0)
    close (file->fd);
  free (file->name);
  *file = (struct file) { .fd = -1 };
}

/* Returns how many bytes there were before the end of the file, or -1. */
static ssize_t
pread_until_end (const struct file *file, void *buffer, size_t count,
                 uint64_t offset)
{
  size_t done = 0;

  while (done < count) {
    size_t n = count - done < IO_MAX ? count - done : IO_MAX;
    ssize_t r = pread (file->fd, (char *) buffer + done, n, offset + done);

    if (r == 0)
      break;
    if (r == -1) {
      if (errno == EINTR)
        continue;
      set_error_errno ("%s: cannot read %zu bytes at offset 0x%" PRIx64,
                       file->name, n, offset + done);
      return -1;
    }
    done += r;
  }
  return done;
}

int
file_pread (const struct file *file, void *buffer, size_t count,
            uint64_t offset)
{
  ssize_t r = pread_until_end (file, buffer, count, offset);

  if (r == -1)
    return -1;
  if ((size_t) r < count) {
    pb_set_error (EIO,
                  "%s: cannot read %zu bytes at offset 0x%" PRIx64
                  ": the file ends at 0x%" PRIx64,
                  file->name, count, offset, offset + r);
    return -1;
  }
  return 0;
}

int
file_pread_padded (const struct file *file, void *buffer, size_t count,
                   uint64_t offset)
{
  ssize_t r = pread_until_end (file, buffer, count, offset);

  if (r == -1)
    return -1;
  memset ((char *) buffer + r, 0, count - r);
  return 0;
}

int
file_pwrite (const struct file *file, const void *buffer, size_t count,
             uint64_t offset)
{
  size_t done = 0;

  while (done < count) {
    size_t n = count - done < IO_MAX ? count - done : IO_MAX;
    ssize_t r
      = pwrite (file->fd, (const char *) buffer + done, n, offset + done);

    if (r == 0) {
      r = -1;
      errno = ENOSPC;
    }
    if (r == -1) {
      if (errno == EINTR)
        continue;
      set_error_errno ("%s: cannot write %zu bytes at offset 0x%" PRIx64,
                       file->name, n, offset + done);
      return -1;
    }
    done += r;
  }
  return 0;
}

int
file_pwrite_sparse (const struct file *file, const void *buffer, size_t count,
                    uint64_t offset)
{
  const char *bytes = buffer;
  size_t start = 0, end;

  while (start < count) {
    size_t page = count - start < SPARSE_PAGE ? count - start : SPARSE_PAGE;

    if (buffer_is_zero (bytes + start, page)) {
      start += page;
      continue;
    }
    for (end = start + page; end < count; end += page) {
      page = count - end < SPARSE_PAGE ? count - end : SPARSE_PAGE;
      if (buffer_is_zero (bytes + end, page))
        break;
    }
    if (file_pwrite (file, bytes + start, end - start, offset + start) == -1)
      return -1;
    start = end;
  }
  return 0;
}

int
file_sync (const struct file *file)
{
  if (fsync (file->fd) == -1) {
    set_error_errno ("%s: fsync", file->name);
    return -1;
  }
  return 0;
}

int
file_sync_data (const struct file *file)
{
  if (fdatasync (file->fd) == -1) {
    set_error_errno ("%s: fdatasync", file->name);
    return -1;
  }
  return 0;
}

char *
file_resolve (const char *base, const char *path)
{
  const char *slash = strrchr (base, '/');
  size_t folder_length = slash && path[0] != '/' ? slash + 1 - base : 0;
  char *resolved = malloc (folder_length + strlen (path) + 1);

  if (resolved == NULL) {
    set_error_errno ("%s", path);
    return NULL;
  }
  memcpy (resolved, base, folder_length);
  strcpy (resolved + folder_length, path);
  return resolved;
}
