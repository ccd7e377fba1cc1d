/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer.c: a new qcow2 file, from its first byte to its final name. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "format.h"
#include "round.h"
#include "writer-data.h"
#include "writer.h"

#define DEFAULT_CLUSTER_BITS 16

/* Clusters that pb_writer_zero () handles before it lets others have the
 * lock.
 */
#define ZERO_CLUSTERS 65536

static bool
l1_fits (unsigned cluster_bits, uint64_t size)
{
  return tables_l1_size (cluster_bits, size)
         <= QCOW2_L1_BYTES_MAX / sizeof (uint64_t);
}

/* The smallest cluster size from BITS on that the disk can have, or 0. */
static unsigned
fitting_cluster_bits (unsigned bits, uint64_t size)
{
  for (; bits <= QCOW2_CLUSTER_BITS_MAX; bits++)
    if (l1_fits (bits, size))
      return bits;
  return 0;
}

static int
choose_cluster_size (pb_writer *writer, const char *path, uint64_t size,
                     uint32_t asked)
{
  unsigned bits = DEFAULT_CLUSTER_BITS, fitting;

  if (asked != 0) {
    if (!is_power_of_2 (asked) || asked < 1U << QCOW2_CLUSTER_BITS_MIN
        || asked > 1U << QCOW2_CLUSTER_BITS_MAX) {
      pb_set_error (EINVAL,
                    "%s: cluster size %" PRIu32 ": must be a power of two "
                    "from %u to %u bytes",
                    path, asked, 1U << QCOW2_CLUSTER_BITS_MIN,
                    1U << QCOW2_CLUSTER_BITS_MAX);
      return -1;
    }
    bits = __builtin_ctz (asked);
  }

  fitting = size <= PB_DISK_SIZE_MAX ? fitting_cluster_bits (bits, size) : 0;
  if (fitting == 0) {
    pb_set_error (EFBIG,
                  "%s: a disk of %" PRIu64 " bytes is larger than qcow2 "
                  "allows",
                  path, size);
    return -1;
  }
  if (asked != 0 && fitting != bits) {
    pb_set_error (EFBIG,
                  "%s: a disk of %" PRIu64 " bytes is too large for clusters "
                  "of %" PRIu32 " bytes; use %u bytes or more",
                  path, size, asked, 1U << fitting);
    return -1;
  }
  writer->header.cluster_bits = fitting;
  return 0;
}

/* Names that QEMU would not take as that of a file: what is before a colon
 * would be a protocol to it, and "json:" a whole description.
 */
static bool
looks_like_protocol (const char *name)
{
  return name[strcspn (name, ":/")] == ':';
}

/* Replacing a file by an overlay on itself would destroy it. */
static int
check_backing_is_not_output (const char *path, const char *backing)
{
  char *CLEANUP_FREE resolved = file_resolve (path, backing);
  struct stat a, b;

  if (resolved == NULL)
    return -1;
  if (stat (path, &a) == 0 && stat (resolved, &b) == 0
      && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
    pb_set_error (EINVAL, "%s: cannot be its own backing file", path);
    return -1;
  }
  return 0;
}

static int
set_backing (pb_writer *writer, const char *path,
             const struct pb_writer_options *options)
{
  const char *backing = options->backing_file;

  if (backing == NULL)
    return 0;
  if (options->backing_format != PB_FORMAT_QCOW2
      && options->backing_format != PB_FORMAT_RAW) {
    pb_set_error (EINVAL, "%s: unknown backing format %d", path,
                  (int) options->backing_format);
    return -1;
  }
  if (backing[0] == '\0' || looks_like_protocol (backing)) {
    pb_set_error (EINVAL,
                  "%s: backing file '%s': is not a plain file name (one with "
                  "a colon needs './' before it)",
                  path, backing);
    return -1;
  }
  if (check_backing_is_not_output (path, backing) == -1)
    return -1;
  writer->header.backing_file = strdup (backing);
  if (writer->header.backing_file == NULL) {
    set_error_errno ("%s", path);
    return -1;
  }
  writer->header.backing_format = options->backing_format;
  return 0;
}

/* Everything that can be refused without touching a file. */
static int
set_options (pb_writer *writer, const char *path, uint64_t size,
             const struct pb_writer_options *options)
{
  static const struct pb_writer_options defaults
    = { .struct_size = sizeof defaults };

  if (options == NULL)
    options = &defaults;
  if (options->struct_size != sizeof *options
      || (options->flags & ~(PB_WRITER_FORCE | PB_WRITER_KEEP_ZEROES)) != 0) {
    pb_set_error (EINVAL, "%s: unknown options for the writer", path);
    return -1;
  }
  if (choose_cluster_size (writer, path, size, options->cluster_size) == -1
      || set_backing (writer, path, options) == -1
      || writer_header_check (&writer->header, path) == -1)
    return -1;
  if (compression_check (options->compression, options->compression_level)
      == -1) {
    prefix_error ("%s", path);
    return -1;
  }

  writer->asked_size = size;
  writer->header.size = round_up (size, 512);
  writer->header.compression = options->compression;
  writer->keep_zeroes = options->flags & PB_WRITER_KEEP_ZEROES;
  writer->batch_clusters = WRITER_BATCH_CLUSTERS;
  if (options->compression != PB_COMPRESSION_NONE) {
    size_t clusters
      = WRITER_COMPRESSED_BATCH_BYTES >> writer->header.cluster_bits;

    writer->batch_clusters = clusters > 0 ? clusters : 1;
  }
  compressors_init (&writer->compressors, options->compression,
                    options->compression_level, writer_scratch_size (writer));
  return 0;
}

/* Host offsets have 56 bits, those of compressed clusters fewer. */
static uint64_t
max_file_size (const struct writer_header *header)
{
  uint64_t limit = QCOW2_OFFSET_MASK + 512;

  if (header->compression != PB_COMPRESSION_NONE)
    limit = min_u64 (limit, blobs_offset_limit (header->cluster_bits));
  return limit;
}

/* The header, so that nobody takes the file for anything else, and what the
 * writer needs in memory.
 */
static int
start_file (pb_writer *writer)
{
  struct writer_header *header = &writer->header;
  const struct file *file = &writer->output.file;
  uint64_t header_offset;

  if (writer_header_write (header, file) == -1
      || refcounts_init (&writer->refcounts, file, header->cluster_bits,
                         max_file_size (header))
           == -1
      || refcounts_take (&writer->refcounts, 1, &header_offset) == -1)
    return -1;
  writer->blobs.refcounts = &writer->refcounts;
  return tables_init (&writer->tables, file, &writer->refcounts,
                      header->cluster_bits, header->size);
}

static void
free_options (pb_writer *writer)
{
  free ((char *) writer->header.backing_file);
  free (writer);
}

pb_writer *
pb_writer_create (const char *path, uint64_t size,
                  const struct pb_writer_options *options)
{
  pb_writer *writer = calloc (1, sizeof *writer);

  if (writer == NULL) {
    set_error_errno ("%s", path);
    return NULL;
  }
  if (set_options (writer, path, size, options) == -1) {
    free_options (writer);
    return NULL;
  }
  pthread_mutex_init (&writer->lock, NULL);
  writer->output.file.fd = writer->output.folder.fd = -1;
  if (output_create (&writer->output, path,
                     options && options->flags & PB_WRITER_FORCE)
      == -1) {
    pb_writer_free (writer);
    return NULL;
  }
  if (start_file (writer) == -1) {
    output_remove (&writer->output);
    pb_writer_free (writer);
    return NULL;
  }
  return writer;
}

void
pb_writer_free (pb_writer *writer)
{
  if (writer == NULL)
    return;
  output_close (&writer->output);
  tables_clear (&writer->tables);
  refcounts_clear (&writer->refcounts);
  compressors_clear (&writer->compressors);
  pthread_mutex_destroy (&writer->lock);
  free (writer->failure);
  free_options (writer);
}

uint32_t
pb_writer_get_cluster_size (const pb_writer *writer)
{
  return UINT32_C (1) << writer->header.cluster_bits;
}

int
writer_fail_locked (pb_writer *writer)
{
  if (writer->failure_errno == 0) {
    writer->failure = strdup (pb_get_error ());
    writer->failure_errno = pb_get_errno ();
    atomic_store (&writer->unusable, true);
  }
  return -1;
}

int
writer_fail (pb_writer *writer)
{
  LOCK_CURRENT_SCOPE (&writer->lock);
  return writer_fail_locked (writer);
}

/* Why can the writer not be used any more? */
static void
set_unusable_error (pb_writer *writer)
{
  LOCK_CURRENT_SCOPE (&writer->lock);

  if (writer->failure_errno == 0)
    pb_set_error (EINVAL, "%s: is finished already", writer->output.path);
  else
    pb_set_error (writer->failure_errno, "%s",
                  writer->failure ? writer->failure
                                  : "the output has failed before");
}

int
writer_check_request (pb_writer *writer, uint64_t offset, uint64_t count)
{
  const struct writer_header *header = &writer->header;
  uint64_t cluster_size = UINT64_C (1) << header->cluster_bits;

  if (atomic_load (&writer->unusable)) {
    set_unusable_error (writer);
    return -1;
  }
  if (!range_is_inside (offset, count, header->size)) {
    pb_set_error (EINVAL,
                  "%s: %" PRIu64 " bytes at guest offset 0x%" PRIx64
                  ": beyond the end of the disk (%" PRIu64 " bytes)",
                  writer->output.file.name, count, offset, header->size);
    return -1;
  }
  if (!is_aligned (offset, cluster_size)
      || (!is_aligned (count, cluster_size)
          && offset + count < writer->asked_size)) {
    pb_set_error (EINVAL,
                  "%s: %" PRIu64 " bytes at guest offset 0x%" PRIx64
                  ": not in whole clusters (%" PRIu64 " bytes)",
                  writer->output.file.name, count, offset, cluster_size);
    return -1;
  }
  return 0;
}

int
writer_check_unwritten (pb_writer *writer, uint64_t cluster, uint64_t count)
{
  for (uint64_t i = cluster; i < cluster + count; i++) {
    uint64_t entry;

    if (tables_get (&writer->tables, i, &entry) == -1)
      return writer_fail_locked (writer);
    if (entry != 0) {
      pb_set_error (EINVAL,
                    "%s: the cluster at guest offset 0x%" PRIx64
                    " has been written already",
                    writer->output.file.name,
                    i << writer->header.cluster_bits);
      return -1;
    }
  }
  return 0;
}

static int
set_zero_clusters (pb_writer *writer, uint64_t cluster, uint64_t count)
{
  LOCK_CURRENT_SCOPE (&writer->lock);

  if (writer_check_unwritten (writer, cluster, count) == -1)
    return -1;
  for (uint64_t i = cluster; i < cluster + count; i++)
    if (tables_set (&writer->tables, i, QCOW2_L2_ZERO) == -1)
      return writer_fail_locked (writer);
  return 0;
}

int
pb_writer_zero (pb_writer *writer, uint64_t count, uint64_t offset)
{
  unsigned bits = writer->header.cluster_bits;
  uint64_t cluster = offset >> bits;
  uint64_t clusters = div_round_up (count, UINT64_C (1) << bits);

  if (writer_check_request (writer, offset, count) == -1)
    return -1;

  /* Without a backing file what is not allocated reads as zeroes already. */
  while (writer->header.backing_file && clusters > 0) {
    uint64_t n = min_u64 (clusters, ZERO_CLUSTERS);

    if (set_zero_clusters (writer, cluster, n) == -1)
      return -1;
    cluster += n;
    clusters -= n;
  }

  LOCK_CURRENT_SCOPE (&writer->lock);
  writer->stats.zero_bytes += count;
  return 0;
}

void
pb_writer_get_stats (pb_writer *writer, struct pb_writer_stats *stats)
{
  LOCK_CURRENT_SCOPE (&writer->lock);

  *stats = writer->stats;
  stats->file_size = refcounts_file_size (&writer->refcounts);
}

/* Write what is still in memory, and make it durable before the header points
 * to it.
 */
static int
finish_tables (pb_writer *writer)
{
  struct writer_header *header = &writer->header;
  const struct file *file = &writer->output.file;

  if (blobs_finish (&writer->blobs) == -1
      || tables_finish (&writer->tables, &header->l1_offset) == -1
      || refcounts_finish (&writer->refcounts, &header->reftable_offset,
                           &header->reftable_clusters)
           == -1)
    return -1;
  header->l1_size = writer->tables.l1_size;

  /* Holes at the end of the last clusters belong to the file too: a cluster
   * beyond its end would be an error to readers.
   */
  if (ftruncate (file->fd, refcounts_file_size (&writer->refcounts)) == -1) {
    set_error_errno ("%s: cannot be extended to %" PRIu64 " bytes",
                     file->name, refcounts_file_size (&writer->refcounts));
    return -1;
  }
  return file_sync_data (file);
}

/* From here on a crash may leave the old header or the new one, or a mix of
 * both: so it is still marked.  When it is durable as well, taking the mark
 * away is one write within a sector, and makes the file valid at once.
 */
static int
finish_header (pb_writer *writer)
{
  const struct writer_header *header = &writer->header;
  const struct file *file = &writer->output.file;

  if (writer_header_write (header, file) == -1 || file_sync_data (file) == -1
      || writer_header_mark (header, file, false) == -1)
    return -1;
  return file_sync (file);
}

/* The mark may be gone already, and the output has not become what was asked
 * for: every output that was not finished is to be marked.  The error that is
 * set stays.
 */
static void
mark_again (pb_writer *writer)
{
  const struct file *file = &writer->output.file;
  int errnum = pb_get_errno ();
  char *CLEANUP_FREE message = strdup (pb_get_error ());

  if (message == NULL)
    return;
  if (writer_header_mark (&writer->header, file, true) == -1
      || file_sync (file) == -1)
    pb_set_error (errnum, "%s; and it could not be marked as unfinished: %s",
                  message, pb_get_error ());
  else
    pb_set_error (errnum, "%s", message);
}

int
pb_writer_finish (pb_writer *writer)
{
  if (atomic_load (&writer->unusable)) {
    set_unusable_error (writer);
    return -1;
  }
  if (finish_tables (writer) == -1)
    return writer_fail (writer);

  /* The file is durable and valid before it gets its name, so that the name
   * never stands for anything less.
   */
  if (finish_header (writer) == -1 || output_publish (&writer->output) == -1) {
    mark_again (writer);
    return writer_fail (writer);
  }

  /* A name is durable when its folder is. */
  if (file_sync (&writer->output.folder) == -1) {
    prefix_error ("%s: is complete, but a crash may still take its name away",
                  writer->output.path);
    return writer_fail (writer);
  }

  /* Others may open the file from now on. */
  atomic_store (&writer->unusable, true);
  file_close (&writer->output.file);
  return 0;
}
