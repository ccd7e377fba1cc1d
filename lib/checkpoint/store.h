/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store.h: the state folder of a domain.
 *
 *   lock                   locked (flock) while the domain is open, and by what
 *                          its changes have started, until that ends too
 *   current                the name of the current checkpoint, with or without
 *                          a newline; an empty file: none; no file: not known
 *   backups.xml            which backups were taken at which checkpoints
 *   journal.xml            only while a change is under way: commit.h
 *   checkpoints/NAME.xml   a checkpoint each, as libvirt keeps them
 *
 * The folder has mode 0700, its files 0600.  A file is written beside its place
 * (NAME.new), synced and renamed, and then the folder is synced.  Nothing in
 * the folder that is not a regular file is opened, and no link is followed.
 */

#ifndef PULLBACK_STORE_H
#define PULLBACK_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "tree.h"

enum store_problem_kind {
  STORE_PROBLEM_UNREADABLE,  /* cannot be read, or is no checkpoint */
  STORE_PROBLEM_MISNAMED,    /* the name in it is not that of the file */
  STORE_PROBLEM_TOO_MANY     /* files beyond STORE_CHECKPOINTS_MAX */
};

#define STORE_CHECKPOINTS_MAX 16384

/* A file that was left out, and stays as it is. */
struct store_problem {
  enum store_problem_kind kind;
  char *path;
  char *reason;
};

struct store {
  char *path; /* of the folder, absolute */
  int fd;     /* of the folder */
  int lock_fd; /* close-on-exec; -1 where nothing can be written anyway */
  bool read_only;
  bool is_exclusive;
  const char *domain_uuid; /* of the domain whose it is, or NULL: for the tree,
                            * and set by who has opened the folder */
};

/* Open the folder PATH, made (with the folders above it) unless READ_ONLY, and
 * lock it: exclusively, or shared with others that only read.  EBUSY, with who
 * has it, where that cannot be.  A folder that is not there, and READ_ONLY, is
 * like an empty one: fd is -1.
 */
int store_open (struct store *store, const char *path, bool read_only);
void store_close (struct store *store);

/* Swap the lock of a READ_ONLY store for an exclusive one, for recovery, and
 * back again, also where the first one has failed: EBUSY where others have it.
 * What was loaded before may be out of date then: others may have had the lock
 * in between.  Where the second one fails the store is only to be closed.
 */
int store_lock_exclusive (struct store *store);
int store_lock_shared (struct store *store);

/* What the folder holds.  Nothing that can be read is dropped: see tree.h for
 * broken relations.  Where there is no file "current", the only leaf is current
 * if there is exactly one and no relation is broken; otherwise, and where the
 * file names a checkpoint that is not there, current is unknown.
 */
struct store_content {
  struct checkpoint_tree tree;
  size_t nr_problems;
  struct store_problem *problems;
};
int store_load (const struct store *store, struct store_content *content);
void store_content_clear (struct store_content *content);

/* Files of the folder, by the names of struct commit_file, and "journal.xml".
 * They are no larger than XML_SIZE_MAX, the journal XML_LARGE_SIZE_MAX.
 * Reading gives the text with a NUL behind it, to be freed by the caller, and
 * ENOENT where there is none; removing what is not there is no error.  To
 * change anything, the store must be locked exclusively.
 */
char *store_read_file (const struct store *store, const char *name,
                       size_t *count);
int store_write_file (const struct store *store, const char *name,
                      const char *text);
int store_remove_file (const struct store *store, const char *name);

/* Writing in its steps: beside its place and synced; to its place; and what the
 * folders list synced (once for many files).  No file beside its place is no
 * error in the second one: it has been taken there already.
 */
int store_stage_file (const struct store *store, const char *name,
                      const char *text);
int store_place_file (const struct store *store, const char *name);
int store_unstage_file (const struct store *store, const char *name);
int store_unlink_file (const struct store *store, const char *name);
int store_sync (const struct store *store);

/* Remove all that was staged and not placed. */
int store_unstage_all (const struct store *store);

/* Can a file called NAME be part of a commit?  See struct commit_file. */
bool store_file_name_is_valid (const char *name);

/* Remove all of our files, and the folder if nothing else is in it.  Files that
 * store_load () leaves out stay.
 */
int store_remove (struct store *store);

#endif /* PULLBACK_STORE_H */
