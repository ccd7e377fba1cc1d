/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain.c: opening a domain, and what is known of it without its images. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "cleanup.h"
#include "domain.h"
#include "error.h"
#include "round.h"

#define STATE_OF_ROOT "/var/lib/pullback"

int
check_flags (const char *function, unsigned flags, unsigned known)
{
  if (flags & ~known) {
    pb_set_error (EINVAL, "%s: unsupported flags (0x%x)", function,
                  flags & ~known);
    return -1;
  }
  return 0;
}

int
check_not_null (const char *function, const char *argument, const void *pointer)
{
  if (pointer == NULL) {
    pb_set_error (EINVAL, "%s: %s must not be NULL", function, argument);
    return -1;
  }
  return 0;
}

int
domain_check_writable (const char *function, const pb_domain *domain)
{
  if (domain->flags & PB_DOMAIN_READ_ONLY) {
    pb_set_error (EPERM, "%s: domain %s was opened to be read only", function,
                  domain->name);
    return -1;
  }
  return 0;
}

void
domain_set_current_unknown_error (const pb_domain *domain)
{
  pb_set_error (ESTALE,
                "domain %s: it is not known which checkpoint is current; "
                "redefine the one that should be as current "
                "(PB_CHECKPOINT_CREATE_CURRENT)",
                domain->name);
}

unsigned
domain_image_flags (const pb_domain *domain)
{
  return domain->flags & PB_DOMAIN_DATA_FILE ? PB_IMAGE_DATA_FILE : 0;
}

/* The folder of a domain called NAME whose user did not say. */
static char *
default_state (const char *name)
{
  const char *state_home = getenv ("XDG_STATE_HOME");
  const char *home = getenv ("HOME");
  char *path;
  int n;

  if (name == NULL) {
    pb_set_error (EINVAL, "a domain of disks: has no name that a state folder "
                          "could be found by: say which folder it is "
                          "(state)");
    return NULL;
  }
  if (geteuid () == 0)
    n = asprintf (&path, "%s/%s", STATE_OF_ROOT, name);
  else if (state_home && state_home[0] == '/')
    n = asprintf (&path, "%s/pullback/%s", state_home, name);
  else if (home && home[0] == '/')
    n = asprintf (&path, "%s/.local/state/pullback/%s", home, name);
  else {
    pb_set_error (EINVAL,
                  "domain %s: neither XDG_STATE_HOME nor HOME says "
                  "where its state is: say which folder it is (state)",
                  name);
    return NULL;
  }
  if (n == -1) {
    set_error_errno ("domain %s", name);
    return NULL;
  }
  return path;
}

/* A domain without a name is called as its state folder is. */
static char *
name_of_state (const char *state)
{
  size_t end = strlen (state), start;

  while (end > 0 && state[end - 1] == '/')
    end--;
  for (start = end; start > 0 && state[start - 1] != '/'; start--)
    ;
  return strndup (state + start, end - start);
}

static int
apply_action (void *opaque, const struct bitmap_action *action)
{
  const pb_domain *domain = opaque;

  return domain->driver->apply (action, domain_image_flags (domain),
                                domain->store.lock_fd);
}

static int
undo_action (void *opaque, const struct bitmap_action *action)
{
  const pb_domain *domain = opaque;

  return domain->driver->undo (action, domain_image_flags (domain),
                               domain->store.lock_fd);
}

static const struct commit_ops commit_ops = {
  .apply = apply_action,
  .undo = undo_action,
};

static int
load (pb_domain *domain)
{
  struct store_content content = { 0 };

  if (store_load (&domain->store, &content) == -1)
    return -1;
  store_content_clear (&domain->content);
  domain->content = content;
  return 0;
}

int
domain_commit (pb_domain *domain, struct commit *commit)
{
  bool committed = false;
  int r = commit_run (&domain->store, commit, &commit_ops, domain, &committed);

  /* Where the change has failed, its error is the one to report. */
  if (r == -1) {
    int errnum = pb_get_errno ();
    char *CLEANUP_FREE message = strdup (pb_get_error ());

    if (committed && load (domain) == -1)
      return -1;
    pb_set_error (errnum, "%s", message ? message : "out of memory");
    return -1;
  }
  return load (domain);
}

int
domain_recover (pb_domain *domain)
{
  int r = commit_recover (&domain->store, &commit_ops, domain);

  return r == 0 ? load (domain) : r;
}

/* Whoever only reads needs the folder for itself for as long as a change is
 * finished or undone.  Where that cannot be done now, the reader sees the
 * folder as it is: at each step of a change, what it has of tree and bitmaps
 * is right, or says that more has changed than has.
 */
static int
recover_to_read (pb_domain *domain)
{
  size_t count;
  char *journal = store_read_file (&domain->store, "journal.xml", &count);

  if (journal == NULL)
    return 0;
  free (journal);
  if (store_lock_exclusive (&domain->store) == 0)
    (void) commit_recover (&domain->store, &commit_ops, domain);
  return store_lock_shared (&domain->store);
}

static int
open_state (pb_domain *domain, const char *state)
{
  bool read_only = domain->flags & PB_DOMAIN_READ_ONLY;
  char *CLEANUP_FREE by_name = NULL;

  if (state == NULL) {
    state = by_name = default_state (domain->def.name);
    if (state == NULL)
      return -1;
  }
  if (store_open (&domain->store, state, read_only) == -1)
    return -1;
  domain->store.domain_uuid = domain->def.uuid;
  domain->name = domain->def.name ? strdup (domain->def.name)
                                  : name_of_state (domain->store.path);
  if (domain->name == NULL) {
    set_error_errno ("%s", state);
    return -1;
  }
  if (read_only)
    return recover_to_read (domain);
  return commit_recover (&domain->store, &commit_ops, domain);
}

pb_domain *
pb_domain_open (const char *uri, const char *state, unsigned flags)
{
  pb_domain *domain;

  if (check_not_null (__func__, "uri", uri) == -1
      || check_flags (__func__, flags,
                      PB_DOMAIN_READ_ONLY | PB_DOMAIN_DATA_FILE)
           == -1)
    return NULL;

  domain = calloc (1, sizeof *domain);
  if (domain == NULL) {
    set_error_errno ("%s", uri);
    return NULL;
  }
  pthread_mutex_init (&domain->lock, NULL); /* cannot fail on Linux */
  atomic_init (&domain->references, 1);
  domain->flags = flags;
  domain->driver = &domain_driver_at_rest;
  domain->store.fd = domain->store.lock_fd = -1;

  domain->uri = strdup (uri);
  if (domain->uri == NULL) {
    set_error_errno ("%s", uri);
    goto fail;
  }
  if (domain_def_parse_uri (&domain->def, uri) == -1
      || open_state (domain, state) == -1 || load (domain) == -1)
    goto fail;
  return domain;

fail:
  pb_domain_free (domain);
  return NULL;
}

pb_domain *
pb_domain_ref (pb_domain *domain)
{
  if (check_not_null (__func__, "domain", domain) == -1)
    return NULL;
  atomic_fetch_add (&domain->references, 1);
  return domain;
}

void
pb_domain_free (pb_domain *domain)
{
  if (domain == NULL || atomic_fetch_sub (&domain->references, 1) > 1)
    return;
  store_content_clear (&domain->content);
  store_close (&domain->store);
  domain_def_clear (&domain->def);
  pthread_mutex_destroy (&domain->lock);
  free (domain->name);
  free (domain->uri);
  free (domain);
}

const char *
pb_domain_get_uri (const pb_domain *domain)
{
  if (check_not_null (__func__, "domain", domain) == -1)
    return NULL;
  return domain->uri;
}

const char *
pb_domain_get_name (const pb_domain *domain)
{
  if (check_not_null (__func__, "domain", domain) == -1)
    return NULL;
  return domain->name;
}

const char *
pb_domain_get_state (const pb_domain *domain)
{
  if (check_not_null (__func__, "domain", domain) == -1)
    return NULL;
  return domain->store.path;
}

size_t
pb_domain_nr_disks (const pb_domain *domain)
{
  if (check_not_null (__func__, "domain", domain) == -1)
    return 0;
  return domain->def.nr_disks;
}

int
pb_domain_get_disk (const pb_domain *domain, size_t index,
                    struct pb_domain_disk *disk)
{
  const struct domain_disk *found;

  if (check_not_null (__func__, "domain", domain) == -1
      || check_not_null (__func__, "disk", disk) == -1)
    return -1;
  if (index >= domain->def.nr_disks) {
    pb_set_error (EINVAL, "domain %s: there is no disk number %zu, only %zu",
                  domain->name, index, domain->def.nr_disks);
    return -1;
  }
  found = &domain->def.disks[index];
  *disk = (struct pb_domain_disk){
    .name = found->name,
    .path = found->path,
    .format = found->format,
    .read_only = found->read_only,
  };
  return 0;
}

int
pb_domain_set_granularity (pb_domain *domain, uint64_t granularity)
{
  if (check_not_null (__func__, "domain", domain) == -1)
    return -1;
  if (granularity != 0
      && (!is_power_of_2 (granularity) || granularity < PB_GRANULARITY_MIN
          || granularity > PB_GRANULARITY_MAX)) {
    pb_set_error (EINVAL,
                  "granularity %llu is not a power of two from 512 to 2 GiB",
                  (unsigned long long) granularity);
    return -1;
  }
  LOCK_CURRENT_SCOPE (&domain->lock);
  domain->granularity = granularity;
  return 0;
}

/* All checkpoints at once, so that a crash leaves either all of them or none;
 * and none are forgotten while a change is unfinished.
 */
static int
forget_checkpoints (pb_domain *domain)
{
  const struct checkpoint_tree *tree = &domain->content.tree;
  struct commit CLEANUP_COMMIT commit = { 0 };

  if (change_start (&commit, "forgetting domain %s", domain->name) == -1)
    return -1;
  for (size_t i = 0; i < tree->nr_nodes; i++)
    if (change_remove_checkpoint (&commit, tree->nodes[i]->def.name) == -1)
      return -1;
  if (commit_add_file (&commit, "backups.xml", NULL) == -1
      || commit_add_file (&commit, "current", NULL) == -1)
    return -1;
  return domain_commit (domain, &commit);
}

int
pb_domain_forget (pb_domain *domain, unsigned flags)
{
  size_t nr;

  if (check_not_null (__func__, "domain", domain) == -1
      || check_flags (__func__, flags, PB_DOMAIN_FORGET_CHECKPOINTS_METADATA)
           == -1
      || domain_check_writable (__func__, domain) == -1)
    return -1;

  LOCK_CURRENT_SCOPE (&domain->lock);
  nr = domain->content.tree.nr_nodes + domain->content.nr_problems;
  if (nr > 0 && !(flags & PB_DOMAIN_FORGET_CHECKPOINTS_METADATA)) {
    pb_set_error (EEXIST,
                  "domain %s: cannot be forgotten with %zu checkpoint%s; "
                  "delete them first, or forget them too "
                  "(PB_DOMAIN_FORGET_CHECKPOINTS_METADATA), which leaves "
                  "their bitmaps in the images",
                  domain->name, nr, nr == 1 ? "" : "s");
    return -1;
  }
  if (forget_checkpoints (domain) == -1
      || store_remove (&domain->store) == -1)
    return -1;
  return load (domain);
}
