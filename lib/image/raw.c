/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* raw.c: where the data of a raw image is. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "error.h"
#include "layer.h"
#include "round.h"

/* Whatever the file system cannot tell is data, which is always true. */
static void
all_data (uint64_t length, struct cluster_run *run)
{
  run->kind = CLUSTER_DATA;
  run->length = length;
}

/* What lies beyond the end of a file is no hole.  The locks are advisory: a
 * file can be cut although it is locked, and what it has lost must not be
 * backed up as zeroes.
 */
static int
check_not_cut (const struct file *file)
{
  off_t end = lseek (file->fd, 0, SEEK_END);

  if (end == -1) {
    set_error_errno ("%s: lseek", file->name);
    return -1;
  }
  if ((uint64_t) end < file->size) {
    pb_set_error (EIO, "%s: was cut to %" PRIu64 " of its %" PRIu64
                       " bytes while it was open",
                  file->name, (uint64_t) end, file->size);
    return -1;
  }
  return 0;
}

/* lseek () moves the file's offset, which nothing here reads from, so threads
 * do not disturb each other.
 */
int
raw_lookup (const struct file *file, uint64_t offset, uint64_t length,
            enum cluster_purpose purpose, struct cluster_run *run)
{
  off_t data, hole;

  run->host = offset;
  /* Holes read as zeroes anyway, and faster than they are asked for. */
  if (purpose == CLUSTERS_TO_READ || file->is_block_device) {
    all_data (length, run);
    return 0;
  }

  data = lseek (file->fd, offset, SEEK_DATA);
  if (data == -1 && errno == ENXIO)
    data = offset + length; /* no more data in the file */
  if (data == -1) {
    if (errno != EINVAL && errno != EOPNOTSUPP) {
      set_error_errno ("%s: lseek", file->name);
      return -1;
    }
    all_data (length, run);
    return 0;
  }
  if ((uint64_t) data > offset) {
    if (check_not_cut (file) == -1)
      return -1;
    run->kind = CLUSTER_ZERO;
    run->length = min_u64 (data - offset, length);
    return 0;
  }
  hole = lseek (file->fd, offset, SEEK_HOLE);
  /* A file that somebody is writing may have changed in between. */
  if (hole == -1 || (uint64_t) hole <= offset)
    all_data (length, run);
  else
    all_data (min_u64 (hole - offset, length), run);
  return 0;
}
