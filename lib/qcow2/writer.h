/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* writer.h: a new qcow2 file that is being written.
 *
 * Data is written by the calling threads, each to places of its own.  They
 * meet for a short time only, under the lock: to take those places and to
 * enter them into the tables.
 */

#ifndef PULLBACK_QCOW2_WRITER_H
#define PULLBACK_QCOW2_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "compress.h"
#include "pullback.h"
#include "writer-blobs.h"
#include "writer-header.h"
#include "writer-output.h"
#include "writer-refcounts.h"
#include "writer-tables.h"

struct pb_writer {
  /* These never change. */
  struct output output;
  struct writer_header header; /* its last fields are set by finish */
  uint64_t asked_size;         /* as given, before rounding */
  size_t batch_clusters;       /* how many are handled at once */
  bool keep_zeroes;

  struct compressors compressors; /* with a lock of its own */

  /* Of all that follows.  Held over reads and writes of single pages of
   * tables only, where the cache of L2 slices or a refcount block is full.
   */
  pthread_mutex_t lock;
  struct refcounts refcounts;
  struct tables tables;
  struct blobs blobs;
  struct pb_writer_stats stats;
  char *failure;     /* message of the first failure, after which the file is
                      * lost */
  int failure_errno; /* of it; 0 where there was none */

  atomic_bool unusable; /* failed or finished; read without the lock */
};

/* Is the range one that a call may be about, and can the writer still be used?
 */
int writer_check_request (pb_writer *writer, uint64_t offset, uint64_t count);

/* The calling thread's last error makes the writer unusable.  Returns -1.  The
 * second is for callers that hold the lock.
 */
int writer_fail (pb_writer *writer);
int writer_fail_locked (pb_writer *writer);

/* Fail with EINVAL if any of COUNT clusters has been given already, as far as
 * the tables tell.  The lock is held.
 */
int writer_check_unwritten (pb_writer *writer, uint64_t cluster,
                            uint64_t count);

#endif /* PULLBACK_QCOW2_WRITER_H */
