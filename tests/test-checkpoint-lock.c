/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-lock.c: who may have a state folder open at the same time,
 * and what the others are told.
 */

#include "config.h"

#include <signal.h>
#include <sys/prctl.h>

#include "store-tests.h"

#define CHANGERS 4

/* A process that has the folder open until it is stopped. */
struct holder {
  pid_t pid;    /* which has locked it */
  pid_t keeper; /* which keeps it locked */
};

/* WITH_CHILD: it ends at once, and a child that has inherited the lock stays,
 * as qemu-img does.
 */
static struct holder
start_holder (bool read_only, bool with_child)
{
  struct holder holder;
  struct store store;
  int ready[2];

  CHECK (pipe (ready) == 0);
  fflush (NULL);
  holder.pid = fork ();
  CHECK (holder.pid != -1);
  if (holder.pid == 0) {
    prctl (PR_SET_NAME, "holder");
    CHECK_OK (store_open (&store, STATE, read_only) == 0);
    if (with_child && fork () != 0)
      _exit (0);
    holder.keeper = getpid ();
    CHECK (write (ready[1], &holder.keeper, sizeof holder.keeper)
           == sizeof holder.keeper);
    for (;;)
      pause ();
  }
  close (ready[1]);
  CHECK (read (ready[0], &holder.keeper, sizeof holder.keeper)
         == sizeof holder.keeper);
  close (ready[0]);
  if (with_child)
    CHECK (waitpid (holder.pid, NULL, 0) == holder.pid);
  return holder;
}

static void
stop_holder (const struct holder *holder)
{
  CHECK (kill (holder->keeper, SIGKILL) == 0);
  CHECK (waitpid (holder->keeper, NULL, 0) == holder->keeper);
}

__attribute__ ((__format__ (__printf__, 1, 2))) static const char *
text (const char *format, ...)
{
  static char buffer[200];
  va_list args;

  va_start (args, format);
  vsnprintf (buffer, sizeof buffer, format, args);
  va_end (args);
  return buffer;
}

static void
test_exclusive (void)
{
  struct holder holder = start_holder (false, false);
  struct store store;

  CHECK_FAILS (
    store_open (&store, STATE, false) == -1, EBUSY,
    text ("state: is being used by process %d (holder); wait until it ends",
          holder.pid));
  CHECK_FAILS (store_open (&store, STATE, true) == -1, EBUSY,
               text ("is being used by process %d (holder)", holder.pid));
  stop_holder (&holder);
  CHECK_OK (store_open (&store, STATE, false) == 0);

  /* Also within one process: the lock is of the open file. */
  struct store second;
  CHECK_FAILS (store_open (&second, STATE, true) == -1, EBUSY,
               text ("is open in this process already (process %d (",
                     getpid ()));
  store_close (&store);
  CHECK_OK (store_open (&second, STATE, true) == 0);
  store_close (&second);
}

static void
test_shared (void)
{
  struct holder first = start_holder (true, false);
  struct holder second = start_holder (true, false);
  struct store store;

  CHECK_OK (store_open (&store, STATE, true) == 0);
  store_close (&store);
  CHECK_FAILS (store_open (&store, STATE, false) == -1, EBUSY,
               "(holder) and 1 more; wait until it ends");
  CHECK_FAILS (store_open (&store, STATE, false) == -1, EBUSY,
               "is being read by process");
  stop_holder (&first);
  CHECK_FAILS (store_open (&store, STATE, false) == -1, EBUSY,
               text ("is being read by process %d (holder); wait",
                     second.pid));
  stop_holder (&second);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  store_close (&store);
}

/* A reader that wants to recover needs the folder for itself. */
static void
test_swap (void)
{
  struct holder holder = start_holder (true, false);
  struct store store, other;

  CHECK_OK (store_open (&store, STATE, true) == 0);
  CHECK (!store.is_exclusive);
  CHECK_FAILS (store_lock_exclusive (&store) == -1, EBUSY,
               text ("is being read by process %d (holder)", holder.pid));
  CHECK_OK (store_lock_shared (&store) == 0);
  stop_holder (&holder);

  /* It is locked again, as it was. */
  CHECK_FAILS (store_open (&other, STATE, false) == -1, EBUSY,
               "is open in this process already");
  CHECK_OK (store_open (&other, STATE, true) == 0);
  store_close (&other);

  CHECK_OK (store_lock_exclusive (&store) == 0 && store.is_exclusive);
  CHECK_OK (store_write_file (&store, "current", "") == 0);
  CHECK_FAILS (store_open (&other, STATE, true) == -1, EBUSY, "is open");
  CHECK_OK (store_lock_shared (&store) == 0 && !store.is_exclusive);
  CHECK_OK (store_open (&other, STATE, true) == 0);

  /* Another one takes it where the swap could not be made whole. */
  CHECK_FAILS (store_lock_exclusive (&store) == -1, EBUSY, "is open");
  CHECK_OK (store_lock_exclusive (&other) == 0);
  CHECK_FAILS (store_lock_shared (&store) == -1, EBUSY, "is open");
  store_close (&other);
  CHECK_OK (store_lock_shared (&store) == 0);
  store_close (&store);
}

static void
test_child (void)
{
  struct holder holder = start_holder (false, true);
  struct store store;

  CHECK_FAILS (store_open (&store, STATE, false) == -1, EBUSY,
               text ("state: is being used by what process %d has started, "
                     "which has itself ended",
                     holder.pid));
  stop_holder (&holder);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  store_close (&store);
}

static void
test_lock_file (void)
{
  struct store store;

  CHECK_SHELL ("rm -rf " STATE " && mkdir " STATE);
  CHECK (symlink ("../precious", STATE "/lock") == 0);
  CHECK_FAILS (store_open (&store, STATE, false) == -1, ELOOP, "state/lock: ");
  CHECK (!exists ("precious"));
  CHECK (unlink (STATE "/lock") == 0 && mkdir (STATE "/lock", 0700) == 0);
  CHECK_FAILS (store_open (&store, STATE, false) == -1, EISDIR, "state/lock");
  CHECK (rmdir (STATE "/lock") == 0 && mkfifo (STATE "/lock", 0600) == 0);
  CHECK_FAILS (store_open (&store, STATE, true) == -1, EINVAL,
               "state/lock: is not a regular file");
  CHECK_SHELL ("rm -rf " STATE);
}

/* Open the folder again and again, and remove it every other time. */
static void
change_often (unsigned id)
{
  unsigned opened = 0;
  struct store store;

  for (unsigned i = 0; opened < 50; i++) {
    if (store_open (&store, STATE, false) == -1) {
      CHECK_FAILS (true, EBUSY, STATE ": ");
      usleep (100);
      continue;
    }
    opened++;
    /* Nobody else has it open now. */
    CHECK (mkdir ("inside", 0700) == 0);
    CHECK_OK (store_write_file (&store, "current", "") == 0);
    CHECK (rmdir ("inside") == 0);
    if ((i + id) % 2 == 0)
      CHECK_OK (store_remove (&store) == 0);
    store_close (&store);
  }
}

/* A lock on a file that has been removed meanwhile keeps nobody out. */
static void
test_race (void)
{
  pid_t pids[CHANGERS];
  int status;

  fflush (NULL);
  for (unsigned i = 0; i < CHANGERS; i++) {
    pids[i] = fork ();
    CHECK (pids[i] != -1);
    if (pids[i] == 0) {
      change_often (i);
      _exit (0);
    }
  }
  for (unsigned i = 0; i < CHANGERS; i++) {
    CHECK (waitpid (pids[i], &status, 0) == pids[i]);
    CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  }
}

int
main (void)
{
  enter_folder ();
  CHECK (prctl (PR_SET_CHILD_SUBREAPER, 1) == 0); /* wait for keepers too */
  test_exclusive ();
  test_shared ();
  test_swap ();
  test_child ();
  test_lock_file ();
  test_race ();
  leave_folder ();
  return 0;
}
