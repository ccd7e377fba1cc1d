/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-folder.h: what the files of the store share. */

#ifndef PULLBACK_STORE_FOLDER_H
#define PULLBACK_STORE_FOLDER_H

#include <stddef.h>
#include <sys/types.h>

#include "store.h"

#define CHECKPOINTS_FOLDER "checkpoints"
#define CHECKPOINT_SUFFIX  ".xml"
#define STAGED_SUFFIX      ".new"
#define CURRENT_FILE       "current"
#define BACKUPS_FILE       "backups.xml"
#define JOURNAL_FILE       "journal.xml"
#define LOCK_FILE          "lock"

/* Far more entries than this are no list of checkpoints. */
#define STORE_ENTRIES_MAX ((size_t) 4 * STORE_CHECKPOINTS_MAX)

/* Open the folder of checkpoints.  ENOENT where there is none. */
int store_open_checkpoints (const struct store *store);

/* The names in a folder, but "." and "..", in order.  PATH is for errors.  The
 * list is freed by store_entries_free ().
 */
char **store_entries (int fd, const char *path, size_t *count);
void store_entries_free (char **entries, size_t count);

/* Is ENTRY "NAME" SUFFIX, with a NAME that a checkpoint can have?  NAME is
 * stored without the suffix.
 */
bool store_entry_is (const char *entry, const char *suffix,
                     char name[static CHECKPOINT_NAME_MAX + 1]);

/* Read a regular file of at most MAX bytes, called NAME in the folder FD.  The
 * error is the bare reason: the caller knows the path.
 */
char *store_read_entry (int fd, const char *name, size_t max, size_t *count);

/* Make what FD's folder lists durable. */
int store_sync_folder (int fd, const char *path);

/* Lock FD, the file called lock, and say who has it where that fails
 * (store-lock.c).  OPERATION is flock ()'s.
 */
int store_lock_fd (const char *path, int fd, int operation);

#endif /* PULLBACK_STORE_FOLDER_H */
