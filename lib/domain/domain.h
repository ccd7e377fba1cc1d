/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain.h: a domain that is open, and the handles of its checkpoints. */

#ifndef PULLBACK_DOMAIN_H
#define PULLBACK_DOMAIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "driver.h"
#include "pullback.h"
#include "store.h"

struct pb_domain {
  /* Held over a whole public call, and so over its I/O: a call sees the tree,
   * the folder and the images as they belong together.  What is above it in
   * this struct never changes.
   */
  char *uri;
  char *name;
  unsigned flags;
  struct domain_def def;
  const struct domain_driver *driver;
  struct store store;
  atomic_uint references;

  pthread_mutex_t lock;
  struct store_content content;
  uint64_t granularity;
};

/* A handle is the name of a checkpoint, and its domain. */
struct pb_checkpoint {
  pb_domain *domain; /* a reference */
  char *name;
  atomic_uint references;
};

/* With the domain's lock held, as all that follow. */

pb_checkpoint *checkpoint_handle_new (pb_domain *domain, const char *name);

/* The node of a handle; ENOENT where it was deleted. */
struct checkpoint_node *checkpoint_handle_node (
  const pb_checkpoint *checkpoint);

/* flags & ~known must be 0; FUNCTION is named in the error. */
int check_flags (const char *function, unsigned flags, unsigned known);

/* EINVAL that names function and argument where POINTER is NULL. */
int check_not_null (const char *function, const char *argument,
                    const void *pointer);

/* EPERM where the domain was opened to be read only. */
int domain_check_writable (const char *function, const pb_domain *domain);

/* ESTALE, for what needs to know which checkpoint is current. */
void domain_set_current_unknown_error (const pb_domain *domain);

unsigned domain_image_flags (const pb_domain *domain);

/* Run COMMIT on the domain's images and folder, and load the folder anew. */
int domain_commit (pb_domain *domain, struct commit *commit);

/* Finish or undo a change that was interrupted, and load the folder anew. */
int domain_recover (pb_domain *domain);

#endif /* PULLBACK_DOMAIN_H */
