/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-reply.c: what a server's reply to a block status request says. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libnbd.h>

#include "nbd-reply.h"
#include "pullback.h"
#include "round.h"

/* Bit 0 of a "qemu:dirty-bitmap:" context (QEMU, docs/interop/nbd.txt). */
#define STATE_DIRTY 1U

uint32_t
nbd_meaning_flags (enum nbd_meaning meaning, uint32_t flags)
{
  switch (meaning) {
  case NBD_MEANS_ALLOCATION:
    return (flags & LIBNBD_STATE_ZERO ? PB_EXTENT_ZERO : 0)
           | (flags & LIBNBD_STATE_HOLE ? PB_EXTENT_HOLE : 0);
  case NBD_MEANS_DIRTY:
    return flags & STATE_DIRTY ? PB_EXTENT_DIRTY : 0;
  case NBD_MEANS_CHANGE:
    return flags == LIBNBD_STATE_HOLE ? 0 : PB_EXTENT_DIRTY;
  }
  return PB_EXTENT_DIRTY;
}

uint32_t
nbd_meaning_unclear (enum nbd_meaning meaning)
{
  return meaning == NBD_MEANS_ALLOCATION ? 0 : PB_EXTENT_DIRTY;
}

void
nbd_reply_start (struct nbd_reply *reply, uint64_t offset, uint64_t length)
{
  reply->offset = offset;
  reply->length = length;
  reply->covered = 0;
  reply->is_unclear = false;
  for (unsigned i = 0; i < reply->nr_contexts; i++) {
    struct nbd_run *run = &reply->runs[i];

    run->nr_entries = 0;
    run->described = 0;
    run->position = 0;
    run->left = 0;
  }
}

int
nbd_reply_add (struct nbd_reply *reply, const char *context, uint64_t offset,
               const uint32_t *entries, size_t nr_entries, int *error)
{
  struct nbd_run *run = NULL;

  for (unsigned i = 0; i < reply->nr_contexts; i++)
    if (strcmp (reply->contexts[i], context) == 0)
      run = &reply->runs[i];
  if (run == NULL || offset != reply->offset || run->nr_entries)
    return 0;
  if (nr_entries > 2 * NBD_REPLY_EXTENTS_MAX)
    nr_entries = 2 * NBD_REPLY_EXTENTS_MAX;
  if (nr_entries > run->capacity) {
    uint32_t *bigger
      = reallocarray (run->entries, nr_entries, sizeof *entries);

    if (bigger == NULL) {
      *error = ENOMEM;
      return -1;
    }
    run->entries = bigger;
    run->capacity = nr_entries;
  }
  memcpy (run->entries, entries, nr_entries * sizeof *entries);
  run->nr_entries = nr_entries;
  for (size_t i = 0; i + 1 < nr_entries; i += 2)
    run->described += entries[i];
  return 0;
}

void
nbd_reply_complete (struct nbd_reply *reply, uint32_t min_block)
{
  uint64_t covered = reply->length;

  for (unsigned i = 0; i < reply->nr_contexts; i++)
    covered = min_u64 (covered, reply->runs[i].described);
  if (covered > 0 && covered < reply->length && covered < min_block) {
    reply->is_unclear = true;
    covered = min_u64 (reply->length, min_block);
  }
  else if (covered < reply->length)
    covered -= covered % min_block;
  reply->covered = covered;
}

/* Windows shrink when an answer has more extents than this, and grow when it
 * has fewer than a quarter of it.
 */
#define EXTENTS_WANTED 16384

uint64_t
nbd_reply_next_window (const struct nbd_reply *reply, uint64_t window)
{
  size_t most = 0;

  for (unsigned i = 0; i < reply->nr_contexts; i++)
    most = max_u64 (most, reply->runs[i].nr_entries / 2);
  if (most > EXTENTS_WANTED && window > NBD_WINDOW_MIN)
    return window / 2;
  if (most < EXTENTS_WANTED / 4 && window < NBD_WINDOW_MAX)
    return window * 2;
  return window;
}

/* The flags of what RUN has next, LENGTH bytes of it at most.  There is
 * something, since no more is taken than is covered; entries of no length say
 * nothing.
 */
static uint32_t
look_at (struct nbd_run *run, uint64_t *length)
{
  while (run->left == 0) {
    run->left = run->entries[run->position];
    run->position += 2;
  }
  *length = min_u64 (*length, run->left);
  return run->entries[run->position - 1];
}

uint64_t
nbd_reply_take (struct nbd_reply *reply,
                uint32_t flags[NBD_REPLY_CONTEXTS_MAX])
{
  uint64_t length = reply->covered;

  assert (length > 0);
  if (!reply->is_unclear) {
    for (unsigned i = 0; i < reply->nr_contexts; i++)
      flags[i] = look_at (&reply->runs[i], &length);
    for (unsigned i = 0; i < reply->nr_contexts; i++)
      reply->runs[i].left -= length;
  }
  reply->offset += length;
  reply->length -= length;
  reply->covered -= length;
  return length;
}

void
nbd_reply_clear (struct nbd_reply *reply)
{
  for (unsigned i = 0; i < NBD_REPLY_CONTEXTS_MAX; i++)
    free (reply->runs[i].entries);
  *reply = (struct nbd_reply) { .offset = 0 };
}
