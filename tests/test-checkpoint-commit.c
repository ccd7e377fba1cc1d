/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-commit.c: a change is stopped at every step, by a crash, by
 * a crash of the recovery, or by an error of any call that writes: afterwards
 * all of it is done, or nothing.
 *
 * Images are folders here, and their bitmaps files that list which bitmaps are
 * merged into them.  The calls below stand before those of the C library.
 *
 * With arguments it does a single step in the current folder, for
 * test-checkpoint-power-cut.sh:
 *
 *   prepare SCENARIO    the state before
 *   do SCENARIO         the change
 *   recover SCENARIO    what comes after a power cut: the folder is as that has
 *                       left it, the images as the file "actions" says
 */

#include "config.h"

#include <sys/syscall.h>

#include "commit.h"
#include "fault-point.h"
#include "store-tests.h"

#define CRASHED 42

/* At fault point number crash_at, counted from 1, the process ends. */
static unsigned crash_at, fault_points;

/* While commit_run () or commit_recover () runs, call number fail_at fails. */
static unsigned fail_at, calls;
static bool is_running;

static void
hit_fault_point (const char *name)
{
  (void) name;
  if (++fault_points == crash_at)
    _exit (CRASHED);
}

static bool
call_fails (int errnum)
{
  if (!is_running || ++calls != fail_at)
    return false;
  errno = errnum;
  return true;
}

ssize_t
write (int fd, const void *buffer, size_t count)
{
  return call_fails (ENOSPC) ? -1
                             : syscall (SYS_write, fd, buffer, count);
}

int
fsync (int fd)
{
  return call_fails (EIO) ? -1 : syscall (SYS_fsync, fd);
}

int
renameat (int folder, const char *name, int new_folder, const char *new_name)
{
  return call_fails (EIO) ? -1
                          : syscall (SYS_renameat2, folder, name, new_folder,
                                     new_name, 0);
}

int
unlinkat (int folder, const char *name, int flags)
{
  return call_fails (EIO) ? -1 : syscall (SYS_unlinkat, folder, name, flags);
}

int
mkdirat (int folder, const char *name, mode_t mode)
{
  return call_fails (ENOSPC) ? -1 : syscall (SYS_mkdirat, folder, name, mode);
}

/* The images. */

static const char *failing_bitmap; /* of an action that fails, on image 2 */

static const char *
bitmap_path (const struct bitmap_action *action, const char *name)
{
  static char path[2][400];
  static unsigned n;

  n = !n;
  snprintf (path[n], sizeof path[n], "%s/%s", action->path, name);
  return path[n];
}

static void
note (const char *verb, const struct bitmap_action *action)
{
  FILE *log = fopen ("log", "a");

  CHECK (log != NULL);
  fprintf (log, "%s %s %s\n", verb, action->disk, action->bitmap);
  CHECK (fclose (log) == 0);
}

static void
append (const char *name, const char *text)
{
  FILE *f = fopen (name, "a");

  CHECK (f != NULL);
  fputs (text, f);
  CHECK (fclose (f) == 0);
}

static int
apply (void *opaque, const struct bitmap_action *action)
{
  static const char *const verbs[] = { "add", "merge", "remove" };
  const char *path = bitmap_path (action, action->bitmap);
  char line[300], *source;

  CHECK (opaque == &crash_at);
  note (verbs[action->kind], action);
  if (failing_bitmap && strcmp (action->bitmap, failing_bitmap) == 0
      && strcmp (action->disk, "vdb") == 0) {
    pb_set_error (EBUSY, "disk vdb: somebody has it");
    return -1;
  }
  switch (action->kind) {
  case BITMAP_ACTION_ADD:
    if (exists (path)) {
      pb_set_error (EEXIST, "Bitmap already exists: %s", action->bitmap);
      return -1;
    }
    snprintf (line, sizeof line, "%s %" PRIu64 "\n", action->bitmap,
              action->granularity);
    append (path, line);
    break;
  case BITMAP_ACTION_MERGE:
    source = read_text_file (bitmap_path (action, action->source));
    CHECK (source != NULL);
    append (path, source);
    free (source);
    break;
  case BITMAP_ACTION_REMOVE:
    if (unlink (path) == -1)
      CHECK (errno == ENOENT);
  }
  fault_point ("test: action done");
  return 0;
}

static int
undo (void *opaque, const struct bitmap_action *action)
{
  CHECK (opaque == &crash_at);
  CHECK (action->kind == BITMAP_ACTION_ADD);
  note ("undo", action);
  if (unlink (bitmap_path (action, action->bitmap)) == -1)
    CHECK (errno == ENOENT);
  fault_point ("test: action undone");
  return 0;
}

static const struct commit_ops ops = { apply, undo };

/* A change, and the names of files that tell that it is done, or not. */
struct scenario {
  const char *name;
  void (*plan) (struct commit *commit);
  const char *done[8], *not_done[8]; /* "!NAME": must not be there */
};

static void
add_action (struct commit *commit, enum bitmap_action_kind kind,
            const char *disk, const char *bitmap, const char *source)
{
  char path[400];
  struct bitmap_action action = {
    .kind = kind,
    .disk = (char *) disk,
    .path = path,
    .bitmap = (char *) bitmap,
    .source = (char *) source,
    .granularity = kind == BITMAP_ACTION_ADD ? 65536 : 0,
  };

  /* A name that needs care on its way through the journal. */
  snprintf (path, sizeof path, "%s/%s 'a' <&\xff\n%%41", test_folder, disk);
  CHECK_OK ((kind == BITMAP_ACTION_REMOVE ? commit_add_after
                                          : commit_add_before) (commit,
                                                                &action)
            == 0);
}

static void
add_file (struct commit *commit, const char *name, const char *text)
{
  CHECK_OK (commit_add_file (commit, name, text) == 0);
}

static void
plan_create (struct commit *commit)
{
  commit->what = strdup ("creating checkpoint c");
  add_action (commit, BITMAP_ACTION_ADD, "vda", "c", NULL);
  add_action (commit, BITMAP_ACTION_ADD, "vdb", "c", NULL);
  add_file (commit, "checkpoints/c.xml", checkpoint_xml ("c", "b"));
  add_file (commit, "current", "c");
}

static void
plan_delete (struct commit *commit)
{
  commit->what = strdup ("deleting checkpoint b");
  add_action (commit, BITMAP_ACTION_MERGE, "vda", "a", "b");
  add_action (commit, BITMAP_ACTION_REMOVE, "vda", "b", NULL);
  add_action (commit, BITMAP_ACTION_MERGE, "vdb", "a", "b");
  add_action (commit, BITMAP_ACTION_REMOVE, "vdb", "b", NULL);
  add_file (commit, "checkpoints/b.xml", "replaced below");
  add_file (commit, "checkpoints/b.xml", NULL);
  add_file (commit, "checkpoints/d.xml", checkpoint_xml ("d", "a"));
  add_file (commit, "backups.xml", NULL);
  add_file (commit, "current", "d");
}

static void
plan_first (struct commit *commit)
{
  remove_tree (STATE);
  commit->what = strdup ("creating checkpoint first");
  add_action (commit, BITMAP_ACTION_ADD, "vda", "first", NULL);
  add_file (commit, "checkpoints/first.xml", checkpoint_xml ("first", NULL));
}

static const struct scenario scenarios[] = {
  {
    "create", plan_create,
    { "vda/c", "vdb/c", STATE "/checkpoints/c.xml", "current=c" },
    { "!vda/c", "!vdb/c", "!" STATE "/checkpoints/c.xml", "current=b" },
  },
  {
    "delete", plan_delete,
    { "!vda/b", "!vdb/b", "!" STATE "/checkpoints/b.xml",
      "!" STATE "/backups.xml", "parent=a", "current=d" },
    { "vda/b", "vdb/b", STATE "/checkpoints/b.xml", STATE "/backups.xml",
      "parent=b", "current=b" },
  },
  {
    "first", plan_first,
    { "vda/first", STATE "/checkpoints/first.xml" },
    { "!vda/first", "!" STATE "/checkpoints/first.xml" },
  },
};

/* Both have the bitmaps of a and b. */
static void
reset_images (void)
{
  static const char *const disks[] = { "vda", "vdb" };
  char name[100];

  for (unsigned i = 0; i < 2; i++) {
    struct bitmap_action action = { .path = (char *) disks[i] };

    snprintf (name, sizeof name, "%s 'a' <&\xff\n%%41", disks[i]);
    remove_tree (name);
    remove_tree (disks[i]);
    CHECK (mkdir (name, 0700) == 0);
    CHECK (symlink (name, disks[i]) == 0);
    write_text_file (bitmap_path (&action, "a"), "a 1\n");
    write_text_file (bitmap_path (&action, "b"), "b 2\n");
  }
}

/* The state before a change: a <- b <- d. */
static void
reset (void)
{
  remove_tree (STATE);
  remove_tree ("log");
  put_checkpoint ("a", NULL);
  put_checkpoint ("b", "a");
  put_checkpoint ("d", "b");
  write_text_file (STATE "/current", "b");
  write_text_file (STATE "/backups.xml", "<backups/>");
  reset_images ();
}

static bool
holds (const char *expected)
{
  if (expected[0] == '!')
    return !exists (expected + 1);
  if (strncmp (expected, "current=", 8) == 0) {
    char *text = read_text_file (STATE "/current");
    bool r = text && strcmp (text, expected + 8) == 0;

    free (text);
    return r;
  }
  if (strncmp (expected, "parent=", 7) == 0) {
    char text[100];

    snprintf (text, sizeof text, "<parent><name>%s</name>", expected + 7);
    return file_has (STATE "/checkpoints/d.xml", text);
  }
  return exists (expected);
}

static bool
all_hold (const char *const *list)
{
  for (size_t i = 0; i < 8 && list[i]; i++)
    if (!holds (list[i]))
      return false;
  return true;
}

/* Nothing is left of a change, and no change is lost with a bitmap. */
static void
check_clean (void)
{
  static const char *const gone[] = {
    STATE "/journal.xml",
    STATE "/journal.xml.new",
    STATE "/current.new",
    STATE "/backups.xml.new",
    STATE "/checkpoints/b.xml.new",
    STATE "/checkpoints/c.xml.new",
    STATE "/checkpoints/d.xml.new",
    STATE "/checkpoints/first.xml.new",
  };

  for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
    CHECK (!exists (gone[i]));
  for (const char *disk = "vda"; disk; disk = disk[2] == 'a' ? "vdb" : NULL) {
    struct bitmap_action action = { .path = (char *) disk };

    CHECK (file_has (bitmap_path (&action, "a"), "a 1\n"));
    CHECK (exists (bitmap_path (&action, "b"))
           || file_has (bitmap_path (&action, "a"), "b 2\n"));
  }
}

static void
check_outcome (const struct scenario *scenario, bool is_done)
{
  const char *const *list = is_done ? scenario->done : scenario->not_done;

  if (!all_hold (list)) {
    (void) !system ("find . | sort; cat log; cat state/current");
    fprintf (stderr, "%s: crash at %u: neither all nor nothing\n",
             scenario->name, crash_at);
    exit (1);
  }
  check_clean ();
}

static int
run (const struct scenario *scenario, bool *committed)
{
  struct commit CLEANUP_COMMIT commit = { 0 };
  struct store store;
  int r;

  scenario->plan (&commit);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  fault_points = calls = 0;
  is_running = true;
  r = commit_run (&store, &commit, &ops, &crash_at, committed);
  is_running = false;
  fail_at = 0;
  store_close (&store);
  return r;
}

static int
recover (void)
{
  struct store store;
  int r;

  CHECK_OK (store_open (&store, STATE, false) == 0);
  fault_points = calls = 0;
  is_running = true;
  r = commit_recover (&store, &ops, &crash_at);
  is_running = false;
  fail_at = 0;
  store_close (&store);
  return r;
}

/* Do it in a child that crashes at fault point N; returns whether there was
 * one.
 */
static bool
crash (const struct scenario *scenario, unsigned n)
{
  bool committed;
  int status;
  pid_t pid;

  fflush (NULL);
  pid = fork ();
  CHECK (pid != -1);
  if (pid == 0) {
    crash_at = n;
    if (scenario)
      CHECK_OK (run (scenario, &committed) == 0);
    else
      CHECK_OK (recover () == 0);
    _exit (0);
  }
  CHECK (waitpid (pid, &status, 0) == pid);
  CHECK (WIFEXITED (status)
         && (WEXITSTATUS (status) == CRASHED || WEXITSTATUS (status) == 0));
  return WEXITSTATUS (status) == CRASHED;
}

/* STEP: not every crash, where each process takes long. */
static void
test_crashes (const struct scenario *scenario, unsigned step)
{
  bool is_done, was_undone = false, was_finished = false;
  unsigned n, m;

  for (n = 1;; n += step) {
    reset ();
    if (!crash (scenario, n))
      break;
    is_done = exists (STATE "/journal.xml")
                ? file_has (STATE "/journal.xml", "state='committed'")
                : all_hold (scenario->done);
    was_undone = was_undone || !is_done;
    was_finished = was_finished || is_done;
    for (m = 1; crash (NULL, m); m++)
      ;
    check_outcome (scenario, is_done);
    CHECK_OK (recover () == 0); /* there is nothing to do any more */
    check_outcome (scenario, is_done);

    /* Each crash of the recovery by itself, from the same start. */
    for (m = 1 + n % step;; m += step) {
      reset ();
      CHECK (crash (scenario, n));
      if (!crash (NULL, m))
        break;
      CHECK_OK (recover () == 0);
      check_outcome (scenario, is_done);
    }
  }
  check_outcome (scenario, true);
  CHECK (was_undone && was_finished);
  printf ("%s: %u fault points\n", scenario->name, n - 1);
  CHECK (n > 20);
}

/* Every call that writes fails once; or some of them, where STEP is not 1. */
static void
test_errors (const struct scenario *scenario, unsigned step)
{
  unsigned undone = 0, unfinished = 0;
  bool committed, in_place;
  int r;

  for (unsigned n = 1;; n += step) {
    reset ();
    fail_at = n;
    r = run (scenario, &committed);
    if (calls < n) {
      CHECK (r == 0);
      break;
    }
    if (r == 0) { /* not each failure matters */
      CHECK (committed);
      check_outcome (scenario, true);
      continue;
    }
    CHECK (pb_get_errno () == EIO || pb_get_errno () == ENOSPC);
    if (!committed) {
      check_outcome (scenario, false);
      undone++;
      continue;
    }
    unfinished++;
    CHECK_FAILS (true, pb_get_errno (), "goes on when ");
    in_place = !exists (STATE "/journal.xml")
               || file_has (STATE "/journal.xml", "state='committed'");
    CHECK (in_place);
    CHECK_OK (recover () == 0);
    check_outcome (scenario, true);
  }
  CHECK (step > 1 || (undone > 5 && unfinished > 2));
}

/* Every call that writes fails once while an interrupted change is dealt with;
 * the next time it works.
 */
static void
test_recovery_errors (const struct scenario *scenario, unsigned step)
{
  for (unsigned n = 1;; n += step) {
    reset ();
    CHECK (crash (scenario, 12 + n % 20));
    fail_at = n;
    if (recover () == 0 && calls < n)
      break;
    CHECK_OK (recover () == 0);
    check_clean ();
    CHECK (all_hold (scenario->done) || all_hold (scenario->not_done));
  }
}

static void
check_log (const char *expected)
{
  char *log = read_text_file ("log");

  if (log == NULL || strcmp (log, expected) != 0) {
    fprintf (stderr, "log: %s", log ? log : "none\n");
    exit (1);
  }
  free (log);
}

static void
test_failing_action (void)
{
  struct bitmap_action vdb = { .path = (char *) "vdb" };
  bool committed;

  /* Before: what was added is removed again, and so is what may have been. */
  reset ();
  failing_bitmap = "c";
  CHECK_FAILS (run (&scenarios[0], &committed) == -1, EBUSY,
               "disk vdb: somebody has it");
  CHECK (!committed);
  check_log ("add vda c\nadd vdb c\nundo vdb c\nundo vda c\n");
  check_outcome (&scenarios[0], false);
  failing_bitmap = NULL;

  /* A bitmap that is there already is somebody's. */
  reset ();
  write_text_file (bitmap_path (&vdb, "c"), "precious");
  CHECK_FAILS (run (&scenarios[0], &committed) == -1, EEXIST,
               "Bitmap already exists: c");
  CHECK (!committed && file_has (bitmap_path (&vdb, "c"), "precious"));
  CHECK (!exists ("vda/c"));
  check_clean ();

  /* After: the change is done, but not finished, until it can be. */
  reset ();
  failing_bitmap = "b";
  CHECK_FAILS (run (&scenarios[1], &committed) == -1, EBUSY,
               "deleting checkpoint b: is not finished, and goes on when ");
  CHECK (committed && exists (STATE "/journal.xml"));
  CHECK (!exists ("vda/b") && exists ("vdb/b"));
  CHECK_FAILS (recover () == -1, EBUSY,
               "journal.xml: deleting checkpoint b was interrupted, and cannot "
               "be finished now: disk vdb: somebody has it");

  /* Until then no other change takes the journal's place. */
  CHECK_FAILS (run (&scenarios[0], &committed) == -1, EBUSY,
               "creating checkpoint c: an earlier change of ");
  CHECK (!committed && exists (STATE "/journal.xml") && !exists ("vda/c"));
  failing_bitmap = NULL;
  CHECK_OK (recover () == 0);
  check_outcome (&scenarios[1], true);
  check_log ("merge vda a\nmerge vdb a\nremove vda b\nremove vdb b\n"
             "remove vda b\nremove vdb b\nremove vda b\nremove vdb b\n");
}

#define JOURNAL(head, before, files, after)                                   \
  "<journal " head "><before>" before "</before><files>" files                \
  "</files><after>" after "</after></journal>"
#define HEAD "what='x' state='committed'"

static void
test_hostile (void)
{
  static const struct {
    const char *journal, *text;
  } cases[] = {
    { "", "journal.xml: " },
    { "<journal/>", "journal.xml: " },
    { "<jour", "journal.xml: line 1: " },
    { "<journals/>", "expecting root element of 'journal'" },
    { "<!DOCTYPE journal><journal/>", "line 1: " },
    { JOURNAL ("what='x'", "", "", ""), "journal.xml: line 1: " },
    { JOURNAL ("what='x' state='done'", "", "", ""), "line 1: " },
    { JOURNAL ("what='' state='prepared'", "", "", ""), "line 1: " },
    { JOURNAL ("what='%00' state='prepared'", "", "", ""),
      "what: '%' is not followed" },
    { JOURNAL ("what='\xc3\xa9' state='prepared'", "", "", ""), "line 1: " },
    { JOURNAL (HEAD, "", "<write name='lock'/>", ""), "line 1: " },
    { JOURNAL (HEAD, "", "<remove name='checkpoints/../../a.xml'/>", ""),
      "line 1: " },
    { JOURNAL (HEAD, "", "<remove name='../checkpoints/a.xml'/>", ""),
      "line 1: " },
    { JOURNAL (HEAD, "", "<remove name='/etc/passwd'/>", ""), "line 1: " },
    { JOURNAL (HEAD, "", "<remove name='journal.xml'/>", ""), "line 1: " },
    { JOURNAL (HEAD, "", "<remove name='checkpoints/.a.xml'/>", ""),
      "line 1: " },
    { JOURNAL (HEAD, "", "<remove name='checkpoints/a%2fb.xml'/>", ""),
      "line 1: " },
    { JOURNAL (HEAD, "", "", "<remove disk='d' image='a' bitmap='b'/>"),
      "line 1: " },
    { JOURNAL (HEAD, "", "", "<remove disk='d' image='' bitmap='b'/>"),
      "line 1: " },
    { JOURNAL (HEAD, "", "", "<remove disk='d' image='json:{}' bitmap='b'/>"),
      "line 1: " },
    { JOURNAL (HEAD, "", "", "<remove disk='d' image='%2Fa' bitmap='b'/>"),
      "line 1: " },
    { JOURNAL (HEAD, "", "", "<remove disk='d' image='/a%00' bitmap='b'/>"),
      "image: '%' is not followed" },
    { JOURNAL (HEAD, "", "", "<remove disk='d' image='/a' bitmap=''/>"),
      "line 1: " },
    { JOURNAL (HEAD, "", "", "<add disk='d' image='/a' bitmap='b'/>"),
      "line 1: " },
    { JOURNAL (HEAD, "<remove disk='d' image='/a' bitmap='b'/>", "", ""),
      "line 1: " },
    { JOURNAL (HEAD, "<merge disk='d' image='/a' bitmap='b'/>", "", ""),
      "line 1: " },
    { JOURNAL (HEAD,
               "<merge disk='d' image='/a' bitmap='b' source='c' undo='no'/>",
               "", ""),
      "line 1: " },
    { JOURNAL (HEAD,
               "<add disk='d' image='/a' bitmap='b' granularity='1000'/>", "",
               ""),
      "granularity: 1000 is none that bitmaps have" },
    { JOURNAL (HEAD,
               "<add disk='d' image='/a' bitmap='b' granularity='256'/>", "",
               ""),
      "granularity: 256" },
    { JOURNAL (HEAD,
               "<add disk='d' image='/a' bitmap='b' granularity='4294967296'/>",
               "", ""),
      "granularity: 4294967296" },
    { JOURNAL (HEAD, "<add disk='d' image='/a' bitmap='b' source='c'/>", "",
               ""),
      "line 1: " },
  };

  reset ();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_text_file (STATE "/journal.xml", cases[i].journal);
    CHECK_FAILS (recover () == -1, EINVAL, cases[i].text);
    CHECK_FAILS (true, EINVAL, "state/journal.xml");
    CHECK_FAILS (true, EINVAL, "is damaged; move that file away");
  }
  CHECK (!exists ("log"));
  CHECK (unlink (STATE "/journal.xml") == 0);
  CHECK (symlink ("nowhere", STATE "/journal.xml") == 0);
  CHECK_FAILS (recover () == -1, EINVAL, "is a symbolic link");
  CHECK_FAILS (true, EINVAL, "is damaged; move that file away");
  CHECK (unlink (STATE "/journal.xml") == 0);
  CHECK_SHELL ("truncate -s 65M " STATE "/journal.xml");
  CHECK_FAILS (recover () == -1, EFBIG, "is larger than 67108864 bytes");
  CHECK_FAILS (true, EFBIG, "is damaged; move that file away");
}

/* Names as long as they may be, and one byte longer. */
static void
test_long_names (void)
{
  char journal[20000], name[8000];

  reset ();
  for (int length = 1023; length <= 1024; length++) {
    snprintf (journal, sizeof journal,
              JOURNAL (HEAD, "", "",
                       "<remove disk='d' image='/a' bitmap='%0*d'/>"),
              length, 1);
    write_text_file (STATE "/journal.xml", journal);
    if (length == 1023)
      CHECK_OK (recover () == 0);
    else
      CHECK_FAILS (recover () == -1, EINVAL,
                   "bitmap: no bitmap has so long a name");
  }
  snprintf (name, sizeof name, "/%04095d", 1);
  snprintf (journal, sizeof journal,
            JOURNAL (HEAD, "", "", "<remove disk='d' image='%s' bitmap='b'/>"),
            name);
  write_text_file (STATE "/journal.xml", journal);
  CHECK_FAILS (recover () == -1, EINVAL, "is not the absolute name of a file");
}

/* Larger than a checkpoint's file may be. */
static void
test_large (void)
{
  struct commit CLEANUP_COMMIT commit = { .what = strdup ("much") };
  struct commit CLEANUP_COMMIT copy = { 0 };
  struct store store;
  char *text, name[1000];
  size_t count;

  reset ();
  memset (name, 'b', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  for (unsigned i = 0; i < 1000; i++)
    add_action (&commit, BITMAP_ACTION_MERGE, "vda", "a", name);
  commit.before.list[998].undo = BITMAP_UNDO_DISABLE;
  commit.before.list[999].undo = BITMAP_UNDO_REMOVE;
  text = commit_format (&commit);
  CHECK_OK (text && strlen (text) > 1 << 20);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  CHECK_OK (store_write_file (&store, "journal.xml", text) == 0);
  free (text);
  text = store_read_file (&store, "journal.xml", &count);
  CHECK_OK (text);
  CHECK_OK (commit_parse (&copy, "journal", text, count) == 0);
  CHECK (copy.before.count == 1000);
  CHECK (copy.before.list[997].undo == BITMAP_UNDO_NOTHING);
  CHECK (copy.before.list[998].undo == BITMAP_UNDO_DISABLE);
  CHECK (copy.before.list[999].undo == BITMAP_UNDO_REMOVE);
  free (text);
  store_close (&store);
}

/* The images as they were, and then as the actions have made them. */
static void
redo_actions (void)
{
  char verb[16], disk[16], bitmap[16];
  FILE *f = fopen ("actions", "r");

  reset_images ();
  CHECK (f != NULL);
  while (fscanf (f, "%15s %15s %15s", verb, disk, bitmap) == 3) {
    struct bitmap_action action = {
      .kind = strcmp (verb, "add") == 0     ? BITMAP_ACTION_ADD
              : strcmp (verb, "merge") == 0 ? BITMAP_ACTION_MERGE
                                            : BITMAP_ACTION_REMOVE,
      .disk = disk,
      .path = disk,
      .bitmap = bitmap,
      .source = (char *) "b",
    };

    CHECK_OK (apply (&crash_at, &action) == 0);
  }
  fclose (f);
}

static int
do_step (const char *step, const char *name)
{
  const struct scenario *scenario = scenarios;
  bool committed, is_done;

  CHECK (getcwd (test_folder, sizeof test_folder) != NULL);
  while (strcmp (scenario->name, name) != 0)
    scenario++;
  if (strcmp (step, "prepare") == 0)
    reset ();
  else if (strcmp (step, "do") == 0)
    CHECK_OK (run (scenario, &committed) == 0);
  else {
    redo_actions ();
    CHECK_OK (recover () == 0);
    is_done = all_hold (scenario->done);
    check_outcome (scenario, is_done);
    printf ("%s\n", is_done ? "done" : "undone");
  }
  return 0;
}

int
main (int argc, char *argv[])
{
  unsigned step = getenv ("VALGRIND") ? 6 : 1; /* each process takes long */

  if (argc == 3)
    return do_step (argv[1], argv[2]);
  enter_folder ();
  test_large (); /* first: children then find the schema read already */
  fault_point_hook = hit_fault_point;
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
    test_crashes (&scenarios[i], step);
    test_errors (&scenarios[i], step);
  }
  test_recovery_errors (&scenarios[0], step);
  test_recovery_errors (&scenarios[1], step);
  test_failing_action ();
  test_hostile ();
  test_long_names ();
  leave_folder ();
  return 0;
}
