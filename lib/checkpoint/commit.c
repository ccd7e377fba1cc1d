/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* commit.c: do a change, undo it, or finish it after a crash: see commit.h. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commit.h"
#include "error.h"
#include "fault-point.h"
#include "store.h"

#define JOURNAL "journal.xml"

/* A change that is under way. */
struct run {
  struct store *store;
  struct commit *commit;
  const struct commit_ops *ops;
  void *opaque;
};

/* The error of a failure, kept while its consequences are dealt with. */
struct failure {
  int errnum;
  char *text;
};

static struct failure
keep_error (void)
{
  return (struct failure) { pb_get_errno (), strdup (pb_get_error ()) };
}

static const char *
failure_text (const struct failure *failure)
{
  return failure->text ? failure->text : "a failure that memory was short for";
}

/* Nobody needs them before the journal says "committed", and before that their
 * folder is synced with it.
 */
static int
stage_files (struct run *run)
{
  for (size_t i = 0; i < run->commit->nr_files; i++) {
    const struct commit_file *file = &run->commit->files[i];

    if (file->is_written
        && store_stage_file (run->store, file->name, file->text) == -1)
      return -1;
  }
  return 0;
}

/* Have the journal say how far the change is.  *IN_PLACE: it does, though it
 * may not be durable.
 */
static int
write_journal (struct run *run, bool *in_place)
{
  char *CLEANUP_FREE text = commit_format (run->commit);

  *in_place = false;
  if (text == NULL || store_stage_file (run->store, JOURNAL, text) == -1
      || store_place_file (run->store, JOURNAL) == -1)
    return -1;
  *in_place = true;
  return store_sync (run->store);
}

/* Steps 1 and 2 taken back.  What was staged is of no use to anybody without
 * the journal, and so goes after it.
 */
static int
forget (struct run *run)
{
  if (store_remove_file (run->store, JOURNAL) == -1)
    return -1;
  fault_point ("commit: journal of what was undone removed");
  if (store_unstage_all (run->store) == -1)
    return -1;
  return store_sync (run->store);
}

/* Undo the first COUNT of the actions before, the last one first. */
static int
undo (struct run *run, size_t count)
{
  while (count > 0) {
    const struct bitmap_action *action = &run->commit->before.list[--count];

    if ((action->kind == BITMAP_ACTION_ADD || action->undo)
        && run->ops->undo (run->opaque, action) == -1)
      return -1;
    fault_point ("commit: action undone");
  }
  return forget (run);
}

/* Undo what was done, after a failure that stays the error. */
static int
undo_failed (struct run *run, size_t count)
{
  struct failure failure = keep_error ();

  if (undo (run, count) == 0)
    pb_set_error (failure.errnum, "%s", failure_text (&failure));
  else {
    char *CLEANUP_FREE why = strdup (pb_get_error ());

    pb_set_error (failure.errnum,
                  "%s; what was done before that could not be undone (%s), "
                  "and is undone when %s is opened next",
                  failure_text (&failure), why ? why : "memory is short",
                  run->store->path);
  }
  free (failure.text);
  return -1;
}

/* Steps 5 to 7, each of which may have been done already. */
static int
finish (struct run *run)
{
  const struct commit *commit = run->commit;

  for (size_t i = 0; i < commit->nr_files; i++) {
    const struct commit_file *file = &commit->files[i];

    if ((file->is_written ? store_place_file (run->store, file->name)
                          : store_unlink_file (run->store, file->name))
        == -1)
      return -1;
  }
  if (store_sync (run->store) == -1)
    return -1;

  for (size_t i = 0; i < commit->after.count; i++) {
    if (run->ops->apply (run->opaque, &commit->after.list[i]) == -1)
      return -1;
    fault_point ("commit: action after done");
  }
  return store_remove_file (run->store, JOURNAL);
}

/* The journal says that the change is done, and it is not. */
static int
leave_unfinished (struct run *run)
{
  int errnum = pb_get_errno ();
  char *CLEANUP_FREE why = strdup (pb_get_error ());

  pb_set_error (errnum,
                "%s: is not finished, and goes on when %s is opened next: %s",
                run->commit->what, run->store->path,
                why ? why : "memory is short");
  return -1;
}

/* A journal that is there already is that of a change whose rest must not be
 * forgotten.
 */
static int
check_no_journal (struct run *run)
{
  size_t count;
  char *CLEANUP_FREE journal = store_read_file (run->store, JOURNAL, &count);

  if (journal == NULL && pb_get_errno () == ENOENT)
    return 0;
  pb_set_error (EBUSY,
                "%s: an earlier change of %s is not finished, and goes on when "
                "that is opened next; nothing can be changed before",
                run->commit->what, run->store->path);
  return -1;
}

int
commit_run (struct store *store, struct commit *commit,
            const struct commit_ops *ops, void *opaque, bool *committed)
{
  struct run run = { store, commit, ops, opaque };
  bool in_place;

  assert (commit->what && !commit->is_committed);
  *committed = false;
  if (check_no_journal (&run) == -1)
    return -1;
  if (stage_files (&run) == -1)
    return undo_failed (&run, 0);
  fault_point ("commit: files staged");
  if (write_journal (&run, &in_place) == -1)
    return undo_failed (&run, 0);
  fault_point ("commit: prepared");

  for (size_t i = 0; i < commit->before.count; i++) {
    if (ops->apply (opaque, &commit->before.list[i]) == -1)
      /* It may be done all the same, unless it is somebody else's. */
      return undo_failed (&run, pb_get_errno () == EEXIST ? i : i + 1);
    fault_point ("commit: action before done");
  }

  commit->is_committed = true;
  if (write_journal (&run, &in_place) == -1) {
    if (!in_place) {
      commit->is_committed = false;
      return undo_failed (&run, commit->before.count);
    }
    /* After a crash either journal may be there.  Nothing is done until that
     * is known: by who opens the folder next.
     */
    *committed = true;
    return leave_unfinished (&run);
  }
  fault_point ("commit: committed");

  *committed = true;
  return finish (&run) == -1 ? leave_unfinished (&run) : 0;
}

static int
recover (struct run *run, const char *source)
{
  const char *verb = run->commit->is_committed ? "finished" : "undone";
  int r = run->commit->is_committed ? finish (run)
                                    : undo (run, run->commit->before.count);

  if (r == -1)
    prefix_error ("%s: %s was interrupted, and cannot be %s now", source,
                  run->commit->what, verb);
  return r;
}

/* What is wrong with the journal is not what a user could wait for. */
static int
refuse_journal (void)
{
  int errnum = pb_get_errno ();

  if (errnum == EINVAL || errnum == EFBIG)
    prefix_error ("a change was interrupted, and its journal is damaged; move "
                  "that file away, and then compare the checkpoints with the "
                  "bitmaps (backup-checkpoint doctor)");
  return -1;
}

int
commit_recover (struct store *store, const struct commit_ops *ops,
                void *opaque)
{
  struct commit CLEANUP_COMMIT commit = { 0 };
  struct run run = { store, &commit, ops, opaque };
  char *CLEANUP_FREE source = NULL;
  char *CLEANUP_FREE text = NULL;
  size_t count;

  text = store_read_file (store, JOURNAL, &count);
  if (text == NULL) {
    if (pb_get_errno () != ENOENT)
      return refuse_journal ();
    return store->is_exclusive ? store_unstage_all (store) : 0;
  }
  if (asprintf (&source, "%s/" JOURNAL, store->path) == -1) {
    source = NULL;
    set_error_errno ("%s", store->path);
    return -1;
  }
  if (commit_parse (&commit, source, text, count) == -1)
    return refuse_journal ();
  return recover (&run, source);
}
