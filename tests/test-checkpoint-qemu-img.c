/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-qemu-img.c: a qemu-img that takes long, fails, dies, or says
 * it has done what it has not.
 *
 * A program of that name comes first in $PATH.  What it does is in the file
 * "plan": one word for each call, "work" once they are used up.
 */

#include "config.h"

#include <signal.h>
#include <sys/wait.h>

#include "checkpoint-tools.h"
#include "checkpoint-world.h"
#include "unit-folder.h"

static struct world world;

static void
make_qemu_img (void)
{
  char *path;
  FILE *f;

  CHECK (mkdir ("bin", 0700) == 0);
  CHECK ((f = fopen ("bin/qemu-img", "w")) != NULL);
  fprintf (f,
           "#!/bin/sh\n"
           "cd '%s'\n"
           "PATH='%s'\n"
           "read -r word <plan || word=work\n"
           "sed -i 1d plan\n"
           "case $word in\n"
           "  fail) echo 'no luck' >&2; exit 1 ;;\n"
           "  die) kill -9 $$ ;;\n"
           "  lie) exit 0 ;;\n"
           "  late) qemu-img \"$@\"; echo 'too late' >&2; exit 1 ;;\n"
           "  wait) : >waiting; while [ ! -e go ]; do sleep 0.02; done ;;\n"
           "esac\n"
           "exec qemu-img \"$@\"\n",
           test_folder, getenv ("PATH"));
  CHECK (fclose (f) == 0);
  CHECK (chmod ("bin/qemu-img", 0700) == 0);
  CHECK (asprintf (&path, "%s/bin:%s", test_folder, getenv ("PATH")) != -1);
  CHECK (setenv ("PATH", path, 1) == 0);
  free (path);
}

/* WORDS, each on a line of its own. */
static void
plan (const char *words)
{
  FILE *f = fopen ("plan", "w");

  CHECK (f != NULL);
  for (; *words; words++)
    fputc (*words == ' ' ? '\n' : *words, f);
  fputc ('\n', f);
  CHECK (fclose (f) == 0);
}

static void
no_plan (void)
{
  CHECK_SHELL (": >plan");
}

/* Two disks without checkpoints. */
static void
make_disks (void)
{
  static char folder[sizeof test_folder];

  memset (&world, 0, sizeof world);
  CHECK (snprintf (folder, sizeof folder, "%s/world", test_folder)
         < (int) sizeof folder);
  CHECK (snprintf (world.state, sizeof world.state, "%s/state", folder)
         < (int) sizeof world.state);
  world.folder = folder;
  CHECK (mkdir ("world", 0700) == 0);
  disks_make_two (&world.model, folder);
  CHECK_OK (world.domain = open_world (&world, 0));
}

static void
remove_disks (void)
{
  pb_domain_free (world.domain);
  CHECK_SHELL ("rm -rf world");
}

/* With checkpoints a and b. */
static void
make_world (void)
{
  make_disks ();
  do_op (&world, &(struct op) { .kind = OP_CREATE, .name = "a" });
  disks_write (&world.model, 0, false);
  do_op (&world, &(struct op) { .kind = OP_CREATE, .name = "b" });
  disks_write (&world.model, 1, false);
  check_world (&world);
}

static const struct op create = { .kind = OP_CREATE, .name = "c" };
static const struct op delete = { .kind = OP_DELETE, .name = "a" };

/* The second disk's bitmap cannot be added: nor is that of the first. */
static void
test_failed_create (const char *words, const char *message)
{
  trace ("create: %s\n", words);
  plan (words);
  CHECK (op_run (world.domain, &world.model, &create) == EIO);
  if (strstr (pb_get_error (), message) == NULL) {
    fprintf (stderr, "%s\n", pb_get_error ());
    exit (1);
  }
  no_plan ();
  check_world (&world);
}

/* Not even what was done can be undone: the next one does that. */
static void
test_failed_undo (void)
{
  static const char expected[]
    = "no luck; what was done before that could not be undone (";
  pb_domain *reader;

  trace ("undo\n");
  plan ("work fail fail fail");
  CHECK (op_run (world.domain, &world.model, &create) == EIO);
  CHECK_FAILS (true, EIO, expected);
  pb_domain_free (world.domain);

  /* A reader tries as well, and reads on where it cannot be done. */
  CHECK_OK (reader = open_world (&world, PB_DOMAIN_READ_ONLY));
  CHECK (pb_domain_list_all_checkpoints (reader, NULL, 0) == 2);
  pb_domain_free (reader);
  CHECK_OK (world.domain = open_world (&world, 0));
  check_world (&world);
}

/* Once it is decided, a deletion is not taken back: it goes on. */
static void
test_failed_delete (const char *words)
{
  trace ("delete: %s\n", words);
  plan (words);
  CHECK (op_run (world.domain, &world.model, &delete) == EIO);
  CHECK_FAILS (true, EIO, "is not finished, and goes on when");
  no_plan ();
  op_predict (&world.model, &delete);
  reopen (&world);
  check_world (&world);

  remove_disks ();
  make_world ();
}

/* In a chain, bitmaps are merged before it is decided: two on each disk. */
static void
test_failed_merge (const char *words)
{
  static struct model after;

  remove_disks ();
  make_disks ();
  random_start (1);
  import_chain (&world, 3);
  CHECK (world.model.disks[0].nr_layers + world.model.disks[1].nr_layers > 2);
  check_world (&world);

  trace ("merge: %s\n", words);
  plan (words);
  CHECK (op_run (world.domain, &world.model,
                 &(struct op) { .kind = OP_DELETE,
                                .name = "b",
                                .flags = PB_CHECKPOINT_DELETE_CHILDREN })
         == EIO);
  no_plan ();
  after = world.model;
  check_either (&world, &after, true, world.domain);
}

static void
wait_for_file (const char *name)
{
  for (int i = 0; i < 3000 && !exists (name); i++)
    usleep (10000);
  CHECK (exists (name));
}

/* The program that started qemu-img is killed, and qemu-img goes on: as long as
 * it does, nobody else gets in; then what it was part of is undone, or finished.
 */
static void
test_killed_parent (const struct op *op, const char *words, bool is_done)
{
  pb_domain *domain = NULL;
  pid_t pid;

  trace ("killed: %s\n", words);
  pb_domain_free (world.domain);
  plan (words);
  pid = fork ();
  CHECK (pid != -1);
  if (pid == 0) {
    domain = open_world (&world, 0);
    _exit (domain ? op_run (domain, &world.model, op) : 1);
  }
  wait_for_file ("waiting");
  CHECK_FAILS (open_world (&world, 0) == NULL, EBUSY, "is being used by process");
  CHECK (kill (pid, SIGKILL) == 0);
  CHECK (waitpid (pid, NULL, 0) == pid);
  CHECK_FAILS (open_world (&world, 0) == NULL, EBUSY,
               "which has itself ended; wait until that ends too");
  CHECK_FAILS (open_world (&world, PB_DOMAIN_READ_ONLY) == NULL, EBUSY,
               "which has itself ended; wait until that ends too");
  CHECK_SHELL (": >go");
  for (int i = 0; i < 3000 && domain == NULL; i++) {
    domain = open_world (&world, 0);
    if (domain == NULL) {
      CHECK (pb_get_errno () == EBUSY);
      usleep (10000);
    }
  }
  CHECK_OK (world.domain = domain);
  if (is_done)
    op_predict (&world.model, op);
  check_world (&world);
  CHECK_SHELL ("rm -f go waiting");
}

static bool is_done;

static void
tell (void)
{
  if (!is_done)
    trace_print ();
}

int
main (void)
{
  atexit (tell);
  random_start (1);
  enter_folder ();
  make_qemu_img ();
  no_plan ();
  make_world ();

  test_failed_create ("fail", "disk vda: ");
  test_failed_create ("work fail", "disk vdb: ");
  test_failed_create ("work die", "killed by signal 9");
  test_failed_create ("work lie", "qemu-img has not saved it");
  test_failed_create ("work late", "too late");
  test_failed_undo ();
  test_failed_delete ("fail");
  test_failed_delete ("work fail");
  test_failed_delete ("work lie");
  test_failed_delete ("late");
  test_killed_parent (&create, "wait", false);
  test_killed_parent (&create, "work wait", false);
  test_killed_parent (&delete, "work wait", true);

  test_failed_merge ("fail");
  test_failed_merge ("work fail");
  test_failed_merge ("late");
  test_failed_merge ("work late");
  test_failed_merge ("work work fail");
  test_failed_merge ("work work late");
  test_failed_merge ("work work work die");
  test_failed_merge ("work work work late");

  pb_domain_free (world.domain);
  leave_folder ();
  is_done = true;
  return 0;
}
