/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reply.h: the sink for answers to requests, in the style that was negotiated.
 *
 * Any number of threads answer at once; chunks of different answers mix, and
 * one chunk is sent whole.  Where sending fails the connection is of no more
 * use: its socket is shut down, and every later call fails.
 */

#ifndef PULLBACK_REPLY_H
#define PULLBACK_REPLY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "request.h"
#include "transport.h"

enum reply_style {
  REPLY_SIMPLE,
  REPLY_STRUCTURED,
  REPLY_EXTENDED
};

/* What the threads of a connection share. */
struct reply_wire {
  struct transport *transport;
  enum reply_style style;
  pthread_mutex_t lock; /* held while a chunk is sent, over the wait for the
                         * client to take it: no other may come between */
  /* Set once, with the lock held, when sending has failed: why. */
  bool is_broken;
  int errnum;
  char error[256];
};

void reply_wire_init (struct reply_wire *wire, struct transport *transport,
                      enum reply_style style);
void reply_wire_destroy (struct reply_wire *wire);

/* Bytes of answers that are held back at most. */
#define REPLY_HELD_MAX ((size_t) 64 << 10)

/* A thread's own way to the wire.  Between reply_hold () and reply_release ()
 * whole answers, and chunks, are held as far as there is room, and sent in one
 * piece: waking a client takes longer than doing a short request.
 */
struct reply_sink {
  struct reply_wire *wire;
  bool is_holding;
  size_t nr_answers;   /* short ones among what is held, as its user counts */
  size_t nr_held;      /* bytes */
  size_t nr_reserved;  /* bytes of the answer that comes next */
  unsigned char *held; /* REPLY_HELD_MAX bytes, used only while it holds */
};

void reply_hold (struct reply_sink *sink);
int reply_release (struct reply_sink *sink);

/* Send what is held; it must be before anything is waited for. */
int reply_flush (struct reply_sink *sink);

/* The request is done, and there is nothing to say. */
int reply_done (struct reply_sink *sink, const struct request *request);

/* The request failed with ERRNUM, an errno value.  TEXT is for the client's
 * user; where the style has no place for it it is not sent.
 */
int reply_error (struct reply_sink *sink, const struct request *request,
                 int errnum, const char *text);

/* As reply_error (), of a read that failed at OFFSET when chunks before that
 * have been sent.
 */
int reply_error_at (struct reply_sink *sink, const struct request *request,
                    int errnum, const char *text, uint64_t offset);

/* Chunks of an answer to a read, not for the simple style.  LAST: it ends the
 * answer.
 */
int reply_data (struct reply_sink *sink, const struct request *request,
                uint64_t offset, const void *buffer, uint32_t count,
                bool last);
int reply_hole (struct reply_sink *sink, const struct request *request,
                uint64_t offset, uint32_t count, bool last);

/* As reply_data (), of a piece of a file, behind what is held.  It is not the
 * last chunk, since all of it is promised before it is read: what cannot be is
 * filled up with zeroes, and the caller tells of it by an error.  Returns how
 * many bytes are the file's, fewer than COUNT with an error set, or -1.
 */
int64_t reply_file (struct reply_sink *sink, const struct request *request,
                    uint64_t offset, int fd, uint64_t file_offset,
                    uint32_t count);

/* End an answer whose chunks have all been sent. */
int reply_end (struct reply_sink *sink, const struct request *request);

/* A whole read in one piece, for any style and with nothing held, when its first
 * COUNT bytes are there; the rest is given by reply_more () until all
 * of the request's length was.  Until then no other answer can be sent.  Where
 * there was a rest, and the style is not simple, the answer still is to be ended.
 */
int reply_begin (struct reply_sink *sink, const struct request *request,
                 const void *buffer, uint32_t count);
int reply_more (struct reply_sink *sink, const void *buffer, uint32_t count,
                bool last);

/* The rest, COUNT bytes, cannot be had: it is filled up with zeroes, of which the
 * caller tells by an error.  Simple replies have no way to take back what was
 * promised: the connection ends, with the error that is set, and this returns -1.
 */
int reply_give_up (struct reply_sink *sink, uint64_t count);

/* While the sink holds: the place for all that a read gives, which with a head
 * is no more than REPLY_HELD_MAX, or NULL where nothing can be sent any more.
 * When the data is there reply_commit () makes it an answer; where it cannot
 * be had, nothing need be done.
 */
void *reply_reserve (struct reply_sink *sink, const struct request *request);
void reply_commit (struct reply_sink *sink);

/* A status chunk: COUNT pairs of length and flags in host order, in
 * DESCRIPTORS, which is changed.  Not for the simple style.
 */
struct status_descriptor {
  uint64_t length;
  uint64_t flags;
};

int reply_status (struct reply_sink *sink, const struct request *request,
                  uint32_t context_id, struct status_descriptor *descriptors,
                  uint32_t count, bool last);

#endif /* PULLBACK_REPLY_H */
