/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* block-cache.c: a bounded cache of blocks that are costly to make. */

#include "config.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "block-cache.h"
#include "error.h"
#include "nowait.h"
#include "round.h"

enum slot_state {
  SLOT_EMPTY = 0,
  SLOT_FILLING, /* one thread is making the block, without the lock */
  SLOT_READY
};

struct block_slot {
  enum slot_state state;
  unsigned users; /* a block in use is never evicted */
  const void *source;
  uint64_t place;
  uint64_t last_use;
  void *data;
  size_t capacity;
};

struct block_set {
  pthread_mutex_t lock;    /* over all below, but not over data while FILLING
                            * or while there are users */
  pthread_cond_t changed;  /* a slot became ready, empty or unused */
  unsigned waiters;
  uint64_t clock;
  struct block_slot *slots;
};

struct block_cache {
  unsigned nr_sets, nr_ways;
  struct block_slot *slots;
  struct block_set sets[];
};

struct block_cache *
block_cache_new (unsigned sets, unsigned ways)
{
  struct block_cache *cache;

  assert (is_power_of_2 (sets) && ways > 0);
  cache = calloc (1, sizeof *cache + sets * sizeof cache->sets[0]);
  if (cache == NULL)
    goto no_memory;
  cache->slots = calloc ((size_t) sets * ways, sizeof cache->slots[0]);
  if (cache->slots == NULL)
    goto no_memory;
  cache->nr_sets = sets;
  cache->nr_ways = ways;
  for (unsigned i = 0; i < sets; i++) {
    pthread_mutex_init (&cache->sets[i].lock, NULL);
    pthread_cond_init (&cache->sets[i].changed, NULL);
    cache->sets[i].slots = cache->slots + (size_t) i * ways;
  }
  return cache;

no_memory:
  set_error_errno ("block cache");
  free (cache);
  return NULL;
}

void
block_cache_free (struct block_cache *cache)
{
  if (cache == NULL)
    return;
  for (size_t i = 0; i < (size_t) cache->nr_sets * cache->nr_ways; i++) {
    assert (cache->slots[i].users == 0);
    free (cache->slots[i].data);
  }
  for (unsigned i = 0; i < cache->nr_sets; i++) {
    pthread_cond_destroy (&cache->sets[i].changed);
    pthread_mutex_destroy (&cache->sets[i].lock);
  }
  free (cache->slots);
  free (cache);
}

static struct block_set *
find_set (struct block_cache *cache, const void *source, uint64_t place)
{
  /* Places are offsets of tables, whose low bits are equal: multiplying by an
   * odd constant carries what differs into the high half.
   */
  uint64_t hash = (place ^ (uintptr_t) source) * UINT64_C (0x9e3779b97f4a7c15);

  return &cache->sets[(hash >> 32) & (cache->nr_sets - 1)];
}

static void
wait_for_change (struct block_set *set)
{
  set->waiters++;
  pthread_cond_wait (&set->changed, &set->lock);
  set->waiters--;
}

static void
tell_waiters (struct block_set *set)
{
  if (set->waiters)
    pthread_cond_broadcast (&set->changed);
}

/* The slot that has the block, or that may be used for it; NULL where every
 * slot is busy.
 */
static struct block_slot *
find_slot (struct block_set *set, unsigned ways, const void *source,
           uint64_t place, bool *found)
{
  struct block_slot *victim = NULL;

  for (unsigned i = 0; i < ways; i++) {
    struct block_slot *slot = &set->slots[i];

    if (slot->state != SLOT_EMPTY && slot->source == source
        && slot->place == place) {
      *found = true;
      return slot;
    }
    if (slot->state == SLOT_FILLING || slot->users)
      continue;
    if (victim == NULL || slot->last_use < victim->last_use)
      victim = slot;
  }
  *found = false;
  return victim;
}

static int
fill_slot (struct block_slot *slot, size_t size, block_fill fill)
{
  if (slot->capacity < size) {
    free (slot->data);
    slot->capacity = 0;
    slot->data = malloc (size);
    if (slot->data == NULL) {
      set_error_errno ("block cache");
      return -1;
    }
    slot->capacity = size;
  }
  return fill (slot->source, slot->place, slot->data, size);
}

int
block_cache_get (struct block_cache *cache, const void *source, uint64_t place,
                 size_t size, block_fill fill, struct block_ref *ref)
{
  struct block_set *set = find_set (cache, source, place);
  struct block_slot *slot;
  bool found;
  int r = 0;

  pthread_mutex_lock (&set->lock);
  slot = find_slot (set, cache->nr_ways, source, place, &found);
  if (is_nowait () && (!found || slot->state == SLOT_FILLING)) {
    pthread_mutex_unlock (&set->lock);
    return fail_nowait ("a table");
  }
  while (slot == NULL || slot->state == SLOT_FILLING) {
    wait_for_change (set);
    slot = find_slot (set, cache->nr_ways, source, place, &found);
  }

  if (!found) {
    slot->state = SLOT_FILLING;
    slot->source = source;
    slot->place = place;
    pthread_mutex_unlock (&set->lock);
    r = fill_slot (slot, size, fill);
    pthread_mutex_lock (&set->lock);
    slot->state = r == 0 ? SLOT_READY : SLOT_EMPTY;
    slot->last_use = 0;
    tell_waiters (set);
  }
  if (r == 0) {
    slot->users++;
    slot->last_use = ++set->clock;
    *ref = (struct block_ref) { slot->data, set, slot };
  }
  pthread_mutex_unlock (&set->lock);
  return r;
}

void
block_cache_put (struct block_ref *ref)
{
  pthread_mutex_lock (&ref->set->lock);
  assert (ref->slot->users > 0);
  if (--ref->slot->users == 0)
    tell_waiters (ref->set);
  pthread_mutex_unlock (&ref->set->lock);
  ref->data = NULL;
}
