/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-map.c: what an NBD server says of its blocks, as a stream of extents. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "nbd-handle.h"
#include "nbd-map.h"
#include "nbd-reply.h"

/* Requests under way at once. */
#define WINDOWS 4

/* A part of the disk whose map has been asked for.  The request holds one
 * reference and the stream another, so that either may end first.
 */
struct window {
  atomic_int references;
  atomic_bool is_done;
  int error; /* errno, once done */
  int notify_fd;
  int64_t cookie; /* of the request */

  bool is_answered;       /* the reply has been looked at */
  struct nbd_reply reply; /* once done; before that the request's own */
};

struct nbd_map {
  struct nbd_map_config config;
  struct window *windows[WINDOWS]; /* a ring, oldest at head */
  unsigned head, count;
  uint64_t next_offset; /* where the next window starts */
  uint64_t window_size;
};

static void
window_unref (struct window *window)
{
  if (atomic_fetch_sub (&window->references, 1) != 1)
    return;
  nbd_reply_clear (&window->reply);
  free (window);
}

static void
free_window_request (void *opaque)
{
  window_unref (opaque);
}

/* Runs under the handle's lock. */
static int
on_extents (void *opaque, const char *context, uint64_t offset,
            uint32_t *entries, size_t nr_entries, int *error)
{
  return nbd_reply_add (&((struct window *) opaque)->reply, context, offset,
                        entries, nr_entries, error);
}

static int
on_completion (void *opaque, int *error)
{
  struct window *window = opaque;
  int notify_fd = window->notify_fd;

  window->error = *error;
  atomic_store (&window->is_done, true);
  wake (notify_fd);
  return NBD_NOT_YET_RETIRED;
}

/* Ask for what is left of the window. */
static int
request_window (struct nbd_map *map, struct window *window)
{
  nbd_extent_callback each = { .callback = on_extents, .user_data = window };
  nbd_completion_callback done = { .callback = on_completion,
                                   .user_data = window,
                                   .free = free_window_request };

  uint64_t offset = window->reply.offset, length = window->reply.length;

  atomic_store (&window->is_done, false);
  window->is_answered = false;
  window->error = 0;
  nbd_reply_start (&window->reply, offset, length);
  atomic_fetch_add (&window->references, 1);
  window->cookie
    = nbd_aio_block_status (map->config.nbd, length, offset, each, done, 0);
  if (window->cookie == -1) {
    set_command_error (map->config.nbd, "%s: the server cannot map %" PRIu64
                       " bytes at offset 0x%" PRIx64,
                       map->config.name, length, offset);
    return -1;
  }
  if (map->config.driver_wake_fd >= 0)
    wake (map->config.driver_wake_fd);
  return 0;
}

/* Keep the ring of requests full. */
static int
request_ahead (struct nbd_map *map)
{
  while (map->count < WINDOWS && map->next_offset < map->config.size) {
    struct window *window = calloc (1, sizeof *window);
    uint64_t left = map->config.size - map->next_offset;

    if (window == NULL) {
      pb_set_error (ENOMEM, "%s: map: %s", map->config.name,
                    strerror (ENOMEM));
      return -1;
    }
    atomic_init (&window->references, 1);
    window->notify_fd = map->config.wake_fd;
    window->reply.offset = map->next_offset;
    window->reply.length = left < map->window_size ? left : map->window_size;
    window->reply.nr_contexts = map->config.nr_contexts;
    for (unsigned i = 0; i < map->config.nr_contexts; i++)
      window->reply.contexts[i] = map->config.contexts[i].context;
    map->windows[(map->head + map->count) % WINDOWS] = window;
    map->count++;
    map->next_offset += window->reply.length;
    if (request_window (map, window) == -1)
      return -1;
  }
  return 0;
}

/* Wait until WINDOW has been answered. */
static int
await_window (struct nbd_map *map, struct window *window)
{
  struct nbd_map_config *config = &map->config;
  bool drive = config->driver_wake_fd < 0;

  while (!atomic_load (&window->is_done)) {
    if (__atomic_load_n (config->stop, __ATOMIC_ACQUIRE)) {
      pb_set_error (ECANCELED, "%s: map: stopped", config->name);
      return -1;
    }
    if (nbd_wait (drive ? config->nbd : NULL, config->wake_fd, -1) == -1)
      return -1;
  }
  nbd_retire (config->nbd, window->cookie);
  if (window->error || nbd_is_gone (config->nbd)) {
    int errnum = window->error ? window->error : ENOTCONN;

    pb_set_error (errnum, "%s: the server cannot map %" PRIu64
                  " bytes at offset 0x%" PRIx64 ": %s",
                  config->name, window->reply.length, window->reply.offset,
                  nbd_is_gone (config->nbd) ? NBD_GONE : strerror (errnum));
    return -1;
  }
  nbd_reply_complete (&window->reply, config->min_block);
  if (window->reply.covered == 0) {
    pb_set_error (EPROTO, "%s: the server's map says nothing of the %" PRIu64
                  " bytes at offset 0x%" PRIx64,
                  config->name, window->reply.length, window->reply.offset);
    return -1;
  }
  window->is_answered = true;
  map->window_size = nbd_reply_next_window (&window->reply,
                                            map->window_size);
  return 0;
}

/* The next piece that is the same in all contexts. */
static void
take_piece (struct nbd_map *map, struct window *window,
            struct pb_extent *extent)
{
  uint32_t flags[NBD_REPLY_CONTEXTS_MAX];

  extent->flags = 0;
  extent->depth = 0;
  extent->length = nbd_reply_take (&window->reply, flags);
  for (unsigned i = 0; i < map->config.nr_contexts; i++) {
    enum nbd_meaning meaning = map->config.contexts[i].meaning;

    extent->flags |= window->reply.is_unclear
                       ? nbd_meaning_unclear (meaning)
                       : nbd_meaning_flags (meaning, flags[i]);
  }
}

static int
map_status (void *opaque, uint64_t offset, uint64_t end,
            struct pb_extent *extent)
{
  struct nbd_map *map = opaque;
  struct window *window;

  (void) offset; /* always that of the oldest window */
  (void) end;
  if (map->count && map->windows[map->head]->reply.length == 0) {
    window_unref (map->windows[map->head]);
    map->head = (map->head + 1) % WINDOWS;
    map->count--;
  }
  if (request_ahead (map) == -1)
    return -1;
  window = map->windows[map->head];
  if (window->reply.covered == 0 || !window->is_answered) {
    /* Not answered yet, or the last answer was short. */
    if (window->is_answered && request_window (map, window) == -1)
      return -1;
    if (await_window (map, window) == -1)
      return -1;
  }
  take_piece (map, window, extent);
  return 0;
}

static void
map_free (void *opaque)
{
  struct nbd_map *map = opaque;

  for (unsigned i = 0; i < map->count; i++)
    window_unref (map->windows[(map->head + i) % WINDOWS]);
  free (map);
}

pb_extents *
nbd_map_new (const struct nbd_map_config *config)
{
  static const struct pb_extents_ops ops
    = { .status = map_status, .free = map_free };
  struct nbd_map *map = calloc (1, sizeof *map);

  if (map == NULL) {
    pb_set_error (ENOMEM, "%s: map: %s", config->name, strerror (ENOMEM));
    return NULL;
  }
  map->config = *config;
  map->window_size = NBD_WINDOW_MIN;
  return pb_extents_new (0, config->size, &ops, map);
}
