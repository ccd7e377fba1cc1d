/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-store.c: the files of a state folder.
 *
 * The first byte says what the rest of the input is: 'j' a journal, 'b' the
 * recorded backups, 'c' a folder of checkpoints: the file "current", then for
 * each file its name, a newline and its text, parted by NUL.
 */

#include "config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backups.h"
#include "cleanup.h"
#include "commit.h"
#include "fuzz.h"
#include "store.h"

#define FILES_MAX 32

static char folder[64];
static struct store store;

static void
leave (void)
{
  store_remove (&store);
  store_close (&store);
}

/* One folder for all inputs, in memory where there is such a place. */
static void
enter (void)
{
  int r;

  if (folder[0])
    return;
  snprintf (folder, sizeof folder, "%s/pullback-fuzz.XXXXXX",
            access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  assert (mkdtemp (folder) == folder);
  r = store_open (&store, folder, false);
  assert (r == 0);
  r = mkdirat (store.fd, "checkpoints", 0700);
  assert (r == 0);
  atexit (leave);
}

static void
put_file (const char *name, const char *text, size_t size)
{
  int CLEANUP_CLOSE fd
    = openat (store.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  ssize_t r = write (fd, text, size);

  assert (r == (ssize_t) size);
}

static void
check_backups (const struct backup_records *records)
{
  struct backup_records again = { 0 };
  char *CLEANUP_FREE text = backup_records_format (records);
  int r;

  assert (text);
  r = backup_records_parse (&again, "again", text, strlen (text));
  assert (r == 0 && again.count == records->count);
  for (size_t i = 0; i < again.count; i++) {
    const struct backup_record *record = &records->list[i];

    assert (strcmp (again.list[i].checkpoint, record->checkpoint) == 0);
    assert (strcmp (again.list[i].backup, record->backup) == 0);
    assert (backup_records_has_checkpoint (records, record->checkpoint));
  }
  while (again.count > 0)
    backup_records_remove_checkpoint (&again, again.list[0].checkpoint);
  backup_records_clear (&again);
}

static void
try_backups (const char *text, size_t size)
{
  struct backup_records records;

  if (backup_records_parse (&records, "input", text, size) == -1) {
    assert (pb_get_errno () == EINVAL && records.count == 0);
    return;
  }
  check_backups (&records);
  backup_records_clear (&records);
}

/* No image is touched here. */
static int
do_nothing (void *opaque, const struct bitmap_action *action)
{
  (void) opaque;
  assert (action->path[0] == '/' && action->bitmap[0] && action->disk[0]);
  assert (action->kind != BITMAP_ACTION_MERGE || action->source[0]);
  return 0;
}

static void
try_journal (const char *text, size_t size)
{
  static const struct commit_ops ops = { do_nothing, do_nothing };
  struct commit CLEANUP_COMMIT commit = { 0 };
  struct commit CLEANUP_COMMIT again = { 0 };
  char *CLEANUP_FREE first = NULL;
  char *CLEANUP_FREE second = NULL;
  int r;

  put_file ("journal.xml", text, size);
  if (commit_parse (&commit, "input", text, size) == -1) {
    assert (pb_get_errno () == EINVAL);
    r = commit_recover (&store, &ops, NULL);
    assert (r == -1);
    return;
  }
  for (size_t i = 0; i < commit.nr_files; i++)
    assert (store_file_name_is_valid (commit.files[i].name));
  first = commit_format (&commit);
  assert (first);
  r = commit_parse (&again, "again", first, strlen (first));
  assert (r == 0);
  second = commit_format (&again);
  assert (second && strcmp (first, second) == 0);

  r = commit_recover (&store, &ops, NULL);
  assert (r == 0 && faccessat (store.fd, "journal.xml", F_OK, 0) == -1);
}

/* Make the file that PART of an input is; its name must be a new one. */
static bool
put_part (const char *part, size_t size, char **path)
{
  const char *newline = memchr (part, '\n', size);
  size_t length = newline ? (size_t) (newline - part) : size;
  bool is_new;

  if (length == 0 || length > 255 || memchr (part, '/', length)
      || (part[0] == '.' && (length == 1 || (length == 2 && part[1] == '.')))
      || asprintf (path, "checkpoints/%.*s", (int) length, part) == -1)
    return false;
  is_new = faccessat (store.fd, *path, F_OK, AT_SYMLINK_NOFOLLOW) == -1;
  if (is_new)
    put_file (*path, newline ? newline + 1 : "",
              newline ? size - length - 1 : 0);
  else
    free (*path);
  return is_new;
}

static bool
is_leftover (const char *path)
{
  char name[300];
  size_t length = strlen (path);

  if (length < 4 || strcmp (path + length - 4, ".new") != 0)
    return false;
  snprintf (name, sizeof name, "%.*s", (int) length - 4, path);
  return store_file_name_is_valid (name);
}

/* Each file is a checkpoint, a problem, or what a crash has left. */
static void
check_content (size_t nr_files)
{
  struct store_content content;
  size_t problems = 0;
  int r = store_load (&store, &content);

  assert (r == 0);
  for (size_t i = 0; i < content.nr_problems; i++)
    problems += strstr (content.problems[i].path, "/checkpoints/") != NULL;
  assert (content.tree.nr_nodes + problems == nr_files);
  assert (content.nr_problems - problems <= 1); /* that of "current" */
  assert (content.tree.current == NULL || !content.tree.current_is_unknown);
  store_content_clear (&content);
}

static void
try_folder (const char *text, size_t size)
{
  char *paths[FILES_MAX];
  size_t count = 0, nr_files = 0;
  size_t length = strnlen (text, size);

  put_file ("current", text, length);
  while (length < size && count < FILES_MAX) {
    text += length + 1;
    size -= length + 1;
    length = strnlen (text, size);
    if (put_part (text, length, &paths[count]))
      nr_files += !is_leftover (paths[count++]);
  }
  check_content (nr_files);
  for (size_t i = 0; i < count; i++) {
    unlinkat (store.fd, paths[i], 0);
    free (paths[i]);
  }
  unlinkat (store.fd, "current", 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *text = (const char *) data + 1;

  if (size < 1 || size > FUZZ_INPUT_MAX)
    return 0;
  enter ();
  switch (data[0]) {
  case 'b':
    try_backups (text, size - 1);
    break;
  case 'c':
    try_folder (text, size - 1);
    break;
  case 'j':
    try_journal (text, size - 1);
  }
  return 0;
}
