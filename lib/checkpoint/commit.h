/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commit.h: one change of a domain: its bitmaps and its state folder together.
 *
 *   1. journal, "prepared"      what follows is known, also after a crash
 *   2. actions "before"         bitmaps are added, or merged into older ones
 *   3. journal, "committed"     from here on the change is done, or finished
 *                               by whoever opens the state folder next
 *   4. files                    written, or removed
 *   5. actions "after"          bitmaps are removed
 *   6. the journal goes
 *
 * Up to 3 a change is undone: what was added is removed again.  What was merged
 * may stay: it says that more has changed than has, which costs time and no
 * data.  From 3 on it is done again from step 4: each step of it can be
 * repeated, and what is done already counts as done.  Recovery is the same
 * code (commit_recover ()).
 */

#ifndef PULLBACK_COMMIT_H
#define PULLBACK_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

enum bitmap_action_kind {
  BITMAP_ACTION_ADD,    /* persistent, enabled */
  BITMAP_ACTION_MERGE,  /* SOURCE into BITMAP, which is made (disabled) where
                         * the image has none, and enabled where SOURCE is */
  BITMAP_ACTION_REMOVE  /* where the image has none, that is no error */
};

struct bitmap_action {
  enum bitmap_action_kind kind;
  char *disk;   /* for messages */
  char *path;   /* of the image, absolute */
  char *bitmap;
  char *source;         /* MERGE */
  uint64_t granularity; /* ADD: 0 for the default */
};

struct bitmap_actions {
  size_t count;
  struct bitmap_action *list;
};

/* A file of the state folder. */
struct commit_file {
  char *name; /* "current", "backups.xml", "checkpoints/NAME.xml" */
  char *text; /* NULL: remove it */
};

struct commit {
  char *what; /* "creating checkpoint a": for messages */
  bool is_committed;
  struct bitmap_actions before, after;
  size_t nr_files;
  struct commit_file *files;
};

void commit_clear (struct commit *commit);

/* The strings are copied. */
int commit_add_before (struct commit *commit,
                       const struct bitmap_action *action);
int commit_add_after (struct commit *commit,
                      const struct bitmap_action *action);
int commit_add_file (struct commit *commit, const char *name,
                     const char *text);

/* As the journal keeps it: XML, valid by journal.rng.  A journal's names of
 * files are checked like all that comes from disk: none leaves the folder.
 */
char *commit_format (const struct commit *commit);
int commit_parse (struct commit *commit, const char *source, const char *xml,
                  size_t count);

/* Who does the actions. */
struct commit_ops {
  /* Do ACTION, or undo it: only ADD can be undone. */
  int (*apply) (void *opaque, const struct bitmap_action *action);
  int (*undo) (void *opaque, const struct bitmap_action *action);
};

struct store;

/* Do all of COMMIT.  On failure before step 3 all is undone, and the error is
 * that of the failure.  On failure after it (-1 as well), *COMMITTED is true,
 * the journal stays, and the error says that the rest is done when the state
 * folder is opened next.
 */
int commit_run (struct store *store, struct commit *commit,
                const struct commit_ops *ops, void *opaque, bool *committed);

/* Finish or undo what the journal has, if there is one. */
int commit_recover (struct store *store, const struct commit_ops *ops,
                    void *opaque);

static inline void
cleanup_commit (struct commit *commit)
{
  commit_clear (commit);
}

#define CLEANUP_COMMIT CLEANUP (cleanup_commit)

#endif /* PULLBACK_COMMIT_H */
