/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-checkpoint-crash.c: kill -9 at every step of every change.
 *
 * Afterwards all is as before, or as after: tree, current one, bitmaps of each
 * layer, changes of each checkpoint.  No file is left over, and an examination
 * finds nothing that it would not have found anyway.
 */

#include "config.h"

#include <dirent.h>

#include "checkpoint-tools.h"
#include "checkpoint-world.h"
#include "unit-folder.h"

/* One kind of change: how its domain is made, and what is done. */
struct scenario {
  const char *name;
  void (*prepare) (struct world *world);
  domain_function change;
  bool may_merge;
};

static const char *scenario_name = "?";
static unsigned scenario_point;
static bool is_done;

static void
tell_scenario (void)
{
  if (is_done)
    return;
  fprintf (stderr, "%s, killed at point %u\n", scenario_name, scenario_point);
  trace_print ();
}

/*** Domains. ***/

static void
create (struct world *world, const char *name)
{
  struct op op = { .kind = OP_CREATE };

  strcpy (op.name, name);
  do_op (world, &op);
  disks_write (&world->model, 0, false);
}

static void
prepare_three (struct world *world)
{
  create (world, "a");
  create (world, "b");
  disks_snapshot (&world->model, 0, world->folder, true);
  reopen (world);
  create (world, "c");
}

/* With an overlay between its checkpoints, on one disk at least. */
static void
prepare_chain (struct world *world)
{
  const struct model *model = &world->model;

  import_chain (world, 3);
  CHECK (model->disks[0].nr_layers + model->disks[1].nr_layers > 2);
}

static void
prepare_backups (struct world *world)
{
  struct op op = { .kind = OP_RECORD_BACKUP, .name = "a", .backup = 1 };

  create (world, "a");
  do_op (world, &op);
  create (world, "b");
}

static void
prepare_missing (struct world *world)
{
  prepare_three (world);
  disks_remove_bitmap (&world->model, 1, 0, "b");
}

static void
prepare_orphan (struct world *world)
{
  create (world, "a");
  model_start (&world->model, "f");
  disks_add_bitmap (&world->model, 1, "f", 0);
}

/*** Changes. ***/

static int
run (pb_domain *domain, struct op op)
{
  static const struct model two_disks
    = { .nr_disks = 2, .disks = { { .name = "vda" }, { .name = "vdb" } } };

  return op_run (domain, &two_disks, &op);
}

static int
change_create (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain, (struct op) { .kind = OP_CREATE, .name = "d" });
}

static int
change_delete (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain, (struct op) { .kind = OP_DELETE, .name = "b" });
}

static int
change_delete_children (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain,
              (struct op) { .kind = OP_DELETE,
                            .name = "b",
                            .flags = PB_CHECKPOINT_DELETE_CHILDREN });
}

static int
change_redefine (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain, (struct op) { .kind = OP_REDEFINE,
                                    .name = "c",
                                    .parent = "a",
                                    .flags = PB_CHECKPOINT_CREATE_REDEFINE
                                             | PB_CHECKPOINT_CREATE_REPLACE,
                                    .time = 1,
                                    .has_bitmap = { true, true } });
}

static int
change_record (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain, (struct op) { .kind = OP_RECORD_BACKUP,
                                    .name = "b",
                                    .backup = 2 });
}

static int
change_forget_backup (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain, (struct op) { .kind = OP_FORGET_BACKUP,
                                    .name = "a",
                                    .backup = 1 });
}

static int
change_forget (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return run (domain,
              (struct op) { .kind = OP_FORGET_DOMAIN,
                            .flags = PB_DOMAIN_FORGET_CHECKPOINTS_METADATA });
}

/* The first repair that there is. */
static int
repair_first (pb_domain *domain, unsigned flags)
{
  pb_findings *findings = pb_domain_examine (domain, flags);
  struct pb_finding finding;
  int r = -1;

  for (size_t i = 0; findings && i < pb_findings_count (findings); i++)
    if (pb_findings_get (findings, i, &finding) == 0 && finding.repair) {
      r = pb_domain_repair (domain, &finding, flags);
      break;
    }
  pb_findings_free (findings);
  return r == 0 ? 0 : pb_get_errno ();
}

static int
change_drop_disk (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return repair_first (domain, 0);
}

static int
change_adopt (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return repair_first (domain, PB_DOMAIN_REPAIR_ADOPT);
}

static int
change_remove_orphan (pb_domain *domain, void *opaque)
{
  (void) opaque;
  return repair_first (domain, PB_DOMAIN_REPAIR_REMOVE);
}

static const struct scenario scenarios[] = {
  { "create on two disks", prepare_three, change_create, false },
  { "delete in the middle", prepare_three, change_delete, false },
  { "delete with children", prepare_three, change_delete_children, false },
  { "delete in a chain", prepare_chain, change_delete, true },
  { "delete the end of a chain", prepare_chain, change_delete_children, true },
  { "redefine", prepare_three, change_redefine, false },
  { "record a backup", prepare_backups, change_record, false },
  { "forget a backup", prepare_backups, change_forget_backup, false },
  { "forget the domain", prepare_three, change_forget, false },
  { "repair: drop a disk", prepare_missing, change_drop_disk, false },
  { "repair: adopt a bitmap", prepare_orphan, change_adopt, false },
  { "repair: remove a bitmap", prepare_orphan, change_remove_orphan, false },
};

/*** What is left. ***/

static void
check_entry (const struct world *world, const char *folder, const char *name)
{
  static const char *const known[]
    = { ".", "..", "lock", "current", "backups.xml", "checkpoints" };
  char checkpoint[MODEL_NAME + 4];

  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp (name, known[i]) == 0)
      return;
  for (size_t i = 0; i < world->model.nr_checkpoints; i++) {
    snprintf (checkpoint, sizeof checkpoint, "%s.xml",
              world->model.checkpoints[i].name);
    if (world->model.checkpoints[i].exists && strcmp (name, checkpoint) == 0)
      return;
  }
  fprintf (stderr, "%s/%s is left over\n", folder, name);
  exit (1);
}

static void
check_leftovers (const struct world *world, const char *folder)
{
  DIR *dir = opendir (folder);
  struct dirent *entry;

  CHECK (dir != NULL || errno == ENOENT);
  while (dir && (entry = readdir (dir)))
    check_entry (world, folder, entry->d_name);
  if (dir)
    closedir (dir);
}

/* The domain that was killed in the midst of a change. */
static void
check_after_crash (struct world *world, struct model *after, bool may_merge)
{
  char checkpoints[sizeof world->state + 16];
  pb_domain *reader = open_world (world, PB_DOMAIN_READ_ONLY);

  CHECK_OK (reader);
  check_either (world, after, may_merge, reader);
  pb_domain_free (reader);

  /* What one has recovered, the next one sees; and who may write tidies up. */
  CHECK_OK (world->domain = open_world (world, 0));
  check_world (world);
  pb_domain_free (world->domain);
  check_leftovers (world, world->state);
  snprintf (checkpoints, sizeof checkpoints, "%s/checkpoints", world->state);
  check_leftovers (world, checkpoints);
}

/*** Running. ***/

static struct world world;

static void
make_world (const struct scenario *scenario)
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
  scenario->prepare (&world);
  check_world (&world);
  pb_domain_free (world.domain);
  world.domain = NULL;
}

/* What comes of it when nobody interrupts it. */
static void
find_after (const struct scenario *scenario, struct model *after)
{
  *after = world.model;
  after->is_whole_chain = after->is_whole_chain && scenario->may_merge;
  CHECK_OK (world.domain = open_world (&world, 0));
  CHECK_OK (scenario->change (world.domain, NULL) == 0);
  pb_domain_free (world.domain);
  CHECK_OK (world.domain = open_world (&world, 0));
  domain_resync (world.domain, after);
  for (size_t i = 0; i < after->nr_checkpoints; i++)
    if (!model_find_existing (&world.model, after->checkpoints[i].name))
      after->checkpoints[i].time = 0; /* another one each time */
  pb_domain_free (world.domain);
}

static void
run_scenario (const struct scenario *scenario)
{
  /* The phases that look for bad memory accesses want fewer examples. */
  const unsigned stride = getenv ("SEEDS") ? 5 : 1;
  static struct model before, after;
  unsigned killed = 0, recoveries = 0;
  int r = -1;

  scenario_name = scenario->name;
  trace_clear ();
  make_world (scenario);
  before = world.model;
  CHECK_SHELL ("cp -a world golden");
  find_after (scenario, &after);

  for (unsigned points = 1; r == -1; points += stride) {
    static struct model then;

    scenario_point = points;
    /* The images are overwritten: a new file would not be the same image. */
    CHECK_SHELL ("rm -rf world/state && cp -a golden/. world");
    world.model = before;
    then = after;
    r = run_and_die (&world, points, 0, scenario->change, NULL);
    killed += r == -1;
    if (r == -1 && points % 2
        && run_and_die (&world, 1 + points / 2 % 9, 0, NULL, NULL) == -1)
      recoveries++;
    CHECK (r <= 0);
    check_after_crash (&world, &then, scenario->may_merge);
  }
  printf ("%s: killed %u times, %u times in recovery\n", scenario->name,
          killed, recoveries);
  CHECK (killed > 20 / stride);
  CHECK_SHELL ("rm -rf world golden");
}

int
main (void)
{
  atexit (tell_scenario);
  random_start (1);
  enter_folder ();
  for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++)
    run_scenario (&scenarios[i]);
  leave_folder ();
  is_done = true;
  return 0;
}
