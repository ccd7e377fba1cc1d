/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upstream-map.c: a map that another NBD server has of a disk. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "error.h"
#include "round.h"
#include "upstream-map.h"

struct piece {
  uint64_t end; /* it starts where the one before ends */
  uint32_t flags, depth;
};

/* An answer, which does not change any more. */
struct stretch {
  atomic_uint references;
  uint64_t start, end;
  size_t count;
  struct piece pieces[];
};

struct upstream_map {
  struct upstream_map_config config;

  pthread_mutex_t lock; /* for the two below; never held over I/O */
  struct stretch *latest;
  uint64_t window;
};

static struct stretch *
stretch_ref (struct stretch *stretch)
{
  atomic_fetch_add (&stretch->references, 1);
  return stretch;
}

static void
stretch_unref (struct stretch *stretch)
{
  if (stretch && atomic_fetch_sub (&stretch->references, 1) == 1)
    free (stretch);
}

static void
cleanup_reply (struct nbd_reply *reply)
{
  nbd_reply_clear (reply);
}

/* Views have no holes that are not zero. */
static uint32_t
flags_of (uint32_t flags)
{
  return flags & PB_EXTENT_ZERO ? flags : flags & ~PB_EXTENT_HOLE;
}

/* The next piece of REPLY. */
static void
take_piece (const struct upstream_map *map, struct nbd_reply *reply,
            struct piece *piece)
{
  enum nbd_meaning meaning = map->config.meaning;
  uint32_t flags[NBD_REPLY_CONTEXTS_MAX] = { 0 };

  nbd_reply_take (reply, flags);
  piece->end = reply->offset;
  piece->flags = reply->is_unclear
                   ? nbd_meaning_unclear (meaning)
                   : flags_of (nbd_meaning_flags (meaning, flags[0]));
  piece->depth = map->config.has_depth && !reply->is_unclear ? flags[1] : 0;
}

/* All that REPLY, which is complete, covers. */
static struct stretch *
make_stretch (const struct upstream_map *map, struct nbd_reply *reply)
{
  size_t max = 1;
  struct stretch *stretch;

  for (unsigned i = 0; i < reply->nr_contexts; i++)
    max += reply->runs[i].nr_entries / 2;
  stretch = malloc (sizeof *stretch + max * sizeof stretch->pieces[0]);
  if (stretch == NULL) {
    set_error_errno ("%s: map", map->config.name);
    return NULL;
  }
  atomic_init (&stretch->references, 1);
  stretch->start = reply->offset;
  stretch->count = 0;
  while (reply->covered > 0) {
    struct piece piece;

    take_piece (map, reply, &piece);
    if (stretch->count > 0
        && stretch->pieces[stretch->count - 1].flags == piece.flags
        && stretch->pieces[stretch->count - 1].depth == piece.depth)
      stretch->pieces[stretch->count - 1].end = piece.end;
    else
      stretch->pieces[stretch->count++] = piece;
  }
  stretch->end = reply->offset;
  return stretch;
}

/* Ask the server about the *WINDOW bytes from OFFSET on, or what of them is on
 * the disk.  *WINDOW becomes what is best asked for next.
 */
static struct stretch *
ask (struct upstream_map *map, uint64_t offset, uint64_t *window)
{
  const struct nbd_export_limits *limits = map->config.limits;
  uint64_t start = round_down (offset, limits->min_block);
  struct nbd_reply CLEANUP (cleanup_reply) reply = {
    .nr_contexts = map->config.has_depth ? 2 : 1,
    .contexts = { map->config.context, NBD_CONTEXT_DEPTH },
  };

  nbd_reply_start (&reply, start, min_u64 (*window, limits->size - start));
  if (upstream_block_status (map->config.upstream, &reply) == -1)
    return NULL;
  nbd_reply_complete (&reply, limits->min_block);
  if (reply.covered == 0) {
    pb_set_error (EPROTO, "%s: the server's map says nothing of the %" PRIu64
                  " bytes at offset 0x%" PRIx64,
                  map->config.name, reply.length, reply.offset);
    return NULL;
  }
  *window = nbd_reply_next_window (&reply, *window);
  return make_stretch (map, &reply);
}

/* A reference to a stretch that tells of OFFSET. */
static struct stretch *
find_stretch (struct upstream_map *map, uint64_t offset)
{
  struct stretch *stretch = NULL;
  uint64_t window;

  pthread_mutex_lock (&map->lock);
  window = map->window;
  if (map->latest && offset >= map->latest->start && offset < map->latest->end)
    stretch = stretch_ref (map->latest);
  pthread_mutex_unlock (&map->lock);
  if (stretch)
    return stretch;

  stretch = ask (map, offset, &window);
  if (stretch == NULL)
    return NULL;
  LOCK_CURRENT_SCOPE (&map->lock);
  stretch_unref (map->latest);
  map->latest = stretch_ref (stretch);
  map->window = window;
  return stretch;
}

struct stream {
  struct upstream_map *map;
  struct stretch *stretch; /* or NULL */
  size_t next;             /* the piece in it that comes next */
};

/* The first piece of STRETCH that ends behind OFFSET, which lies in it. */
static size_t
find_piece (const struct stretch *stretch, uint64_t offset)
{
  size_t low = 0, high = stretch->count - 1;

  while (low < high) {
    size_t middle = low + (high - low) / 2;

    if (stretch->pieces[middle].end > offset)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

static int
stream_status (void *opaque, uint64_t offset, uint64_t end,
               struct pb_extent *extent)
{
  struct stream *stream = opaque;
  const struct piece *piece;

  (void) end; /* the caller clips to it */
  if (stream->stretch == NULL || offset >= stream->stretch->end) {
    stretch_unref (stream->stretch);
    stream->stretch = find_stretch (stream->map, offset);
    if (stream->stretch == NULL)
      return -1;
    stream->next = find_piece (stream->stretch, offset);
  }
  piece = &stream->stretch->pieces[stream->next++];
  extent->length = piece->end - offset;
  extent->flags = piece->flags;
  extent->depth = piece->depth;
  return 0;
}

static void
stream_free (void *opaque)
{
  struct stream *stream = opaque;

  stretch_unref (stream->stretch);
  free (stream);
}

pb_extents *
upstream_map_extents (struct upstream_map *map, uint64_t offset,
                      uint64_t length)
{
  static const struct pb_extents_ops ops
    = { .status = stream_status, .free = stream_free };
  struct stream *stream = calloc (1, sizeof *stream);

  if (stream == NULL) {
    set_error_errno ("%s: map", map->config.name);
    return NULL;
  }
  stream->map = map;
  return pb_extents_new (offset, length, &ops, stream);
}

struct upstream_map *
upstream_map_new (const struct upstream_map_config *config)
{
  struct upstream_map *map = calloc (1, sizeof *map);

  if (map == NULL) {
    set_error_errno ("%s: map", config->name);
    return NULL;
  }
  map->config = *config;
  map->window = NBD_WINDOW_MIN;
  pthread_mutex_init (&map->lock, NULL); /* cannot fail on Linux */
  return map;
}

void
upstream_map_free (struct upstream_map *map)
{
  if (map == NULL)
    return;
  stretch_unref (map->latest);
  pthread_mutex_destroy (&map->lock);
  free (map);
}
