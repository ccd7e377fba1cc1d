/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file.h: a file or block device, with errors that name it and the place. */

#ifndef PULLBACK_FILE_H
#define PULLBACK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct file {
  int fd;
  char *name;    /* as the user or the naming file wrote it, for messages */
  uint64_t size; /* bytes, when it was opened */
  dev_t device;  /* with inode: which file this is, whatever its name */
  ino_t inode;
  bool is_block_device;
};

/* Open NAME for reading.  Directories, pipes and character devices are
 * refused.
 */
int file_open (struct file *file, const char *name);

/* Closing a file that was only read cannot lose anything; a file that was
 * written is synced first by file_sync ().
 */
void file_close (struct file *file);

/* Read exactly COUNT bytes.  An end of file before that is an error (EIO):
 * nothing here is ever read as zeroes because it is missing.
 */
int file_pread (const struct file *file, void *buffer, size_t count,
                uint64_t offset);

/* As file_pread (), but the bytes beyond the end of the file are set to zero:
 * only for places where a format says that a file may end inside a unit.
 */
int file_pread_padded (const struct file *file, void *buffer, size_t count,
                       uint64_t offset);

/* Write exactly COUNT bytes. */
int file_pwrite (const struct file *file, const void *buffer, size_t count,
                 uint64_t offset);

/* As file_pwrite (), but pages that are all zero are left out: only for a part
 * of a new file where nothing has been written yet, which then stays a hole
 * and reads as zeroes.
 */
int file_pwrite_sparse (const struct file *file, const void *buffer,
                        size_t count, uint64_t offset);

/* Make everything written durable (fsync). */
int file_sync (const struct file *file);

/* Make what was written readable again after a crash (fdatasync): the bytes,
 * and the file's size, but not its times.
 */
int file_sync_data (const struct file *file);

/* PATH as it is when absolute, else relative to the folder of BASE: how qcow2
 * resolves the file names that an image holds.  Freed by the caller.
 */
char *file_resolve (const char *base, const char *path);

#endif /* PULLBACK_FILE_H */
