/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commit.h: one change of a domain: its bitmaps and its state folder together.
 *
 *   1. new files stand beside their places, synced: see store.h
 *   2. journal, "prepared"      what follows is known, also after a crash
 *   3. actions "before"         bitmaps are added, or merged into older ones
 *   4. journal, "committed"     from here on the change is done, or finished
 *                               by whoever opens the state folder next
 *   5. files                    get their places, or are removed
 *   6. actions "after"          bitmaps are removed
 *   7. the journal goes
 *
 * Up to 4 a change is undone: what was added is removed again.  What was merged
 * may stay in its bitmap: it says that more has changed than has, which costs
 * time and no data; but where merging made the bitmap, or made it record, that
 * is undone.  From 4 on it is done again from step 5: each step of it can be
 * repeated, and what is done already counts as done.  Recovery is the same
 * code (commit_recover ()).
 *
 * The journal names the files; what is in them waits beside their places.  So
 * what does not fit on the disk is found out before anything is changed, and
 * the journal stays small.
 */

#ifndef PULLBACK_COMMIT_H
#define PULLBACK_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"

enum bitmap_action_kind {
  BITMAP_ACTION_ADD,    /* persistent, enabled; no image has it yet */
  BITMAP_ACTION_MERGE,  /* SOURCE into BITMAP, which is made (disabled) where
                         * the image has none, and enabled where SOURCE is */
  BITMAP_ACTION_REMOVE  /* where the image has none, that is no error */
};

/* What undoes a MERGE, but for what was merged. */
enum bitmap_action_undo {
  BITMAP_UNDO_NOTHING,
  BITMAP_UNDO_REMOVE, /* the image has no BITMAP so far */
  BITMAP_UNDO_DISABLE /* BITMAP does not record so far, and SOURCE does */
};

struct bitmap_action {
  enum bitmap_action_kind kind;
  char *disk;   /* for messages */
  char *path;   /* of the image, absolute */
  char *bitmap;
  char *source;         /* MERGE */
  uint64_t granularity; /* ADD: 0 for the default */
  enum bitmap_action_undo undo; /* MERGE */
};

struct bitmap_actions {
  size_t count;
  struct bitmap_action *list;
};

/* A file of the state folder. */
struct commit_file {
  char *name; /* "current", "backups.xml", "checkpoints/NAME.xml" */
  bool is_written; /* else it is removed */
  char *text;      /* to be written; NULL in what comes from a journal */
};

struct commit {
  char *what; /* "creating checkpoint a": for messages; not NULL */
  bool is_committed;
  struct bitmap_actions before, after;
  size_t nr_files;
  struct commit_file *files;
};

void commit_clear (struct commit *commit);

/* The strings are copied.  Before are ADD and MERGE, after is REMOVE.  TEXT is
 * NULL to remove a file; adding a file again replaces what was to become of it.
 */
int commit_add_before (struct commit *commit,
                       const struct bitmap_action *action);
int commit_add_after (struct commit *commit,
                      const struct bitmap_action *action);
int commit_add_file (struct commit *commit, const char *name,
                     const char *text);

/* The same of a journal, whose files wait beside their places. */
int commit_append_file (struct commit *commit, const char *name,
                        bool is_written);

/* As the journal keeps it: XML, valid by journal.rng.  A journal's names are
 * checked like all that comes from disk: no file's leaves the folder, and an
 * image's is absolute.
 */
char *commit_format (const struct commit *commit);
int commit_parse (struct commit *commit, const char *source, const char *xml,
                  size_t count);

/* Who does the actions. */
struct commit_ops {
  /* Do ACTION, durably.  An ADD that fails with EEXIST has added nothing: what
   * it has found is somebody else's, and is not undone.  After another failure
   * it may be there, and is.
   */
  int (*apply) (void *opaque, const struct bitmap_action *action);

  /* Undo ACTION, an ADD, or a MERGE that has something to undo.  It may or may
   * not have been done.
   */
  int (*undo) (void *opaque, const struct bitmap_action *action);
};

struct store;

/* Do all of COMMIT.  On failure before step 4 all is undone, and the error is
 * that of the failure.  On failure after it (-1 as well), *COMMITTED is true,
 * the journal stays, and the error says that the rest is done when the state
 * folder is opened next.  So it does where undoing fails.  Until then every
 * other change is refused (EBUSY).
 */
int commit_run (struct store *store, struct commit *commit,
                const struct commit_ops *ops, void *opaque, bool *committed);

/* Finish or undo what the journal has, if there is one, and remove what an
 * interrupted change has left without one.
 */
int commit_recover (struct store *store, const struct commit_ops *ops,
                    void *opaque);

static inline void
cleanup_commit (struct commit *commit)
{
  commit_clear (commit);
}

#define CLEANUP_COMMIT CLEANUP (cleanup_commit)

#endif /* PULLBACK_COMMIT_H */
