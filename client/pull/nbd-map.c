/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-map.c: what an NBD server says of its blocks, as a stream of extents. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "nbd-map.h"
#include "nbd-util.h"

/* Requests under way at once. */
#define WINDOWS 4

/* Bit 0 of a "qemu:dirty-bitmap:" context (QEMU, docs/interop/nbd.txt). */
#define STATE_DIRTY 1U

/* The first window is short, so that copying can start at once; NBD's lengths
 * have 32 bits, and a server may describe each 512 bytes by themselves.
 */
#define WINDOW_MIN (UINT64_C (16) << 20)
#define WINDOW_MAX (UINT64_C (1) << 30)

/* Windows shrink when a reply has more extents than this, and grow when it has
 * fewer than a quarter of it.
 */
#define EXTENTS_WANTED 16384

/* More than this of one reply is not kept: it counts as a short reply. */
#define EXTENTS_MAX 65536

/* One context's part of a reply. */
struct run {
  uint32_t *entries; /* length, flags, length, flags... */
  size_t nr_entries; /* counts uint32_t, as libnbd does */
  size_t capacity;
  uint64_t described; /* bytes */

  /* Where the reader is. */
  size_t position;
  uint64_t left; /* bytes of the entry at position */
};

/* A part of the disk whose map has been asked for.  The request holds one
 * reference and the stream another, so that either may end first.
 */
struct window {
  atomic_int references;
  atomic_bool is_done;
  int error; /* errno, once done */
  int notify_fd;

  uint64_t offset, length;
  uint64_t covered; /* common prefix of all contexts, once done */
  bool is_unclear;  /* it ends inside a block: see common_prefix () */
  bool is_consumed; /* all of the reply has been taken */
  unsigned nr_contexts;
  const char *contexts[NBD_MAP_CONTEXTS_MAX];
  struct run runs[NBD_MAP_CONTEXTS_MAX];
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
  for (unsigned i = 0; i < NBD_MAP_CONTEXTS_MAX; i++)
    free (window->runs[i].entries);
  free (window);
}

static void
free_window_request (void *opaque)
{
  window_unref (opaque);
}

/* Append what a reply says of one context.  Runs under the handle's lock.
 * Entries of no length say nothing.
 */
static int
on_extents (void *opaque, const char *context, uint64_t offset,
            uint32_t *entries, size_t nr_entries, int *error)
{
  struct window *window = opaque;
  struct run *run = NULL;

  for (unsigned i = 0; i < window->nr_contexts; i++)
    if (strcmp (window->contexts[i], context) == 0)
      run = &window->runs[i];
  if (run == NULL || offset != window->offset || run->nr_entries)
    return 0;
  if (nr_entries > 2 * EXTENTS_MAX)
    nr_entries = 2 * EXTENTS_MAX;
  if (nr_entries > run->capacity) {
    uint32_t *bigger = realloc (run->entries, nr_entries * sizeof *entries);

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

static int
on_completion (void *opaque, int *error)
{
  struct window *window = opaque;
  int notify_fd = window->notify_fd;

  window->error = *error;
  atomic_store (&window->is_done, true);
  wake (notify_fd);
  return 1; /* retire the command */
}

/* Ask for the map of window->offset, window->length. */
static int
request_window (struct nbd_map *map, struct window *window)
{
  nbd_extent_callback each = { .callback = on_extents, .user_data = window };
  nbd_completion_callback done = { .callback = on_completion,
                                   .user_data = window,
                                   .free = free_window_request };

  atomic_store (&window->is_done, false);
  window->is_consumed = false;
  window->error = 0;
  for (unsigned i = 0; i < window->nr_contexts; i++) {
    struct run *run = &window->runs[i];

    run->nr_entries = 0;
    run->described = 0;
    run->position = 0;
    run->left = 0;
  }
  atomic_fetch_add (&window->references, 1);
  if (nbd_aio_block_status (map->config.nbd, window->length, window->offset,
                            each, done, 0)
      == -1) {
    set_command_error (map->config.nbd, "%s: the server cannot map %" PRIu64
                       " bytes at offset 0x%" PRIx64,
                       map->config.name, window->length, window->offset);
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
    window->offset = map->next_offset;
    window->length = left < map->window_size ? left : map->window_size;
    window->nr_contexts = map->config.nr_contexts;
    for (unsigned i = 0; i < window->nr_contexts; i++)
      window->contexts[i] = map->config.contexts[i].context;
    map->windows[(map->head + map->count) % WINDOWS] = window;
    map->count++;
    map->next_offset += window->length;
    if (request_window (map, window) == -1)
      return -1;
  }
  return 0;
}

/* Find what the reply describes in all contexts, in whole blocks so that the
 * rest can be asked for.  A server whose extents end inside its own smallest
 * block has not said what that block is: it is taken for changed data.
 */
static void
common_prefix (const struct nbd_map *map, struct window *window)
{
  uint64_t covered = window->length;
  uint32_t min_block = map->config.min_block;

  for (unsigned i = 0; i < window->nr_contexts; i++)
    if (window->runs[i].described < covered)
      covered = window->runs[i].described;
  window->is_unclear = false;
  if (covered > 0 && covered < window->length && covered < min_block) {
    window->is_unclear = true;
    covered = window->length < min_block ? window->length : min_block;
  }
  else if (covered < window->length)
    covered -= covered % min_block;
  window->covered = covered;
}

static void
adapt_window_size (struct nbd_map *map, const struct window *window)
{
  size_t nr_extents = 0;

  for (unsigned i = 0; i < window->nr_contexts; i++)
    if (window->runs[i].nr_entries / 2 > nr_extents)
      nr_extents = window->runs[i].nr_entries / 2;
  if (nr_extents > EXTENTS_WANTED && map->window_size > WINDOW_MIN)
    map->window_size /= 2;
  else if (nr_extents < EXTENTS_WANTED / 4 && map->window_size < WINDOW_MAX)
    map->window_size *= 2;
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
  if (window->error || nbd_is_gone (config->nbd)) {
    int errnum = window->error ? window->error : ENOTCONN;

    pb_set_error (errnum, "%s: the server cannot map %" PRIu64
                  " bytes at offset 0x%" PRIx64 ": %s",
                  config->name, window->length, window->offset,
                  nbd_is_gone (config->nbd) ? NBD_GONE : strerror (errnum));
    return -1;
  }
  common_prefix (map, window);
  if (window->covered == 0) {
    pb_set_error (EPROTO, "%s: the server's map says nothing of the %" PRIu64
                  " bytes at offset 0x%" PRIx64,
                  config->name, window->length, window->offset);
    return -1;
  }
  adapt_window_size (map, window);
  return 0;
}

static uint32_t
translate (enum nbd_map_meaning meaning, uint32_t flags)
{
  switch (meaning) {
  case NBD_MAP_ALLOCATION:
    return (flags & LIBNBD_STATE_ZERO ? PB_EXTENT_ZERO : 0)
           | (flags & LIBNBD_STATE_HOLE ? PB_EXTENT_HOLE : 0);
  case NBD_MAP_DIRTY_BITMAP:
    return flags & STATE_DIRTY ? PB_EXTENT_DIRTY : 0;
  case NBD_MAP_CHANGE:
    return flags == LIBNBD_STATE_HOLE ? 0 : PB_EXTENT_DIRTY;
  }
  return PB_EXTENT_DIRTY;
}

/* The next piece of RUN, LENGTH bytes at most.  There is one, since no more is
 * taken than is covered.
 */
static uint32_t
take_run (struct run *run, uint64_t *length)
{
  while (run->left == 0) {
    run->left = run->entries[run->position];
    run->position += 2;
  }
  if (run->left < *length)
    *length = run->left;
  return run->entries[run->position - 1];
}

/* The next piece that is the same in all contexts. */
static void
take_piece (struct nbd_map *map, struct window *window,
            struct pb_extent *extent)
{
  uint64_t length = window->covered;

  extent->flags = 0;
  for (unsigned i = 0; i < window->nr_contexts; i++) {
    enum nbd_map_meaning meaning = map->config.contexts[i].meaning;

    if (window->is_unclear)
      extent->flags |= meaning == NBD_MAP_ALLOCATION ? 0 : PB_EXTENT_DIRTY;
    else
      extent->flags
        |= translate (meaning, take_run (&window->runs[i], &length));
  }
  if (!window->is_unclear)
    for (unsigned i = 0; i < window->nr_contexts; i++)
      window->runs[i].left -= length;
  extent->length = length;
  extent->depth = 0;
  window->offset += length;
  window->length -= length;
  window->covered -= length;
  window->is_consumed = window->covered == 0;
}

static int
map_status (void *opaque, uint64_t offset, uint64_t end,
            struct pb_extent *extent)
{
  struct nbd_map *map = opaque;
  struct window *window;

  (void) offset; /* always that of the oldest window */
  (void) end;
  if (map->count && map->windows[map->head]->length == 0) {
    window_unref (map->windows[map->head]);
    map->head = (map->head + 1) % WINDOWS;
    map->count--;
  }
  if (request_ahead (map) == -1)
    return -1;
  window = map->windows[map->head];
  if (window->covered == 0) {
    /* Not answered yet, or the last answer was short. */
    if (window->is_consumed && request_window (map, window) == -1)
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
  map->window_size = WINDOW_MIN;
  return pb_extents_new (0, config->size, &ops, map);
}
