/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-view-nbd.c: the view of another server's disk, by many threads at once,
 * until that server dies.
 */

#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit.h"

#define SIZE       ((uint64_t) 8 << 20)
#define BLOCK      ((uint64_t) 64 << 10)
#define NR_THREADS 20
#define NR_READS   300
#define READ_MAX   ((size_t) 300 << 10)

static char folder[] = "/tmp/pullback-view-nbd-XXXXXX";
static unsigned char *disk; /* what it holds */
static pid_t nbdkit;
static atomic_bool is_dying;
static atomic_uint nr_failed;

static void
shell (const char *command)
{
  char text[512];

  snprintf (text, sizeof text, "cd %s && { %s; } >/dev/null", folder, command);
  CHECK (system (text) == 0);
}

static void
remove_folder (void)
{
  char command[64];

  if (nbdkit)
    kill (nbdkit, SIGKILL);
  snprintf (command, sizeof command, "rm -rf %s", folder);
  CHECK (system (command) == 0);
}

/* Every other block holds data, the rest is a hole. */
static void
make_disk (void)
{
  char path[64];
  int fd;

  disk = calloc (1, SIZE);
  CHECK (disk != NULL);
  snprintf (path, sizeof path, "%s/disk", folder);
  fd = open (path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
  CHECK (fd != -1 && ftruncate (fd, SIZE) == 0);
  for (uint64_t at = 0; at < SIZE; at += 2 * BLOCK) {
    for (uint64_t i = 0; i < BLOCK; i++)
      disk[at + i] = unit_random () | 1;
    CHECK (pwrite (fd, disk + at, BLOCK, at) == (ssize_t) BLOCK);
  }
  close (fd);
}

/* nbdkit, whose smallest block is 4 KiB and whose longest request is short. */
static void
start_nbdkit (void)
{
  nbdkit = fork ();
  CHECK (nbdkit != -1);
  if (nbdkit == 0) {
    if (chdir (folder) == 0)
      execlp ("nbdkit", "nbdkit", "--exit-with-parent", "-U", "s", "-P", "pid",
              "--filter=blocksize-policy", "file", "disk",
              "blocksize-minimum=4096", "blocksize-preferred=64k",
              "blocksize-maximum=128k", "blocksize-error-policy=error",
              (char *) NULL);
    _exit (127);
  }
  shell ("for i in $(seq 300); do [ -s pid ] && break; sleep 0.1; done; "
         "[ -s pid ]");
}

/* With the server gone each call must fail for that reason. */
static void
check_failure (void)
{
  CHECK (is_dying);
  CHECK_FAILS (true, ENOTCONN, "the server has closed the connection");
  atomic_fetch_add (&nr_failed, 1);
}

static bool
read_and_compare (pb_view *view, unsigned char *buffer, uint64_t offset,
                  size_t count)
{
  if (pb_view_pread (view, buffer, count, offset) == -1) {
    check_failure ();
    return false;
  }
  CHECK (memcmp (buffer, disk + offset, count) == 0);
  return true;
}

static bool
map_and_compare (pb_view *view, uint64_t offset, uint64_t length)
{
  pb_extents *extents = pb_view_extents (view, offset, length);
  struct pb_extent extent;
  uint64_t at = offset;
  int r;

  CHECK_OK (extents != NULL);
  while ((r = pb_extents_next (extents, &extent)) == 1) {
    CHECK (extent.offset == at);
    for (; at < extent.offset + extent.length; at++)
      CHECK (!(extent.flags & PB_EXTENT_ZERO) == (at / BLOCK % 2 == 0));
  }
  if (r == -1)
    check_failure ();
  else
    CHECK (at == offset + length);
  pb_extents_free (extents);
  return r == 0;
}

struct reader {
  pthread_t thread;
  pb_view *view;
  uint64_t seed;
  unsigned nr_reads; /* 0: until one fails */
};

static uint64_t
next (uint64_t *state)
{
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C (0x2545f4914f6cdd1d);
}

static void *
read_many (void *opaque)
{
  struct reader *reader = opaque;
  unsigned char *buffer = malloc (READ_MAX);
  bool is_good = true;

  CHECK (buffer != NULL);
  for (unsigned i = 0; is_good && (reader->nr_reads == 0
                                   || i < reader->nr_reads);
       i++) {
    uint64_t offset = next (&reader->seed) % SIZE;
    uint64_t max = SIZE - offset < READ_MAX ? SIZE - offset : READ_MAX;
    uint64_t length = next (&reader->seed) % max + 1;

    is_good = i % 8 == 7
                ? map_and_compare (reader->view, offset, length)
                : read_and_compare (reader->view, buffer, offset, length);
  }
  free (buffer);
  return NULL;
}

static void
start_readers (struct reader *readers, pb_view *view, unsigned nr_reads)
{
  for (unsigned i = 0; i < NR_THREADS; i++) {
    readers[i] = (struct reader) {
      .view = view,
      .seed = unit_random () | 1,
      .nr_reads = nr_reads,
    };
    CHECK (pthread_create (&readers[i].thread, NULL, read_many, &readers[i])
           == 0);
  }
}

static void
join_readers (struct reader *readers)
{
  for (unsigned i = 0; i < NR_THREADS; i++)
    CHECK (pthread_join (readers[i].thread, NULL) == 0);
}

static void
test_names (const char *uri)
{
  char other[256];
  char **list = pb_nbd_list_disks (uri);

  CHECK_OK (list != NULL);
  CHECK (strcmp (list[0], "") == 0 && list[1] == NULL);
  free (list);
  snprintf (other, sizeof other, "nbd+unix:///a%%20b?socket=%s/nowhere",
            folder);
  list = pb_nbd_list_disks (other); /* it is named, so nobody is asked */
  CHECK_OK (list != NULL);
  CHECK (strcmp (list[0], "a b") == 0 && list[1] == NULL);
  free (list);
  CHECK_FAILS (pb_view_open_nbd (other, NULL) == NULL, ENOENT, "nowhere");
  CHECK_FAILS (pb_view_open_nbd ("http://x/", NULL) == NULL, EINVAL,
               "is not an NBD URI");
  CHECK_FAILS (pb_nbd_list_disks ("nbd+unix:///") == NULL, EINVAL,
               "needs socket=PATH");
}

static void
test_what_it_is (pb_view *view)
{
  uint32_t minimum, preferred, maximum;
  pb_view *disk_view;
  char path[64];

  CHECK (pb_view_get_size (view) == SIZE);
  CHECK (pb_view_is_remote (view));
  CHECK (!pb_view_has_depth (view));
  CHECK (pb_view_nr_dirty_maps (view) == 0);
  CHECK_FAILS (pb_view_dirty_extents (view, "cp1", 0, SIZE) == NULL, ENOENT,
               "has no dirty map 'cp1'");
  pb_view_get_block_size (view, &minimum, &preferred, &maximum);
  CHECK (minimum == 1 && preferred == 65536 && maximum == 32 << 20);

  snprintf (path, sizeof path, "%s/disk", folder);
  disk_view = pb_view_open_disk (path, PB_FORMAT_RAW, 0);
  CHECK_OK (disk_view != NULL);
  CHECK (!pb_view_is_remote (disk_view) && pb_view_has_depth (disk_view));
  pb_view_free (disk_view);
}

/* How many connections there are: other sockets we do not have. */
static unsigned
nr_connections (void)
{
  unsigned count = 0;
  struct stat stat;

  for (int fd = 0; fd < 256; fd++)
    count += fstat (fd, &stat) == 0 && S_ISSOCK (stat.st_mode);
  return count;
}

int
main (void)
{
  struct reader readers[NR_THREADS];
  unsigned nr_before = nr_connections (); /* what the test was started with */
  unsigned char *all;
  pb_view *view;
  char uri[128];

  unit_seed ();
  CHECK (mkdtemp (folder) != NULL);
  atexit (remove_folder);
  make_disk ();
  start_nbdkit ();
  snprintf (uri, sizeof uri, "nbd+unix:///?socket=%s/s", folder);
  test_names (uri);
  view = pb_view_open_nbd (uri, NULL);
  CHECK_OK (view != NULL);
  test_what_it_is (view);

  /* Alone, then together; in one piece, which is more than the server's
   * most.
   */
  all = malloc (SIZE);
  CHECK (all != NULL);
  CHECK (read_and_compare (view, all, 0, SIZE));
  CHECK (map_and_compare (view, 0, SIZE));
  CHECK (nr_connections () == nr_before + 1);
  start_readers (readers, view, NR_READS);
  join_readers (readers);
  CHECK (nr_failed == 0);
  /* Under valgrind connecting may take longer than it is waited for. */
  CHECK (nr_connections () > nr_before + 1 || getenv ("VALGRIND"));
  CHECK (nr_connections () <= nr_before + 4);

  /* The server dies while all are at it: each is told, none waits for ever. */
  start_readers (readers, view, 0);
  usleep (100000);
  is_dying = true;
  CHECK (kill (nbdkit, SIGKILL) == 0);
  CHECK (waitpid (nbdkit, NULL, 0) == nbdkit);
  nbdkit = 0;
  join_readers (readers);
  CHECK (nr_failed == NR_THREADS);
  pb_view_free (view);
  free (all);
  free (disk);
  return 0;
}
