/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* transport.h: a socket, plain or with TLS around it, that takes and gives
 * bytes in order.
 *
 * Protocol code knows this table of operations and nothing of what is behind.
 * One thread may receive while another sends; no more than one each.
 */

#ifndef PULLBACK_TRANSPORT_H
#define PULLBACK_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct transport;

struct transport_ops {
  /* Receive 1 to COUNT bytes.  Returns their number, 0 at the end of the
   * stream, or -1.
   */
  ssize_t (*receive) (struct transport *transport, void *buffer,
                      size_t count);

  /* Send all of IOV, which is changed.  MORE: what follows belongs to it, so
   * a packet may wait for that.
   */
  int (*send) (struct transport *transport, struct iovec *iov, int nr_iov,
               bool more);

  /* Send COUNT bytes of the file FD from OFFSET on.  Returns how many were
   * sent: fewer, with an error set, where the file cannot be read from there
   * on; or -1.  NULL where sending a copy is as good or better.
   */
  int64_t (*send_file) (struct transport *transport, int fd, uint64_t offset,
                        uint64_t count);

  /* The memory that what was sent takes until the peer has received it, with
   * the kernel's overhead.  NULL where that cannot be known.
   */
  size_t (*get_unread) (struct transport *transport);

  void (*set_deadline) (struct transport *transport, uint64_t deadline);

  /* Before the end: wait for a moment until the peer has got what was sent, and
   * drop what it still sends.  It is over at once when the socket is shut down.
   * NULL where that needs no waiting.
   */
  void (*linger) (struct transport *transport);

  /* End the stream in order, where it has a way to, and close the socket. */
  void (*free) (struct transport *transport);
};

struct transport {
  const struct transport_ops *ops;
  int fd; /* the socket */
};

/* Milliseconds of the monotonic clock. */
uint64_t clock_ms (void);

/* A transport over the connected stream socket FD, which it owns from here on,
 * also when this fails.
 */
struct transport *transport_plain_new (int fd);

/* All receiving and sending must be done by DEADLINE, a time of clock_ms (), or
 * fails with ETIMEDOUT; 0 is none.  For the only thread that uses TRANSPORT.
 */
void transport_set_deadline (struct transport *transport, uint64_t deadline);

void transport_free (struct transport *transport);

/* Nothing more is received or sent, and whoever waits for that is woken.  Safe
 * from any thread.
 */
void transport_cut (struct transport *transport);

/* Send one buffer. */
int transport_send (struct transport *transport, const void *buffer,
                    size_t count, bool more);

#endif /* PULLBACK_TRANSPORT_H */
