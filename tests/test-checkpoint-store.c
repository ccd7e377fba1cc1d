/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-store.c: what a state folder holds, and what is wrong with
 * it; files that are written and removed; folders that libvirt has made.
 */

#include "config.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "store-tests.h"

static void
clean (void)
{
  CHECK_SHELL ("rm -rf " STATE " other");
}

/* Open the folder to read it, and load it. */
static struct store_content
load (void)
{
  struct store_content content;
  struct store store;

  CHECK_OK (store_open (&store, STATE, true) == 0);
  CHECK_OK (store_load (&store, &content) == 0);
  store_close (&store);
  return content;
}

static struct checkpoint_node *
find (const struct store_content *content, const char *name)
{
  struct checkpoint_node *node = checkpoint_tree_find (&content->tree, name);

  CHECK (node != NULL);
  return node;
}

/* Is there one problem with the file PATH (in the folder), of this kind, and
 * with TEXT in its reason?
 */
static bool
has_problem (const struct store_content *content, const char *path,
             enum store_problem_kind kind, const char *text)
{
  size_t found = 0;

  for (size_t i = 0; i < content->nr_problems; i++) {
    const struct store_problem *problem = &content->problems[i];
    size_t tail = strlen (problem->path) - strlen (path);

    if (strlen (problem->path) <= strlen (path) || problem->path[0] != '/'
        || problem->path[tail - 1] != '/'
        || strcmp (problem->path + tail, path) != 0)
      continue;
    if (problem->kind != kind || strstr (problem->reason, text) == NULL)
      fprintf (stderr, "%s: kind %d: %s\n", problem->path, problem->kind,
               problem->reason);
    found += problem->kind == kind && strstr (problem->reason, text) != NULL;
  }
  return found == 1;
}

#define CHECK_PROBLEM(path, kind, text)                                       \
  CHECK (has_problem (&content, (path), STORE_PROBLEM_##kind, (text)))

static mode_t
mode_of (const char *name)
{
  struct stat st;

  CHECK (lstat (name, &st) == 0);
  return st.st_mode;
}

static void
test_new (void)
{
  struct store_content content;
  struct store store;
  char expected[400];

  umask (022);
  CHECK_FAILS (store_open (&store, "", false) == -1, EINVAL, "empty");

  /* Nothing is made for who only reads. */
  CHECK_OK (store_open (&store, "other/a//b/", true) == 0);
  CHECK (store.fd == -1 && store.lock_fd == -1 && !exists ("other"));
  CHECK_OK (store_load (&store, &content) == 0);
  CHECK (content.tree.nr_nodes == 0 && content.nr_problems == 0);
  CHECK (!content.tree.current_is_unknown);
  CHECK_OK (store_lock_exclusive (&store) == 0);
  CHECK_OK (store_lock_shared (&store) == 0);
  store_close (&store);

  CHECK_OK (store_open (&store, "other/a//b/", false) == 0);
  snprintf (expected, sizeof expected, "%s/other/a//b", test_folder);
  CHECK (strcmp (store.path, expected) == 0);
  CHECK (mode_of ("other") == (S_IFDIR | 0700));
  CHECK (mode_of ("other/a/b") == (S_IFDIR | 0700));
  CHECK (mode_of ("other/a/b/lock") == (S_IFREG | 0600));
  CHECK (fcntl (store.fd, F_GETFD) == FD_CLOEXEC);
  CHECK (fcntl (store.lock_fd, F_GETFD) == FD_CLOEXEC);
  CHECK_OK (store_write_file (&store, "checkpoints/a.xml",
                              checkpoint_xml ("a", NULL))
            == 0);
  CHECK (mode_of ("other/a/b/checkpoints") == (S_IFDIR | 0700));
  CHECK (mode_of ("other/a/b/checkpoints/a.xml") == (S_IFREG | 0600));
  CHECK (!exists ("other/a/b/checkpoints/a.xml.new"));
  store_close (&store);

  write_text_file ("file", "");
  CHECK_FAILS (store_open (&store, "file", false) == -1, ENOTDIR, "file: ");
  CHECK_FAILS (store_open (&store, "file/x", false) == -1, ENOTDIR, "file");
  clean ();
}

static void
test_files (void)
{
  char *large = malloc ((1 << 20) + 2), *text;
  struct store store;
  size_t count;

  CHECK_OK (store_open (&store, STATE, false) == 0);
  CHECK_FAILS (store_read_file (&store, "current", &count) == NULL, ENOENT,
               "/current: ");
  CHECK_FAILS (store_read_file (&store, "checkpoints/a.xml", &count) == NULL,
               ENOENT, "/checkpoints");
  CHECK_OK (store_remove_file (&store, "current") == 0);
  CHECK_OK (store_remove_file (&store, "checkpoints/a.xml") == 0);
  CHECK_OK (store_place_file (&store, "checkpoints/a.xml") == 0);

  CHECK_OK (store_write_file (&store, "current", "a\n") == 0);
  CHECK_OK (store_write_file (&store, "current", "b") == 0);
  text = store_read_file (&store, "current", &count);
  CHECK_OK (text);
  CHECK (count == 1 && strcmp (text, "b") == 0);
  free (text);

  /* Neither what was left beside a file's place nor what is in its place is
   * written to, or followed.
   */
  write_text_file ("precious", "precious");
  CHECK (symlink ("../precious", STATE "/backups.xml") == 0);
  CHECK (symlink ("../precious", STATE "/backups.xml.new") == 0);
  CHECK_FAILS (store_read_file (&store, "backups.xml", &count) == NULL, EINVAL,
               "backups.xml: is a symbolic link, which is not followed");
  CHECK_OK (store_write_file (&store, "backups.xml", "<backups/>") == 0);
  CHECK (S_ISREG (mode_of (STATE "/backups.xml")));
  CHECK (file_has ("precious", "precious"));

  /* A folder in the way. */
  CHECK (mkdir (STATE "/journal.xml.new", 0700) == 0);
  CHECK_FAILS (store_write_file (&store, "journal.xml", "x") == -1, EISDIR,
               "journal.xml.new: cannot be written");
  CHECK (rmdir (STATE "/journal.xml.new") == 0);

  /* What could not be read again is not written: 1 MiB, but 64 for journals. */
  memset (large, 'x', (1 << 20) + 1);
  large[(1 << 20) + 1] = '\0';
  CHECK_FAILS (store_write_file (&store, "backups.xml", large) == -1, EFBIG,
               "backups.xml: 1048577 bytes");
  CHECK (file_has (STATE "/backups.xml", "<backups/>"));
  CHECK_OK (store_write_file (&store, "journal.xml", large) == 0);
  text = store_read_file (&store, "journal.xml", &count);
  CHECK_OK (text && count == (1 << 20) + 1);
  free (text);
  large[1 << 20] = '\0';
  CHECK_OK (store_write_file (&store, "backups.xml", large) == 0);
  text = store_read_file (&store, "backups.xml", &count);
  CHECK_OK (text && count == 1 << 20);
  free (text);
  write_bytes (STATE "/backups.xml", large, (1 << 20) + 1);
  CHECK_FAILS (store_read_file (&store, "backups.xml", &count) == NULL, EFBIG,
               "backups.xml: is larger than 1048576 bytes");
  free (large);

  /* In two steps, the second of which can be repeated. */
  CHECK_OK (store_stage_file (&store, "current", "c") == 0);
  CHECK (file_has (STATE "/current", "b"));
  CHECK_OK (store_place_file (&store, "current") == 0);
  CHECK_OK (store_place_file (&store, "current") == 0);
  CHECK (file_has (STATE "/current", "c"));
  CHECK_OK (store_stage_file (&store, "current", "d") == 0);
  CHECK_OK (store_stage_file (&store, "checkpoints/a.xml", "") == 0);
  CHECK_OK (store_unstage_all (&store) == 0);
  CHECK (!exists (STATE "/current.new"));
  CHECK (!exists (STATE "/checkpoints/a.xml.new"));
  CHECK (file_has (STATE "/current", "c"));
  store_close (&store);
  clean ();
}

static void
test_names (void)
{
  static const char *const good[] = {
    "current", "backups.xml", "checkpoints/a.xml", "checkpoints/-a..b.xml",
    "checkpoints/a.xml.xml",
  };
  static const char *const bad[] = {
    "", "lock", "journal.xml", "checkpoints", "checkpoints/",
    "checkpoints/.xml", "checkpoints/a", "checkpoints/a.XML",
    "checkpoints/../a.xml", "checkpoints/.a.xml", "checkpoints/a/b.xml",
    "checkpoints/a b.xml", "checkpoints/a.xml.new", "/checkpoints/a.xml",
    "./checkpoints/a.xml", "../checkpoints/a.xml", "checkpoints//a.xml",
    "checkpoints/a\n.xml", "Current", "current.new", "checkpoints/\xc3\xa9.xml",
  };
  char name[300];

  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
    CHECK (store_file_name_is_valid (good[i]));
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    CHECK (!store_file_name_is_valid (bad[i]));
  for (int length = 246; length <= 248; length++) {
    snprintf (name, sizeof name, "checkpoints/%0*d.xml", length, 1);
    CHECK (store_file_name_is_valid (name) == (length <= 247));
  }
}

/* The longest name there is makes the longest file names there are. */
static void
test_long_name (void)
{
  struct store_content content;
  struct store store;
  char name[300], file[320];

  snprintf (name, sizeof name, "%0247d", 1);
  snprintf (file, sizeof file, "checkpoints/%s.xml", name);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  CHECK_OK (store_write_file (&store, file, checkpoint_xml (name, NULL)) == 0);
  store_close (&store);
  content = load ();
  CHECK (content.nr_problems == 0 && find (&content, name));
  store_content_clear (&content);
  clean ();
}

/* Reference cases H5 to H8: leaves, missing parents, cycles. */
static void
test_relations (void)
{
  struct store_content content;

  put_checkpoint ("a", NULL);
  put_checkpoint ("b", "a");
  content = load ();
  CHECK (content.tree.current == find (&content, "b"));
  CHECK (!content.tree.current_is_unknown && content.nr_problems == 0);
  store_content_clear (&content);

  put_checkpoint ("c", "a");
  content = load ();
  CHECK (content.tree.current == NULL && content.tree.current_is_unknown);
  CHECK (find (&content, "a")->nr_children == 2);
  store_content_clear (&content);

  put_checkpoint ("c", "b");
  put_checkpoint ("b", "gone");
  content = load ();
  CHECK (content.tree.nr_nodes == 3 && content.nr_problems == 0);
  CHECK (find (&content, "b")->relation == CHECKPOINT_RELATION_MISSING_PARENT);
  CHECK (strcmp (find (&content, "b")->def.parent, "gone") == 0);
  CHECK (find (&content, "c")->parent == find (&content, "b"));
  CHECK (content.tree.current == NULL && content.tree.current_is_unknown);
  store_content_clear (&content);

  put_checkpoint ("b", "c");
  content = load ();
  CHECK (find (&content, "b")->relation == CHECKPOINT_RELATION_CYCLE);
  CHECK (find (&content, "c")->relation == CHECKPOINT_RELATION_CYCLE);
  CHECK (find (&content, "a")->relation == CHECKPOINT_RELATION_SOUND);
  CHECK (content.tree.current_is_unknown);
  store_content_clear (&content);

  /* One leaf, and yet it is not known what it follows. */
  CHECK (unlink (STATE "/checkpoints/a.xml") == 0);
  CHECK (unlink (STATE "/checkpoints/c.xml") == 0);
  content = load ();
  CHECK (content.tree.nr_nodes == 1 && content.tree.current_is_unknown);
  store_content_clear (&content);
  clean ();
}

static void
test_current (void)
{
  static const struct {
    const char *text;
    const char *current; /* or NULL */
    bool is_unknown;
    const char *problem; /* or NULL */
  } cases[] = {
    { "a\n", "a", false, NULL },
    { "a", "a", false, NULL },
    { "", NULL, false, NULL },
    { "\n", NULL, false, NULL },
    { "nosuch", NULL, true, NULL },
    { "a\n\n", NULL, true, "name" },
    { "../a", NULL, true, "name" },
    { " a", NULL, true, "name" },
    { "<current/>", NULL, true, "name" },
  };
  struct store_content content;
  char long_name[300];

  put_checkpoint ("a", NULL);
  put_checkpoint ("b", "a");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_text_file (STATE "/current", cases[i].text);
    content = load ();
    CHECK (content.tree.nr_nodes == 2);
    CHECK (cases[i].current
             ? content.tree.current == find (&content, cases[i].current)
             : content.tree.current == NULL);
    CHECK (content.tree.current_is_unknown == cases[i].is_unknown);
    CHECK (content.nr_problems == (cases[i].problem != NULL));
    if (cases[i].problem)
      CHECK_PROBLEM ("current", UNREADABLE, cases[i].problem);
    store_content_clear (&content);
  }

  write_bytes (STATE "/current", "a\0b", 3);
  content = load ();
  CHECK (content.tree.current_is_unknown);
  CHECK_PROBLEM ("current", UNREADABLE, "is not the name of a checkpoint");
  store_content_clear (&content);

  snprintf (long_name, sizeof long_name, "%0249d", 1);
  write_text_file (STATE "/current", long_name);
  content = load ();
  CHECK_PROBLEM ("current", UNREADABLE, "is larger than 248 bytes");
  store_content_clear (&content);

  CHECK (unlink (STATE "/current") == 0);
  CHECK (symlink ("checkpoints/a.xml", STATE "/current") == 0);
  content = load ();
  CHECK (content.tree.current == NULL && content.tree.current_is_unknown);
  CHECK_PROBLEM ("current", UNREADABLE, "is a symbolic link");
  store_content_clear (&content);
  clean ();
}

static void
make_socket (const char *name)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int fd = socket (AF_UNIX, SOCK_STREAM, 0);

  CHECK (fd != -1);
  snprintf (address.sun_path, sizeof address.sun_path, "%s", name);
  CHECK (bind (fd, (struct sockaddr *) &address, sizeof address) == 0);
  close (fd);
}

/* Reference case H9, and worse: each entry is named, and none is dropped. */
static void
test_anomalies (void)
{
  struct store_content content;
  char *large = malloc ((1 << 20) + 1);

  put_checkpoint ("a", NULL);
  put_checkpoint ("b", "a");
  write_text_file (STATE "/checkpoints/misnamed.xml",
                   checkpoint_xml ("right", "b"));
  write_text_file (STATE "/checkpoints/copy-of-a.xml",
                   checkpoint_xml ("a", "b"));
  write_text_file (STATE "/checkpoints/empty.xml", "");
  write_text_file (STATE "/checkpoints/torn.xml", "<domaincheckpoint><na");
  write_text_file (STATE "/checkpoints/foreign.xml", "<domainsnapshot/>");
  write_text_file (STATE "/checkpoints/timeless.xml",
                   "<domaincheckpoint><name>timeless</name>"
                   "</domaincheckpoint>");
  write_text_file (STATE "/checkpoints/invalid.xml",
                   "<domaincheckpoint><name>invalid</name><current/>"
                   "<creationTime>1</creationTime></domaincheckpoint>");
  write_text_file (STATE "/checkpoints/doctype.xml",
                   "<!DOCTYPE x SYSTEM '/etc/passwd'><domaincheckpoint>"
                   "<name>doctype</name><creationTime>1</creationTime>"
                   "</domaincheckpoint>");
  memset (large, ' ', (1 << 20) + 1);
  memcpy (large, "<x/>", 4);
  write_bytes (STATE "/checkpoints/large.xml", large, (1 << 20) + 1);
  free (large);
  CHECK (mkdir (STATE "/checkpoints/folder.xml", 0700) == 0);
  CHECK (symlink ("a.xml", STATE "/checkpoints/link.xml") == 0);
  CHECK (symlink ("nowhere", STATE "/checkpoints/dangling.xml") == 0);
  CHECK (symlink ("dangling2.xml", STATE "/checkpoints/dangling2.xml") == 0);
  CHECK (mkfifo (STATE "/checkpoints/pipe.xml", 0600) == 0);
  make_socket (STATE "/checkpoints/socket.xml");
  write_text_file (STATE "/checkpoints/a.xml.bak", checkpoint_xml ("a", NULL));
  write_text_file (STATE "/checkpoints/.hidden.xml", "");
  write_text_file (STATE "/checkpoints/a b.xml", "");
  write_text_file (STATE "/checkpoints/new\nline", "");
  write_text_file (STATE "/checkpoints/README", "read me");
  write_text_file (STATE "/checkpoints/c.xml.new", "what a crash has left");

  content = load ();
  CHECK (content.tree.nr_nodes == 2);
  CHECK (content.tree.current == find (&content, "b"));
  CHECK_PROBLEM ("checkpoints/misnamed.xml", MISNAMED,
                 "holds checkpoint right, whose file is "
                 "checkpoints/right.xml");
  CHECK_PROBLEM ("checkpoints/copy-of-a.xml", MISNAMED, "holds checkpoint a");
  CHECK_PROBLEM ("checkpoints/empty.xml", UNREADABLE, "checkpoint XML: ");
  CHECK_PROBLEM ("checkpoints/torn.xml", UNREADABLE, "line 1: ");
  CHECK_PROBLEM ("checkpoints/foreign.xml", UNREADABLE,
                 "expecting root element of 'domaincheckpoint'");
  CHECK_PROBLEM ("checkpoints/timeless.xml", UNREADABLE, "creationTime");
  CHECK_PROBLEM ("checkpoints/invalid.xml", UNREADABLE, "current");
  CHECK_PROBLEM ("checkpoints/doctype.xml", UNREADABLE, "line 1: ");
  CHECK_PROBLEM ("checkpoints/large.xml", UNREADABLE,
                 "is larger than 1048576 bytes");
  CHECK_PROBLEM ("checkpoints/folder.xml", UNREADABLE, "is a folder");
  CHECK_PROBLEM ("checkpoints/link.xml", UNREADABLE, "is a symbolic link");
  CHECK_PROBLEM ("checkpoints/dangling.xml", UNREADABLE,
                 "is a symbolic link");
  CHECK_PROBLEM ("checkpoints/dangling2.xml", UNREADABLE,
                 "is a symbolic link");
  CHECK_PROBLEM ("checkpoints/pipe.xml", UNREADABLE,
                 "is not a regular file");
  CHECK_PROBLEM ("checkpoints/socket.xml", UNREADABLE,
                 "is not a regular file");
  CHECK_PROBLEM ("checkpoints/a.xml.bak", UNREADABLE, "is not named NAME.xml");
  CHECK_PROBLEM ("checkpoints/.hidden.xml", UNREADABLE, "is not named");
  CHECK_PROBLEM ("checkpoints/a b.xml", UNREADABLE, "is not named");
  CHECK_PROBLEM ("checkpoints/new\nline", UNREADABLE, "is not named");
  CHECK_PROBLEM ("checkpoints/README", UNREADABLE, "is not named");
  CHECK (content.nr_problems == 20);
  for (size_t i = 1; i < content.nr_problems; i++)
    CHECK (strcmp (content.problems[i - 1].path, content.problems[i].path)
           < 0);
  store_content_clear (&content);

  /* Of files that cannot be read, nobody knows what they were. */
  CHECK (unlink (STATE "/checkpoints/a.xml") == 0);
  CHECK (unlink (STATE "/checkpoints/b.xml") == 0);
  content = load ();
  CHECK (content.tree.nr_nodes == 0 && content.tree.current_is_unknown);
  store_content_clear (&content);
  clean ();
}

/* Without a list of checkpoints nothing is known, and so nothing is done. */
static void
test_no_folder (void)
{
  struct store_content content;
  struct store store;

  CHECK (mkdir (STATE, 0700) == 0);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  write_text_file (STATE "/checkpoints", "");
  CHECK_FAILS (store_load (&store, &content) == -1, ENOTDIR,
               "state/checkpoints: is not a folder");
  CHECK (unlink (STATE "/checkpoints") == 0);
  CHECK (mkdir ("other", 0700) == 0);
  CHECK (symlink ("../other", STATE "/checkpoints") == 0);
  CHECK_FAILS (store_load (&store, &content) == -1, ENOTDIR,
               "state/checkpoints: is not a folder");
  CHECK_FAILS (store_write_file (&store, "checkpoints/a.xml", "") == -1,
               ENOTDIR, "state/checkpoints: is not a folder");
  store_close (&store);
  clean ();
}

/* A folder of libvirt's becomes ours by its name, and its files stay as they
 * are.
 */
static void
test_libvirt (void)
{
  struct store_content content;
  const struct checkpoint_def *def;
  const char *source = getenv ("abs_top_srcdir");

  CHECK (source != NULL);
  CHECK (mkdir (STATE, 0700) == 0);
  CHECK_SHELL ("mkdir " STATE "/checkpoints && "
               "cp '%s'/tests/libvirt-folder/* " STATE "/checkpoints",
               source);
  content = load ();
  CHECK (content.tree.nr_nodes == 3 && content.nr_problems == 0);
  CHECK (content.tree.current == find (&content, "wed"));
  CHECK (find (&content, "wed")->parent == find (&content, "tue"));
  CHECK (find (&content, "tue")->parent == find (&content, "mon"));
  def = &find (&content, "tue")->def;
  CHECK (strcmp (def->description, "a & b") == 0);
  CHECK (def->creation_time == 1795273922 && !def->independent);
  CHECK (def->nr_disks == 3);
  CHECK (def->disks[0].kind == CHECKPOINT_DISK_NO);
  CHECK (strcmp (def->disks[1].bitmap, "tue") == 0);
  CHECK (strcmp (def->domain_uuid, "9f41f9fa-0000-4000-8000-000000000002")
         == 0);
  CHECK (strstr (def->domain, "passwd='secret'") != NULL);
  store_content_clear (&content);
  CHECK_SHELL ("diff -r '%s/tests/libvirt-folder' " STATE "/checkpoints",
               source);
  clean ();
}

static void
test_remove (void)
{
  struct store store;

  put_checkpoint ("a", NULL);
  put_checkpoint ("b", "a");
  put_checkpoint ("c", "gone");
  write_text_file (STATE "/checkpoints/a.xml.new", "");
  CHECK_OK (store_open (&store, STATE, false) == 0);
  CHECK_OK (store_write_file (&store, "current", "b") == 0);
  CHECK_OK (store_write_file (&store, "backups.xml", "<backups/>") == 0);
  CHECK_OK (store_write_file (&store, "journal.xml", "<journal/>") == 0);
  CHECK_OK (store_stage_file (&store, "current", "b") == 0);
  CHECK_OK (store_remove (&store) == 0);
  CHECK (!exists (STATE));
  store_close (&store);

  /* What is not ours stays, and so what it is in. */
  put_checkpoint ("a", NULL);
  write_text_file (STATE "/checkpoints/misnamed.xml",
                   checkpoint_xml ("x", NULL));
  write_text_file (STATE "/notes", "mine");
  CHECK_OK (store_open (&store, STATE, false) == 0);
  CHECK_OK (store_remove (&store) == 0);
  store_close (&store);
  CHECK_SHELL ("test \"$(cd " STATE " && find . | sort | tr '\\n' ' ')\" = "
               "'. ./checkpoints ./checkpoints/misnamed.xml ./notes '");

  /* By a link, as a user may have it: that stays as well. */
  clean ();
  CHECK (mkdir ("other", 0700) == 0 && symlink ("other", STATE) == 0);
  CHECK_OK (store_open (&store, STATE, false) == 0);
  CHECK_OK (store_remove (&store) == 0);
  store_close (&store);
  CHECK (exists (STATE) && exists ("other") && !exists (STATE "/lock"));
  clean ();
}

/* More files than any domain has. */
static void
test_too_many (void)
{
  struct store_content content;
  struct store store;
  char name[64];

  put_checkpoint ("a", NULL);
  for (int i = 0; i < 4 * STORE_CHECKPOINTS_MAX; i++) {
    snprintf (name, sizeof name, STATE "/checkpoints/%d", i);
    CHECK (mknod (name, S_IFREG | 0600, 0) == 0);
  }
  CHECK_OK (store_open (&store, STATE, true) == 0);
  CHECK_FAILS (store_load (&store, &content) == -1, EFBIG,
               "has more than 65536 files");
  CHECK (unlink (name) == 0);
  CHECK_OK (store_load (&store, &content) == 0);
  CHECK (content.tree.nr_nodes == 1);
  CHECK (content.nr_problems == 4 * STORE_CHECKPOINTS_MAX - 1);
  store_content_clear (&content);
  store_close (&store);
  clean ();
}

int
main (void)
{
  enter_folder ();
  test_new ();
  test_files ();
  test_names ();
  test_long_name ();
  test_relations ();
  test_current ();
  test_anomalies ();
  test_no_folder ();
  test_libvirt ();
  test_remove ();
  test_too_many ();
  leave_folder ();
  return 0;
}
