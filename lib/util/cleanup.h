/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cleanup.h: locals that free themselves when their scope ends. */

#ifndef PULLBACK_CLEANUP_H
#define PULLBACK_CLEANUP_H

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define CLEANUP(function) __attribute__ ((__cleanup__ (function)))

/* char *CLEANUP_FREE p = malloc (n); */
#define CLEANUP_FREE CLEANUP (cleanup_free)

/* int CLEANUP_CLOSE fd = open (...);  Only for descriptors that were read
 * from: the result of close () is not looked at.
 */
#define CLEANUP_CLOSE CLEANUP (cleanup_close)

/* Hold LOCK until the end of the enclosing scope. */
#define LOCK_CURRENT_SCOPE(lock)                                              \
  pthread_mutex_t *_lock_current_scope                                        \
    __attribute__ ((__unused__, __cleanup__ (cleanup_unlock))) = (lock);      \
  pthread_mutex_lock (_lock_current_scope)

/* Hand a cleaned-up local over to a caller. */
#define STEAL(pointer)                                                        \
  ({                                                                          \
    __typeof__ (pointer) _stolen = (pointer);                                 \
    (pointer) = NULL;                                                         \
    _stolen;                                                                  \
  })

static inline void
cleanup_free (void *pointer)
{
  free (*(void **) pointer);
}

static inline void
cleanup_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

static inline void
cleanup_unlock (pthread_mutex_t **lock)
{
  pthread_mutex_unlock (*lock);
}

#endif /* PULLBACK_CLEANUP_H */
