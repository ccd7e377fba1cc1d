/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store.c: open the state folder of a domain, and remove it. */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "fault-point.h"
#include "store-folder.h"

/* How often another process may remove the folder while we open it. */
#define ATTEMPTS 10

/* What one attempt comes to. */
enum outcome { FAILED = -1, DONE, AGAIN };

/* PATH as an absolute one, without slashes at its end. */
static char *
absolute_path (const char *path)
{
  char *folder = NULL, *absolute = NULL;
  size_t length;

  if (path[0] == '\0') {
    pb_set_error (EINVAL, "state folder: its name is empty");
    return NULL;
  }
  if (path[0] != '/') {
    folder = getcwd (NULL, 0);
    if (folder == NULL) {
      set_error_errno ("%s: the current folder", path);
      return NULL;
    }
  }
  if (asprintf (&absolute, "%s%s%s", folder ? folder : "", folder ? "/" : "",
                path)
      == -1) {
    set_error_errno ("%s", path);
    absolute = NULL;
  }
  free (folder);
  if (absolute) {
    length = strlen (absolute);
    while (length > 1 && absolute[length - 1] == '/')
      absolute[--length] = '\0';
  }
  return absolute;
}

/* Make what the folder that holds PATH lists durable. */
static int
sync_parent (const char *path)
{
  const char *slash = strrchr (path, '/');
  char *CLEANUP_FREE parent = strndup (path, slash - path + (slash == path));
  int CLEANUP_CLOSE fd
    = parent ? open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

  if (fd == -1) {
    set_error_errno ("%s: the folder it is in", path);
    return -1;
  }
  return store_sync_folder (fd, parent);
}

static int
make_folder (const char *path)
{
  if (mkdir (path, 0700) == -1) {
    if (errno == EEXIST)
      return 0;
    set_error_errno ("%s: cannot be made", path);
    return -1;
  }
  return sync_parent (path);
}

/* Make PATH and what is missing above it. */
static int
make_folders (const char *path)
{
  char *CLEANUP_FREE part = strdup (path);

  if (part == NULL) {
    set_error_errno ("%s", path);
    return -1;
  }
  for (char *p = part + 1; *p; p++) {
    if (*p != '/')
      continue;
    *p = '\0';
    if (access (part, F_OK) == -1 && make_folder (part) == -1)
      return -1;
    *p = '/';
  }
  return make_folder (part);
}

static int
open_folder (struct store *store)
{
  store->fd = open (store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (store->fd == -1 && errno == ENOENT) {
    if (store->read_only)
      return 0;
    if (make_folders (store->path) == -1)
      return -1;
    store->fd = open (store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  if (store->fd == -1) {
    set_error_errno ("%s", store->path);
    return -1;
  }
  return 0;
}

/* Open the file called lock, made if need be.  Network file systems want it to
 * be writable for an exclusive lock; who may only read gets a shared one.
 */
static int
open_lock (struct store *store)
{
  const int flags = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  int fd = openat (store->fd, LOCK_FILE, O_RDWR | O_CREAT | flags, 0600);
  struct stat st;

  if (fd == -1 && store->read_only && (errno == EACCES || errno == EROFS)) {
    int errnum = errno;

    fd = openat (store->fd, LOCK_FILE, O_RDONLY | flags);
    if (fd == -1 && errno == ENOENT && errnum == EROFS)
      return 0; /* nobody writes there: nothing is to be locked */
  }
  if (fd == -1) {
    set_error_errno ("%s/" LOCK_FILE, store->path);
    return -1;
  }
  store->lock_fd = fd;
  if (fstat (fd, &st) == -1 || !S_ISREG (st.st_mode)) {
    pb_set_error (EINVAL, "%s/" LOCK_FILE ": is not a regular file",
                  store->path);
    return -1;
  }
  return 0;
}

/* Whoever removes the folder holds the lock, and removes that file as well:
 * one that was locked after it had gone keeps nobody out.
 */
static bool
lock_is_in_place (const struct store *store)
{
  struct stat opened, named;

  return fstat (store->lock_fd, &opened) == 0
         && fstatat (store->fd, LOCK_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0
         && opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static void
close_all (struct store *store)
{
  if (store->lock_fd >= 0)
    close (store->lock_fd);
  if (store->fd >= 0)
    close (store->fd);
  store->fd = store->lock_fd = -1;
}

static enum outcome
try_to_open (struct store *store)
{
  if (open_folder (store) == -1)
    return pb_get_errno () == ENOENT ? AGAIN : FAILED;
  if (store->fd == -1)
    return DONE;
  if (open_lock (store) == -1)
    return pb_get_errno () == ENOENT ? AGAIN : FAILED;
  if (store->lock_fd == -1)
    return DONE;
  if (store_lock_fd (store->path, store->lock_fd,
                     store->read_only ? LOCK_SH : LOCK_EX)
      == -1)
    return FAILED;
  return lock_is_in_place (store) ? DONE : AGAIN;
}

int
store_open (struct store *store, const char *path, bool read_only)
{
  enum outcome outcome = AGAIN;

  *store = (struct store) { .fd = -1, .lock_fd = -1, .read_only = read_only };
  store->path = absolute_path (path);
  if (store->path == NULL)
    return -1;
  for (unsigned i = 0; i < ATTEMPTS && outcome == AGAIN; i++) {
    close_all (store);
    outcome = try_to_open (store);
  }
  if (outcome == DONE) {
    store->is_exclusive = !read_only;
    return 0;
  }
  if (outcome == AGAIN)
    pb_set_error (EBUSY, "%s: keeps disappearing while it is opened",
                  store->path);
  store_close (store);
  return -1;
}

void
store_close (struct store *store)
{
  close_all (store);
  free (store->path);
  *store = (struct store) { .fd = -1, .lock_fd = -1 };
}

/* Children go before their parents, so that what is left at any moment is a
 * tree.
 */
static int
remove_checkpoints (const struct store *store)
{
  struct store_content content = { 0 };
  struct checkpoint_node **list = NULL;
  size_t count = 0;
  int r = -1;

  if (store_load (store, &content) == -1)
    return -1;
  list = checkpoint_tree_list (&content.tree, NULL,
                               CHECKPOINT_SELECT_TOPOLOGICAL, &count);
  if (list) {
    r = 0;
    while (count > 0 && r == 0) {
      char *CLEANUP_FREE name = NULL;

      if (asprintf (&name, CHECKPOINTS_FOLDER "/%s" CHECKPOINT_SUFFIX,
                    list[--count]->def.name)
          == -1) {
        set_error_errno ("%s", store->path);
        name = NULL;
        r = -1;
      }
      else
        r = store_unlink_file (store, name);
    }
  }
  free (list);
  store_content_clear (&content);
  return r;
}

/* Remove a folder that may have gone already, hold what is not ours, or be
 * named by a link or by "." (EINVAL): then it stays.
 */
static int
remove_folder (int parent, const char *name, const char *path)
{
  if (unlinkat (parent, name, AT_REMOVEDIR) == -1 && errno != ENOENT
      && errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR
      && errno != EINVAL) {
    set_error_errno ("%s: cannot be removed", path);
    return -1;
  }
  fault_point ("store: folder removed");
  return 0;
}

int
store_remove (struct store *store)
{
  assert (store->is_exclusive);
  if (store_unstage_all (store) == -1
      || store_unlink_file (store, BACKUPS_FILE) == -1
      || store_unlink_file (store, CURRENT_FILE) == -1
      || remove_checkpoints (store) == -1
      || store_unlink_file (store, JOURNAL_FILE) == -1
      || remove_folder (store->fd, CHECKPOINTS_FOLDER, store->path) == -1
      || store_sync (store) == -1)
    return -1;

  /* From here on whoever comes makes a new one. */
  if (unlinkat (store->fd, LOCK_FILE, 0) == -1 && errno != ENOENT) {
    set_error_errno ("%s/" LOCK_FILE ": cannot be removed", store->path);
    return -1;
  }
  fault_point ("store: lock removed");
  if (remove_folder (AT_FDCWD, store->path, store->path) == -1)
    return -1;
  return sync_parent (store->path);
}
