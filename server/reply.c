/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reply.c: the sink for answers to requests. */

#include "config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "byteorder.h"
#include "cleanup.h"
#include "nbd-protocol.h"
#include "pullback.h"
#include "reply.h"
#include "round.h"
#include "wire-error.h"

/* A chunk's header and the fixed part of its payload. */
#define HEAD_MAX (NBD_EXTENDED_REPLY_SIZE + 16)

void
reply_wire_init (struct reply_wire *wire, struct transport *transport,
                 enum reply_style style)
{
  wire->transport = transport;
  wire->style = style;
  wire->is_broken = false;
  pthread_mutex_init (&wire->lock, NULL); /* cannot fail on Linux */
}

void
reply_wire_destroy (struct reply_wire *wire)
{
  pthread_mutex_destroy (&wire->lock);
}

/* With the lock held: sending has failed with the error that is set. */
static void
set_broken (struct reply_wire *wire)
{
  wire->is_broken = true;
  wire->errnum = pb_get_errno ();
  snprintf (wire->error, sizeof wire->error, "%s", pb_get_error ());
  transport_cut (wire->transport);
}

/* With the lock held: R is what sending has returned. */
static int
check_sent (struct reply_wire *wire, int r)
{
  if (r == -1)
    set_broken (wire);
  return r;
}

/* With the lock held. */
static int
send_locked (struct reply_wire *wire, struct iovec *iov, int nr_iov, bool more)
{
  if (wire->is_broken) {
    pb_set_error (wire->errnum, "%s", wire->error);
    return -1;
  }
  return check_sent (wire, wire->transport->ops->send (wire->transport, iov,
                                                       nr_iov, more));
}

static int
send_now (struct reply_wire *wire, struct iovec *iov, int nr_iov)
{
  LOCK_CURRENT_SCOPE (&wire->lock);

  return send_locked (wire, iov, nr_iov, false);
}

int
reply_flush (struct reply_sink *sink)
{
  struct iovec iov = { .iov_base = sink->held, .iov_len = sink->nr_held };

  sink->nr_held = sink->nr_answers = 0;
  return iov.iov_len == 0 ? 0 : send_now (sink->wire, &iov, 1);
}

void
reply_hold (struct reply_sink *sink)
{
  sink->is_holding = true;
}

int
reply_release (struct reply_sink *sink)
{
  sink->is_holding = false;
  return reply_flush (sink);
}

/* See to it that COUNT bytes more can be held. */
static int
make_room (struct reply_sink *sink, size_t count)
{
  return sink->nr_held + count <= REPLY_HELD_MAX ? 0 : reply_flush (sink);
}

/* A chunk that is all there. */
static int
send_all (struct reply_sink *sink, struct iovec *iov, int nr_iov)
{
  size_t count = 0;

  for (int i = 0; i < nr_iov; i++)
    count += iov[i].iov_len;
  if (sink->is_holding && make_room (sink, count) == -1)
    return -1;
  if (!sink->is_holding || count > REPLY_HELD_MAX)
    return send_now (sink->wire, iov, nr_iov);
  for (int i = 0; i < nr_iov; i++) {
    memcpy (sink->held + sink->nr_held, iov[i].iov_base, iov[i].iov_len);
    sink->nr_held += iov[i].iov_len;
  }
  return 0;
}

static size_t
simple_head (unsigned char *head, const struct request *request,
             uint32_t error)
{
  store_be32 (head, NBD_SIMPLE_REPLY_MAGIC);
  store_be32 (head + 4, error);
  store_be64 (head + 8, request->cookie);
  return NBD_SIMPLE_REPLY_SIZE;
}

/* The header of a chunk with LENGTH bytes of payload; returns its size. */
static size_t
chunk_head (const struct reply_sink *sink, unsigned char *head,
            const struct request *request, enum nbd_reply_type type,
            uint32_t length, bool last)
{
  bool is_extended = sink->wire->style == REPLY_EXTENDED;

  assert (sink->wire->style != REPLY_SIMPLE);
  store_be32 (head, is_extended ? NBD_EXTENDED_REPLY_MAGIC
                                : NBD_STRUCTURED_REPLY_MAGIC);
  store_be16 (head + 4, last ? NBD_REPLY_FLAG_DONE : 0);
  store_be16 (head + 6, type);
  store_be64 (head + 8, request->cookie);
  if (!is_extended) {
    store_be32 (head + 16, length);
    return NBD_STRUCTURED_REPLY_SIZE;
  }
  store_be64 (head + 16, request->offset);
  store_be64 (head + 24, length);
  return NBD_EXTENDED_REPLY_SIZE;
}

/* The head of a chunk of data. */
static size_t
data_head (const struct reply_sink *sink, unsigned char *head,
           const struct request *request, uint64_t offset, uint32_t count,
           bool last)
{
  size_t n = chunk_head (sink, head, request, NBD_REPLY_TYPE_OFFSET_DATA,
                         count + 8, last);

  store_be64 (head + n, offset);
  return n + 8;
}

int
reply_done (struct reply_sink *sink, const struct request *request)
{
  unsigned char head[HEAD_MAX];
  struct iovec iov = { .iov_base = head };

  /* "a simple reply MAY be used as a reply to any request other than READ, but
   * only if the reply has no data payload", except with extended headers.
   */
  if (sink->wire->style == REPLY_EXTENDED)
    iov.iov_len
      = chunk_head (sink, head, request, NBD_REPLY_TYPE_NONE, 0, true);
  else
    iov.iov_len = simple_head (head, request, NBD_SUCCESS);
  return send_all (sink, &iov, 1);
}

static int
send_error (struct reply_sink *sink, const struct request *request, int errnum,
            const char *text, const uint64_t *offset)
{
  unsigned char head[HEAD_MAX], tail[8];
  size_t length = strlen (text), n;
  struct iovec iov[3] = { { .iov_base = head },
                          { .iov_base = (void *) text, .iov_len = length },
                          { .iov_base = tail,
                            .iov_len = offset ? sizeof tail : 0 } };

  if (sink->wire->style == REPLY_SIMPLE) {
    iov[0].iov_len = simple_head (head, request, wire_error (errnum));
    return send_all (sink, iov, 1);
  }
  n = chunk_head (sink, head, request,
                  offset ? NBD_REPLY_TYPE_ERROR_OFFSET : NBD_REPLY_TYPE_ERROR,
                  6 + length + iov[2].iov_len, true);
  store_be32 (head + n, wire_error (errnum));
  store_be16 (head + n + 4, length);
  iov[0].iov_len = n + 6;
  if (offset)
    store_be64 (tail, *offset);
  return send_all (sink, iov, 3);
}

int
reply_error (struct reply_sink *sink, const struct request *request,
             int errnum, const char *text)
{
  return send_error (sink, request, errnum, text, NULL);
}

int
reply_error_at (struct reply_sink *sink, const struct request *request,
                int errnum, const char *text, uint64_t offset)
{
  return send_error (sink, request, errnum, text, &offset);
}

int
reply_data (struct reply_sink *sink, const struct request *request,
            uint64_t offset, const void *buffer, uint32_t count, bool last)
{
  unsigned char head[HEAD_MAX];
  struct iovec iov[2] = {
    { .iov_base = head,
      .iov_len = data_head (sink, head, request, offset, count, last) },
    { .iov_base = (void *) buffer, .iov_len = count },
  };

  return send_all (sink, iov, 2);
}

/* With the lock held: COUNT bytes of zeroes. */
static int
send_zeroes (struct reply_wire *wire, uint64_t count)
{
  static const unsigned char zeroes[16384];

  while (count > 0) {
    struct iovec iov = { .iov_base = (void *) zeroes,
                         .iov_len = min_u64 (count, sizeof zeroes) };

    count -= iov.iov_len;
    if (send_locked (wire, &iov, 1, count > 0) == -1)
      return -1;
  }
  return 0;
}

/* The lock is held while the file's pages are read, where they are not in the
 * cache yet; the caller has had them read ahead.
 */
int64_t
reply_file (struct reply_sink *sink, const struct request *request,
            uint64_t offset, int fd, uint64_t file_offset, uint32_t count)
{
  struct transport *transport = sink->wire->transport;
  unsigned char head[HEAD_MAX];
  struct iovec iov[2]
    = { { .iov_base = sink->held, .iov_len = sink->nr_held },
        { .iov_base = head,
          .iov_len = data_head (sink, head, request, offset, count, false) } };
  int64_t sent;

  sink->nr_held = sink->nr_answers = 0;
  LOCK_CURRENT_SCOPE (&sink->wire->lock);
  if (send_locked (sink->wire, iov, 2, true) == -1)
    return -1;
  sent = transport->ops->send_file (transport, fd, file_offset, count);
  if (sent == -1) {
    set_broken (sink->wire);
    return -1;
  }
  return send_zeroes (sink->wire, count - sent) == -1 ? -1 : sent;
}

int
reply_end (struct reply_sink *sink, const struct request *request)
{
  unsigned char head[HEAD_MAX];
  struct iovec iov
    = { .iov_base = head,
        .iov_len = chunk_head (sink, head, request, NBD_REPLY_TYPE_NONE, 0,
                               true) };

  return send_all (sink, &iov, 1);
}

int
reply_hole (struct reply_sink *sink, const struct request *request,
            uint64_t offset, uint32_t count, bool last)
{
  unsigned char head[HEAD_MAX];
  size_t n
    = chunk_head (sink, head, request, NBD_REPLY_TYPE_OFFSET_HOLE, 12, last);
  struct iovec iov = { .iov_base = head, .iov_len = n + 12 };

  store_be64 (head + n, offset);
  store_be32 (head + n + 8, count);
  return send_all (sink, &iov, 1);
}

/* The head of a whole read.  IS_THERE: all of its data is, so that nothing can
 * go wrong any more.
 */
static size_t
whole_head (const struct reply_sink *sink, unsigned char *head,
            const struct request *request, bool is_there)
{
  return sink->wire->style == REPLY_SIMPLE
           ? simple_head (head, request, NBD_SUCCESS)
           : data_head (sink, head, request, request->offset, request->length,
                        is_there);
}

void *
reply_reserve (struct reply_sink *sink, const struct request *request)
{
  unsigned char head[HEAD_MAX];
  size_t n = whole_head (sink, head, request, true);

  assert (sink->is_holding && n + request->length <= REPLY_HELD_MAX);
  if (make_room (sink, n + request->length) == -1)
    return NULL;
  memcpy (sink->held + sink->nr_held, head, n);
  sink->nr_reserved = n + request->length;
  return sink->held + sink->nr_held + n;
}

void
reply_commit (struct reply_sink *sink)
{
  sink->nr_held += sink->nr_reserved;
}

int
reply_begin (struct reply_sink *sink, const struct request *request,
             const void *buffer, uint32_t count)
{
  bool is_all = count == request->length;
  unsigned char head[HEAD_MAX];
  struct iovec iov[2] = { { .iov_base = head },
                          { .iov_base = (void *) buffer, .iov_len = count } };

  iov[0].iov_len = whole_head (sink, head, request, is_all);
  pthread_mutex_lock (&sink->wire->lock);
  int r = send_locked (sink->wire, iov, 2, !is_all);
  if (r == -1 || is_all)
    pthread_mutex_unlock (&sink->wire->lock);
  return r;
}

int
reply_more (struct reply_sink *sink, const void *buffer, uint32_t count,
            bool last)
{
  struct iovec iov = { .iov_base = (void *) buffer, .iov_len = count };
  int r = send_locked (sink->wire, &iov, 1, !last);

  if (r == -1 || last)
    pthread_mutex_unlock (&sink->wire->lock);
  return r;
}

int
reply_give_up (struct reply_sink *sink, uint64_t count)
{
  int r = -1;

  if (sink->wire->style == REPLY_SIMPLE)
    set_broken (sink->wire);
  else
    r = send_zeroes (sink->wire, count);
  pthread_mutex_unlock (&sink->wire->lock);
  return r;
}

/* Bring the descriptors into the form of the wire, in place: it is as long or
 * half as long.  Returns the number of bytes.
 */
static size_t
encode_descriptors (bool is_extended, struct status_descriptor *descriptors,
                    uint32_t count)
{
  unsigned char *out = (unsigned char *) descriptors;

  for (uint32_t i = 0; i < count; i++) {
    struct status_descriptor descriptor = descriptors[i];

    if (is_extended) {
      store_be64 (out, descriptor.length);
      store_be64 (out + 8, descriptor.flags);
      out += 16;
    }
    else {
      store_be32 (out, descriptor.length);
      store_be32 (out + 4, descriptor.flags);
      out += 8;
    }
  }
  return out - (unsigned char *) descriptors;
}

int
reply_status (struct reply_sink *sink, const struct request *request,
              uint32_t context_id, struct status_descriptor *descriptors,
              uint32_t count, bool last)
{
  bool is_extended = sink->wire->style == REPLY_EXTENDED;
  size_t length = encode_descriptors (is_extended, descriptors, count), n;
  unsigned char head[HEAD_MAX];
  struct iovec iov[2]
    = { { .iov_base = head },
        { .iov_base = descriptors, .iov_len = length } };

  if (is_extended) {
    n = chunk_head (sink, head, request, NBD_REPLY_TYPE_BLOCK_STATUS_EXT,
                    8 + length, last);
    store_be32 (head + n + 4, count);
    iov[0].iov_len = n + 8;
  }
  else {
    n = chunk_head (sink, head, request, NBD_REPLY_TYPE_BLOCK_STATUS,
                    4 + length, last);
    iov[0].iov_len = n + 4;
  }
  store_be32 (head + n, context_id);
  return send_all (sink, iov, 2);
}
