/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* threads.h: the server's threads, with stacks of a size that is known. */

#ifndef PULLBACK_THREADS_H
#define PULLBACK_THREADS_H

#include <pthread.h>

/* Start RUN (OPAQUE) in a thread that is joined by pthread_join (), or in one
 * that is not.
 */
int thread_start (pthread_t *thread, void *(*run) (void *), void *opaque);
int thread_start_detached (void *(*run) (void *), void *opaque);

#endif /* PULLBACK_THREADS_H */
