/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-folder.c: entries of a folder, none of them trusted. */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "store-folder.h"

#define ENTRIES_MIN 64

int
store_open_checkpoints (const struct store *store)
{
  int fd;

  if (store->fd == -1) {
    errno = ENOENT;
    fd = -1;
  }
  else
    fd = openat (store->fd, CHECKPOINTS_FOLDER,
                 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd == -1 && (errno == ENOTDIR || errno == ELOOP))
    pb_set_error (ENOTDIR, "%s/" CHECKPOINTS_FOLDER ": is not a folder",
                  store->path);
  else if (fd == -1)
    set_error_errno ("%s/" CHECKPOINTS_FOLDER, store->path);
  return fd;
}

void
store_entries_free (char **entries, size_t count)
{
  for (size_t i = 0; i < count; i++)
    free (entries[i]);
  free (entries);
}

static int
compare_entries (const void *a, const void *b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* Returns 1 where the folder has ended. */
static int
next_entry (DIR *folder, const char *path, char **name)
{
  struct dirent *entry;

  do {
    errno = 0;
    entry = readdir (folder);
    if (entry == NULL) {
      if (errno == 0)
        return 1;
      set_error_errno ("%s: cannot be listed", path);
      return -1;
    }
  } while (strcmp (entry->d_name, ".") == 0
           || strcmp (entry->d_name, "..") == 0);
  *name = strdup (entry->d_name);
  if (*name == NULL) {
    set_error_errno ("%s", path);
    return -1;
  }
  return 0;
}

static int
collect_entries (DIR *folder, const char *path, char ***entries,
                 size_t *count)
{
  size_t capacity = 0;
  char *name;
  int r;

  while ((r = next_entry (folder, path, &name)) == 0) {
    if (*count >= STORE_ENTRIES_MAX) {
      pb_set_error (EFBIG, "%s: has more than %zu files", path,
                    STORE_ENTRIES_MAX);
      free (name);
      return -1;
    }
    if (*count == capacity) {
      size_t larger = capacity ? 2 * capacity : ENTRIES_MIN;
      char **list = reallocarray (*entries, larger, sizeof *list);

      if (list == NULL) {
        set_error_errno ("%s", path);
        free (name);
        return -1;
      }
      *entries = list;
      capacity = larger;
    }
    (*entries)[(*count)++] = name;
  }
  return r == 1 ? 0 : -1;
}

char **
store_entries (int fd, const char *path, size_t *count)
{
  char **entries = calloc (1, sizeof *entries);
  int copy = openat (fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *folder = copy == -1 ? NULL : fdopendir (copy);
  int r;

  *count = 0;
  if (entries == NULL || folder == NULL) {
    set_error_errno ("%s", path);
    if (folder)
      closedir (folder);
    else if (copy != -1)
      close (copy);
    free (entries);
    return NULL;
  }
  r = collect_entries (folder, path, &entries, count);
  closedir (folder);
  if (r == -1) {
    store_entries_free (entries, *count);
    return NULL;
  }
  qsort (entries, *count, sizeof *entries, compare_entries);
  return entries;
}

bool
store_entry_is (const char *entry, const char *suffix,
                char name[static CHECKPOINT_NAME_MAX + 1])
{
  size_t length = strlen (entry), tail = strlen (suffix);

  if (length <= tail || length - tail > CHECKPOINT_NAME_MAX
      || strcmp (entry + length - tail, suffix) != 0)
    return false;
  memcpy (name, entry, length - tail);
  name[length - tail] = '\0';
  return checkpoint_name_check ("checkpoint", name) == 0;
}

/* Of what kind is it that cannot be opened as a file? */
static void
set_kind_error (mode_t mode)
{
  pb_set_error (EINVAL, "%s",
                S_ISDIR (mode)   ? "is a folder"
                : S_ISLNK (mode) ? "is a symbolic link, which is not followed"
                                 : "is not a regular file");
}

static int
open_entry (int folder, const char *name, struct stat *st)
{
  /* O_NONBLOCK: not to hang at a pipe. */
  int fd = openat (folder, name,
                   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  int errnum = errno;

  if (fd == -1) {
    /* A socket cannot be opened (ENXIO), nor can a link (ELOOP). */
    if (fstatat (folder, name, st, AT_SYMLINK_NOFOLLOW) == 0
        && !S_ISREG (st->st_mode)) {
      set_kind_error (st->st_mode);
      return -1;
    }
    errno = errnum;
    set_error_errno ("cannot be opened");
    return -1;
  }
  if (fstat (fd, st) == -1) {
    set_error_errno ("cannot be looked at");
    close (fd);
    return -1;
  }
  if (!S_ISREG (st->st_mode)) {
    set_kind_error (st->st_mode);
    close (fd);
    return -1;
  }
  return fd;
}

char *
store_read_entry (int folder, const char *name, size_t max, size_t *count)
{
  struct stat st;
  int CLEANUP_CLOSE fd = open_entry (folder, name, &st);
  char *CLEANUP_FREE text = NULL;
  size_t size, done = 0;
  ssize_t r;

  if (fd == -1)
    return NULL;
  if ((uintmax_t) st.st_size > max) {
    pb_set_error (EFBIG, "is larger than %zu bytes", max);
    return NULL;
  }
  size = st.st_size;
  text = malloc (size + 1);
  if (text == NULL) {
    set_error_errno ("cannot be read");
    return NULL;
  }
  while (done < size) {
    r = read (fd, text + done, size - done);
    if (r == -1 && errno == EINTR)
      continue;
    if (r == -1) {
      set_error_errno ("cannot be read");
      return NULL;
    }
    if (r == 0)
      break;
    done += r;
  }
  text[done] = '\0';
  *count = done;
  return STEAL (text);
}

int
store_sync_folder (int fd, const char *path)
{
  if (fsync (fd) == -1) {
    set_error_errno ("%s: fsync", path);
    return -1;
  }
  return 0;
}
