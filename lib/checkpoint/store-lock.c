/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* store-lock.c: one process at a time changes a state folder; who is it? */

#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cleanup.h"
#include "error.h"
#include "store-folder.h"

/* What the kernel tells of a lock. */
struct holders {
  pid_t first;    /* 0: none that can be seen from here */
  size_t others;  /* beside the first one */
  bool is_shared;
};

/* A line of /proc/locks: "5: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF". */
static void
read_lock_line (const char *line, const struct stat *st,
                struct holders *holders)
{
  unsigned major, minor;
  uint64_t inode;
  char access[8];
  int pid;

  /* One that waits ("->") is no holder, and does not match. */
  if (sscanf (line, "%*d: FLOCK ADVISORY %7s %d %x:%x:%" SCNu64, access, &pid,
              &major, &minor, &inode)
        != 5
      || major != major (st->st_dev) || minor != minor (st->st_dev)
      || inode != st->st_ino)
    return;
  holders->is_shared = strcmp (access, "READ") == 0;
  if (pid <= 0)
    return;
  if (holders->first)
    holders->others++;
  else
    holders->first = pid;
}

static struct holders
read_holders (int fd)
{
  struct holders holders = { 0 };
  FILE *stream = fopen ("/proc/locks", "re");
  struct stat st;
  char line[256];

  if (stream == NULL)
    return holders;
  if (fstat (fd, &st) == 0)
    while (fgets (line, sizeof line, stream))
      read_lock_line (line, &st, &holders);
  fclose (stream);
  return holders;
}

/* The kernel gives a long list in pieces, and while others lock and unlock files
 * a line may slip from one into another that was read before.
 */
static struct holders
find_holders (int fd)
{
  struct holders holders = { 0 };

  for (int i = 0; i < 5 && holders.first == 0; i++)
    holders = read_holders (fd);
  return holders;
}

/* The kernel names the process that has locked the file.  If it has ended, and
 * perhaps another process has its number now, the lock is that of a process it
 * has started.  Where we may not look into the process, it counts as having
 * the file open.
 */
static bool
has_open (pid_t pid, int fd)
{
  char path[64];
  struct stat wanted, st;
  struct dirent *entry;
  bool found = false;
  DIR *folder;

  snprintf (path, sizeof path, "/proc/%d/fd", pid);
  folder = opendir (path);
  if (folder == NULL)
    return errno != ENOENT;
  if (fstat (fd, &wanted) == -1)
    wanted = (struct stat) { 0 };
  while (!found && (entry = readdir (folder)))
    found = fstatat (dirfd (folder), entry->d_name, &st, 0) == 0
            && st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino;
  closedir (folder);
  return found;
}

/* "process 1234 (backup-checkpoint)" */
static void
describe_process (pid_t pid, char *text, size_t size)
{
  char path[64], name[64] = "";
  FILE *stream;

  snprintf (path, sizeof path, "/proc/%d/comm", pid);
  stream = fopen (path, "re");
  if (stream) {
    if (fgets (name, sizeof name, stream))
      name[strcspn (name, "\n")] = '\0';
    fclose (stream);
  }
  if (name[0])
    snprintf (text, size, "process %d (%s)", pid, name);
  else
    snprintf (text, size, "process %d", pid);
}

static void
set_busy_error (const char *path, int fd)
{
  struct holders holders = find_holders (fd);
  const char *use = holders.is_shared ? "read" : "used";
  char who[128], others[64] = "";

  if (holders.first == 0) {
    pb_set_error (EBUSY,
                  "%s: is being %s by a process that cannot be seen from here; "
                  "wait until it ends",
                  path, use);
    return;
  }
  describe_process (holders.first, who, sizeof who);
  if (holders.others)
    snprintf (others, sizeof others, " and %zu more", holders.others);

  if (holders.first == getpid ())
    pb_set_error (EBUSY, "%s: is open in this process already (%s%s)", path,
                  who, others);
  else if (has_open (holders.first, fd))
    pb_set_error (EBUSY, "%s: is being %s by %s%s; wait until it ends", path,
                  use, who, others);
  else
    pb_set_error (EBUSY,
                  "%s: is being %s by what process %d has started, which has "
                  "itself ended; wait until that ends too",
                  path, use, holders.first);
}

int
store_lock_fd (const char *path, int fd, int operation)
{
  int r;

  do
    r = flock (fd, operation | LOCK_NB);
  while (r == -1 && errno == EINTR);
  if (r == -1) {
    if (errno == EWOULDBLOCK)
      set_busy_error (path, fd);
    else
      set_error_errno ("%s: cannot be locked", path);
  }
  return r;
}

int
store_lock_exclusive (struct store *store)
{
  if (store->is_exclusive || store->fd == -1)
    return 0;
  if (store->lock_fd == -1) {
    pb_set_error (EROFS, "%s: nothing can be written there", store->path);
    return -1;
  }
  if (store_lock_fd (store->path, store->lock_fd, LOCK_EX) == -1)
    return -1;
  store->is_exclusive = true;
  return 0;
}

/* Also where the lock is shared already: Linux swaps a lock in two steps, and
 * when the second one fails, the first one has given up what there was.
 */
int
store_lock_shared (struct store *store)
{
  assert (store->read_only);
  store->is_exclusive = false;
  return store->lock_fd == -1
           ? 0
           : store_lock_fd (store->path, store->lock_fd, LOCK_SH);
}
