/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-files.c: read and replace files of a state folder. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "fault-point.h"
#include "store-folder.h"
#include "xml.h"

#define CHECKPOINTS_PREFIX CHECKPOINTS_FOLDER "/"

/* Where a file is: its folder, and its names there. */
struct place {
  int folder;
  bool is_inner; /* the folder is that of checkpoints, and is closed again */
  char name[CHECKPOINT_NAME_MAX + sizeof CHECKPOINT_SUFFIX];
  char staged[CHECKPOINT_NAME_MAX + sizeof CHECKPOINT_SUFFIX
              + sizeof STAGED_SUFFIX];
};

static void
close_place (struct place *place)
{
  if (place->is_inner && place->folder >= 0)
    close (place->folder);
}

#define CLEANUP_PLACE CLEANUP (close_place)

static bool
is_checkpoint_file (const char *name)
{
  char checkpoint[CHECKPOINT_NAME_MAX + 1];
  size_t prefix = strlen (CHECKPOINTS_PREFIX);

  return strncmp (name, CHECKPOINTS_PREFIX, prefix) == 0
         && store_entry_is (name + prefix, CHECKPOINT_SUFFIX, checkpoint);
}

bool
store_file_name_is_valid (const char *name)
{
  return strcmp (name, CURRENT_FILE) == 0 || strcmp (name, BACKUPS_FILE) == 0
         || is_checkpoint_file (name);
}

/* Find the place of a file.  ENOENT where its folder is not there. */
static int
find_place (const struct store *store, const char *name, struct place *place)
{
  *place = (struct place) { .folder = store->fd };
  assert (strcmp (name, JOURNAL_FILE) == 0 || store_file_name_is_valid (name));

  if (strncmp (name, CHECKPOINTS_PREFIX, strlen (CHECKPOINTS_PREFIX)) == 0) {
    name += strlen (CHECKPOINTS_PREFIX);
    place->is_inner = true;
    place->folder = store_open_checkpoints (store);
    if (place->folder == -1)
      return -1;
  }
  snprintf (place->name, sizeof place->name, "%s", name);
  snprintf (place->staged, sizeof place->staged, "%s" STAGED_SUFFIX, name);
  return 0;
}

static size_t
size_max (const char *name)
{
  return strcmp (name, JOURNAL_FILE) == 0 ? XML_LARGE_SIZE_MAX : XML_SIZE_MAX;
}

char *
store_read_file (const struct store *store, const char *name, size_t *count)
{
  struct place CLEANUP_PLACE place = { .folder = -1 };
  char *text;

  if (store->fd == -1) {
    errno = ENOENT;
    set_error_errno ("%s/%s", store->path, name);
    return NULL;
  }
  if (find_place (store, name, &place) == -1)
    return NULL;
  text = store_read_entry (place.folder, place.name, size_max (name), count);
  if (text == NULL)
    prefix_error ("%s/%s", store->path, name);
  return text;
}

/* The folder of checkpoints comes with the first one. */
static int
make_checkpoints_folder (const struct store *store)
{
  if (mkdirat (store->fd, CHECKPOINTS_FOLDER, 0700) == -1) {
    if (errno == EEXIST)
      return 0;
    set_error_errno ("%s/" CHECKPOINTS_FOLDER, store->path);
    return -1;
  }
  fault_point ("store: folder of checkpoints made");
  return 0;
}

static int
write_text (int fd, const char *text, size_t count)
{
  while (count > 0) {
    ssize_t r = write (fd, text, count);

    if (r == -1 && errno == EINTR)
      continue;
    if (r == -1)
      return -1;
    text += r;
    count -= r;
  }
  return 0;
}

/* A new file, never what was left there: that could be another one's, or a
 * link.
 */
static int
write_staged (const struct place *place, const char *text, size_t count)
{
  int fd, r;

  if (unlinkat (place->folder, place->staged, 0) == -1 && errno != ENOENT)
    return -1;
  fd = openat (place->folder, place->staged,
               O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd == -1)
    return -1;
  fault_point ("store: file made");
  r = write_text (fd, text, count);
  fault_point ("store: file written");
  if (r == 0)
    r = fsync (fd);
  if (r == -1) {
    int errnum = errno;

    close (fd);
    errno = errnum;
    return -1;
  }
  fault_point ("store: file synced");
  return close (fd);
}

int
store_stage_file (const struct store *store, const char *name,
                  const char *text)
{
  struct place CLEANUP_PLACE place = { .folder = -1 };
  size_t count = strlen (text);

  assert (store->is_exclusive);
  if (count > size_max (name)) {
    pb_set_error (EFBIG, "%s/%s: %zu bytes are more than the limit, %zu",
                  store->path, name, count, size_max (name));
    return -1;
  }
  if (is_checkpoint_file (name) && make_checkpoints_folder (store) == -1)
    return -1;
  if (find_place (store, name, &place) == -1)
    return -1;
  if (write_staged (&place, text, count) == -1) {
    set_error_errno ("%s/%s" STAGED_SUFFIX ": cannot be written", store->path,
                     name);
    unlinkat (place.folder, place.staged, 0);
    return -1;
  }
  return 0;
}

int
store_place_file (const struct store *store, const char *name)
{
  struct place CLEANUP_PLACE place = { .folder = -1 };

  assert (store->is_exclusive);
  if (find_place (store, name, &place) == -1)
    return pb_get_errno () == ENOENT ? 0 : -1;
  if (renameat (place.folder, place.staged, place.folder, place.name) == -1
      && errno != ENOENT) {
    set_error_errno ("%s/%s: cannot be replaced", store->path, name);
    return -1;
  }
  fault_point ("store: file placed");
  return 0;
}

static int
unlink_name (const struct store *store, const char *name, bool staged)
{
  struct place CLEANUP_PLACE place = { .folder = -1 };

  assert (store->is_exclusive);
  if (find_place (store, name, &place) == -1)
    return pb_get_errno () == ENOENT ? 0 : -1;
  if (unlinkat (place.folder, staged ? place.staged : place.name, 0) == -1
      && errno != ENOENT) {
    set_error_errno ("%s/%s%s: cannot be removed", store->path, name,
                     staged ? STAGED_SUFFIX : "");
    return -1;
  }
  fault_point ("store: file removed");
  return 0;
}

int
store_unstage_file (const struct store *store, const char *name)
{
  return unlink_name (store, name, true);
}

int
store_unlink_file (const struct store *store, const char *name)
{
  return unlink_name (store, name, false);
}

int
store_sync (const struct store *store)
{
  int CLEANUP_CLOSE fd = store_open_checkpoints (store);

  if (fd == -1) {
    if (pb_get_errno () != ENOENT)
      return -1;
  }
  else if (store_sync_folder (fd, store->path) == -1)
    return -1;
  fault_point ("store: folder of checkpoints synced");
  if (store_sync_folder (store->fd, store->path) == -1)
    return -1;
  fault_point ("store: folder synced");
  return 0;
}

int
store_write_file (const struct store *store, const char *name,
                  const char *text)
{
  if (store_stage_file (store, name, text) == -1
      || store_place_file (store, name) == -1)
    return -1;
  return store_sync (store);
}

int
store_remove_file (const struct store *store, const char *name)
{
  if (store_unlink_file (store, name) == -1)
    return -1;
  return store_sync (store);
}

/* Remove what store_stage_file () has left in the folder of checkpoints. */
static int
unstage_checkpoints (const struct store *store)
{
  char name[CHECKPOINT_NAME_MAX + 1];
  int CLEANUP_CLOSE fd = store_open_checkpoints (store);
  char **entries;
  size_t count;
  int r = 0;

  if (fd == -1)
    return pb_get_errno () == ENOENT ? 0 : -1;
  entries = store_entries (fd, store->path, &count);
  if (entries == NULL)
    return -1;
  for (size_t i = 0; i < count && r == 0; i++)
    if (store_entry_is (entries[i], CHECKPOINT_SUFFIX STAGED_SUFFIX, name)) {
      r = unlinkat (fd, entries[i], 0);
      if (r == -1 && errno == EISDIR)
        r = 0; /* it is not ours, and told of as a problem */
      if (r == -1)
        set_error_errno ("%s/" CHECKPOINTS_PREFIX "%s: cannot be removed",
                         store->path, entries[i]);
      fault_point ("store: leftover removed");
    }
  store_entries_free (entries, count);
  return r;
}

int
store_unstage_all (const struct store *store)
{
  if (store_unstage_file (store, CURRENT_FILE) == -1
      || store_unstage_file (store, BACKUPS_FILE) == -1
      || store_unstage_file (store, JOURNAL_FILE) == -1)
    return -1;
  return unstage_checkpoints (store);
}
