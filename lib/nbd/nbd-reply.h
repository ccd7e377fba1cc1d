/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-reply.h: what a server's reply to a block status request says.
 *
 * Servers may stop at different places in each context, and clients that add up
 * each for itself have lost data over that.  So only what all contexts describe
 * is taken from a reply, and asked for again where that is short.
 */

#ifndef PULLBACK_NBD_REPLY_H
#define PULLBACK_NBD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NBD_REPLY_CONTEXTS_MAX 2

/* How the flags of a context are to be read. */
enum nbd_meaning {
  NBD_MEANS_ALLOCATION, /* base:allocation: HOLE and ZERO */
  NBD_MEANS_DIRTY,      /* qemu:dirty-bitmap: bit 0 is dirty */
  NBD_MEANS_CHANGE      /* base:allocation of a map export: a hole that is not
                         * zero is clean, anything else is dirty */
};

/* FLAGS of a context as those of enum pb_extent_flags. */
uint32_t nbd_meaning_flags (enum nbd_meaning meaning, uint32_t flags);

/* What they are where the server has said nothing: data that has changed. */
uint32_t nbd_meaning_unclear (enum nbd_meaning meaning);

/* More extents than this of one context are not kept: the reply counts as a
 * shorter one.
 */
#define NBD_REPLY_EXTENTS_MAX 65536

/* One context's part of a reply. */
struct nbd_run {
  uint32_t *entries; /* length, flags, length, flags... */
  size_t nr_entries; /* counts uint32_t, as libnbd does */
  size_t capacity;
  uint64_t described; /* bytes */

  /* Where the reader is. */
  size_t position;
  uint64_t left; /* bytes of the entry at position */
};

struct nbd_reply {
  uint64_t offset, length; /* what was asked about, and is left of it */
  uint64_t covered;        /* what all contexts have described of that */
  bool is_unclear;         /* see nbd_reply_complete () */
  unsigned nr_contexts;
  const char *contexts[NBD_REPLY_CONTEXTS_MAX]; /* not owned */
  struct nbd_run runs[NBD_REPLY_CONTEXTS_MAX];
};

/* For a request about the same contexts as the last one, if there was one. */
void nbd_reply_start (struct nbd_reply *reply, uint64_t offset,
                      uint64_t length);

/* Take in what the server says of CONTEXT; as libnbd's extent callback
 * has it.
 */
int nbd_reply_add (struct nbd_reply *reply, const char *context,
                   uint64_t offset, const uint32_t *entries,
                   size_t nr_entries, int *error);

/* The reply is there.  Find what it describes in all contexts, in whole blocks
 * of MIN_BLOCK so that the rest can be asked for.  A server whose extents end
 * inside its own smallest block has not said what that block is, so it is
 * unclear.  Nothing at all covered is the server's error.
 */
void nbd_reply_complete (struct nbd_reply *reply, uint32_t min_block);

/* How much is best asked about at once: little at first, so that work can
 * start, and more where the answers are short.  (NBD's lengths have 32 bits,
 * and a server may describe each 512 bytes by themselves.)
 */
#define NBD_WINDOW_MIN (UINT64_C (16) << 20)
#define NBD_WINDOW_MAX (UINT64_C (1) << 30)

/* What to ask about next, after REPLY, which is complete, to WINDOW bytes. */
uint64_t nbd_reply_next_window (const struct nbd_reply *reply,
                                uint64_t window);

/* The next piece that is the same in all contexts, whose flags are put into
 * FLAGS.  Returns its length.  Something must be covered.
 */
uint64_t nbd_reply_take (struct nbd_reply *reply,
                         uint32_t flags[NBD_REPLY_CONTEXTS_MAX]);

void nbd_reply_clear (struct nbd_reply *reply);

#endif /* PULLBACK_NBD_REPLY_H */
