/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-random.c: random sequences of what happens to checkpoints and
 * their disks, each step held against a model.
 *
 *   SEED=17 ./run tests/test-checkpoint-random-1    repeats one sequence
 *   SEEDS=500 FIRST_SEED=1000 ./run tests/...       runs others
 *   STEPS=30 ./run tests/...                        makes them longer
 *   TRACE=1 ./run tests/...                         shows each step
 */

#include "config.h"

#include <sys/resource.h>

#include "checkpoint-random.h"
#include "checkpoint-tools.h"
#include "checkpoint-world.h"
#include "unit-folder.h"

#define SEEDS_OF_A_SHARE 67
#define STEPS_OF_A_SEED  8

static uint64_t current_seed;
static bool is_done;

static uint64_t
number_of (const char *variable, uint64_t otherwise)
{
  const char *value = getenv (variable);

  return value && *value ? strtoull (value, NULL, 0) : otherwise;
}

static void
tell_seed (void)
{
  if (is_done)
    return;
  fprintf (stderr, "SEED=%" PRIu64 "\n", current_seed);
  trace_print ();
  fprintf (stderr,
           "to repeat: SEED=%" PRIu64 " STEPS=%" PRIu64
           " ./run tests/test-checkpoint-random-1\n",
           current_seed, number_of ("STEPS", STEPS_OF_A_SEED));
}

/*** Steps: operations of the library. ***/

/* "" where there is none. */
static void
choose_existing (const struct model *model, char name[MODEL_NAME])
{
  size_t count = 0;

  name[0] = '\0';
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (model->checkpoints[i].exists && chance (++count))
      strcpy (name, model->checkpoints[i].name);
}

static void
step_create (struct world *world)
{
  static const char *const odd_names[] = { ".a", "a/b", "a b" };
  struct op op = { .kind = OP_CREATE,
                   .lists_disks = chance (3),
                   .granularity
                   = chance (2) ? 0 : UINT64_C (512) << random_below (9) };

  snprintf (op.name, sizeof op.name, "%c", 'a' + (int) random_below (7));
  if (chance (3) && world->model.nr_checkpoints) /* one that was there */
    strcpy (op.name, world->model
                       .checkpoints[random_below (world->model.nr_checkpoints)]
                       .name);
  if (chance (20))
    strcpy (op.name, odd_names[random_below (3)]);
  for (size_t i = 0; i < world->model.nr_disks; i++) {
    enum model_disk_kind kind = world->model.disks[i].kind;

    op.lists_disks = op.lists_disks
                     || (kind == MODEL_DISK_RAW && !chance (4));
    op.has_bitmap[i] = kind == MODEL_DISK_QCOW2 ? !chance (3) : chance (10);
  }
  do_op (world, &op);
}

static void
step_delete (struct world *world)
{
  struct op op = { .kind = OP_DELETE };

  choose_existing (&world->model, op.name);
  if (!op.name[0])
    return;
  if (chance (4))
    op.flags |= PB_CHECKPOINT_DELETE_CHILDREN;
  else if (chance (4))
    op.flags |= PB_CHECKPOINT_DELETE_CHILDREN_ONLY;
  if (chance (3))
    op.flags |= PB_CHECKPOINT_DELETE_METADATA_ONLY;
  if (chance (3))
    op.flags |= PB_CHECKPOINT_DELETE_FORCE;
  do_op (world, &op);
}

static void
step_redefine (struct world *world)
{
  struct op op = { .kind = OP_REDEFINE,
                   .flags = PB_CHECKPOINT_CREATE_REDEFINE };
  const struct model_checkpoint *checkpoint;
  size_t count = world->model.nr_checkpoints;

  if (count == 0)
    return;
  checkpoint = &world->model.checkpoints[random_below (count)];
  for (int i = 0; i < 3 && checkpoint->exists; i++)
    checkpoint = &world->model.checkpoints[random_below (count)];
  strcpy (op.name, checkpoint->name);
  strcpy (op.parent, checkpoint->parent);
  op.time = checkpoint->time ? checkpoint->time : 1;
  for (size_t i = 0; i < world->model.nr_disks; i++)
    op.has_bitmap[i] = checkpoint->has_bitmap[i] && !chance (10);
  if (chance (3) || (op.parent[0]
                     && !model_find_existing (&world->model, op.parent)))
    choose_existing (&world->model, op.parent);
  if (chance (6))
    strcpy (op.parent, chance (2) ? "" : "nosuch");
  if (chance (3))
    op.flags |= PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE;
  if (chance (3))
    op.flags |= PB_CHECKPOINT_CREATE_CURRENT;
  if (chance (3) || (checkpoint->exists && !chance (4)))
    op.flags |= PB_CHECKPOINT_CREATE_REPLACE;
  do_op (world, &op);
}

static void
step_backup (struct world *world)
{
  struct op op = { .kind = chance (3) ? OP_FORGET_BACKUP : OP_RECORD_BACKUP,
                   .backup = random_below (3) };

  choose_existing (&world->model, op.name);
  if (op.name[0])
    do_op (world, &op);
}

static void
step_forget (struct world *world)
{
  struct op op = { .kind = OP_FORGET_DOMAIN,
                   .flags
                   = chance (2) ? PB_DOMAIN_FORGET_CHECKPOINTS_METADATA : 0 };

  do_op (world, &op);
}

/* Repair something, and see that it is right then.  Returns 1, or 0 where that
 * was refused, or -1 where there was nothing that could be repaired.
 */
static int
repair_one (struct world *world, unsigned flags)
{
  pb_findings *findings = pb_domain_examine (world->domain, flags);
  struct pb_finding finding, chosen = { .repair = NULL };
  size_t count = 0;
  int r;

  CHECK_OK (findings);
  for (size_t i = 0; i < pb_findings_count (findings); i++) {
    CHECK_OK (pb_findings_get (findings, i, &finding) == 0);
    if (finding.repair && chance (++count))
      chosen = finding;
  }
  if (chosen.repair == NULL) {
    pb_findings_free (findings);
    return -1;
  }
  trace ("  repair (%u): %s %s %s %s: %s\n", flags,
         pb_finding_kind_name (chosen.kind),
         chosen.checkpoint ? chosen.checkpoint : "-",
         chosen.disk ? chosen.disk : "-", chosen.bitmap ? chosen.bitmap : "-",
         chosen.text);
  r = pb_domain_repair (world->domain, &chosen, flags);
  trace ("    %s\n", r ? pb_get_error () : "done");
  if (r == 0) {
    domain_resync (world->domain, &world->model);
    world->model.is_whole_chain = false;
    CHECK_FAILS (pb_domain_repair (world->domain, &chosen, flags) == -1,
                 ESTALE, "not so any more");
  }
  else
    CHECK (pb_get_errno () == ESTALE || pb_get_errno () == EBUSY);
  pb_findings_free (findings);
  return r == 0;
}

static void
step_repair (struct world *world)
{
  static const unsigned flags[]
    = { 0, PB_DOMAIN_REPAIR_ADOPT, PB_DOMAIN_REPAIR_REMOVE };

  repair_one (world, flags[random_below (3)]);
}

/*** Steps: what happens to the disks. ***/

/* A qcow2 disk that is written; the first one always is. */
static size_t
choose_disk (const struct model *model)
{
  size_t disk = random_below (model->nr_disks);

  return model->disks[disk].kind == MODEL_DISK_QCOW2 ? disk : 0;
}

static void
step_write (struct world *world)
{
  size_t disk = choose_disk (&world->model);
  bool killed = world->is_rough && chance (10);

  disks_write (&world->model, disk, killed);
  if (killed && world->model.disks[disk].layers[0].nr_bitmaps)
    world->model.is_whole_chain = false;
  if (!killed && chance (2))
    disks_write (&world->model, choose_disk (&world->model), false);
}

static void
step_snapshot (struct world *world)
{
  size_t disk = choose_disk (&world->model);
  bool as_libvirt = !world->is_rough || chance (2);

  if (world->model.disks[disk].nr_layers == MODEL_LAYERS)
    return;
  disks_snapshot (&world->model, disk, world->folder, as_libvirt);
  if (!as_libvirt)
    world->model.is_whole_chain = false;
  reopen (world);
}

/* A bitmap that is nobody's.  It has a truth too: it may be adopted. */
static void
add_foreign_bitmap (struct world *world, size_t disk)
{
  struct model *model = &world->model;
  char name[MODEL_NAME];

  snprintf (name, sizeof name, "f%d", (int) disk % 10);
  if (model_find_existing (model, name))
    return;
  for (size_t i = 0; i < model->disks[disk].nr_layers; i++)
    if (model_find_bitmap (&model->disks[disk].layers[i], name))
      return;
  model_start (model, name)->time = 1;
  disks_add_bitmap (model, disk, name, 0);
}

/* Only what leaves a trace: to remove a bitmap from the lowest layers that have
 * it does not.
 */
static void
step_meddle (struct world *world)
{
  size_t disk = choose_disk (&world->model);
  struct model_disk *d = &world->model.disks[disk];
  size_t layer = random_below (d->nr_layers);
  struct model_layer *l = &d->layers[layer];
  char name[MODEL_NAME];

  if (l->nr_bitmaps == 0 || chance (4)) {
    add_foreign_bitmap (world, disk);
    world->model.is_whole_chain = false;
    return;
  }
  strcpy (name, l->bitmaps[random_below (l->nr_bitmaps)].name);
  if (chance (2)) {
    if (model_find_bitmap (l, name)->in_use)
      return;
    disks_disable_bitmap (&world->model, disk, layer, name);
  }
  else {
    for (size_t i = 0; i < layer; i++)
      if (model_find_bitmap (&d->layers[i], name))
        return;
    /* Nor does it leave one to remove what a chain has lost already. */
    if (!model_find_existing (&world->model, name)
        && (world->model.is_whole_chain || model_is_doubtful (&world->model)))
      return;
    disks_remove_bitmap (&world->model, disk, layer, name);
  }
  world->model.is_whole_chain = false;
}

/* While somebody has an image, nothing that needs it is done, and all stays as
 * it was.
 */
static void
step_busy (struct world *world)
{
  const struct model *model = &world->model;
  size_t disk = choose_disk (model);
  const struct model_disk *d = &model->disks[disk];
  size_t layer = random_below (d->nr_layers);
  bool writes = layer == 0 && chance (2);
  struct op op = { .kind = OP_CREATE, .name = "busy", .lists_disks = true };
  struct op deletion
    = { .kind = OP_DELETE, .flags = PB_CHECKPOINT_DELETE_FORCE };
  int fd = disks_hold (d->layers[layer].path, writes);

  trace ("  %s layer %zu of %s\n", writes ? "write" : "read", layer, d->name);
  op.has_bitmap[disk] = true;
  if (layer == 0)
    CHECK (op_run (world->domain, model, &op) == EBUSY);
  choose_existing (model, deletion.name);
  if (deletion.name[0]
      && model_find (model, deletion.name)->has_bitmap[disk]
      && model_find_bitmap ((struct model_layer *) &d->layers[layer],
                            deletion.name)) {
    int r = op_run (world->domain, model, &deletion);

    CHECK (r == EBUSY || (r == ESTALE && model_is_doubtful (model)));
  }
  close (fd);

  CHECK_FAILS (pb_domain_open (world->uri, world->state, 0) == NULL, EBUSY,
               "open in this process already");
}

/*** Sequences. ***/

static void
step (struct world *world)
{
  unsigned n = random_below (100);

  if (n < 25)
    step_write (world);
  else if (n < 45)
    step_create (world);
  else if (n < 60)
    step_delete (world);
  else if (n < 72)
    step_redefine (world);
  else if (n < 79)
    step_snapshot (world);
  else if (n < 85 && world->is_rough)
    step_meddle (world);
  else if (n < 88)
    step_busy (world);
  else if (n < 95)
    step_backup (world);
  else if (n < 96)
    step_forget (world);
  else if (world->is_rough)
    step_repair (world);
  else
    reopen (world);
}

/* In the end all that can be repaired is; some of it in the right order only.
 */
static void
repair_all (struct world *world)
{
  int done = 0, refused = 0;

  while (refused < 10) {
    int r = repair_one (world, PB_DOMAIN_REPAIR_REMOVE);

    if (r == -1)
      return;
    if (r == 1) {
      check_world (world);
      CHECK (++done < 100);
      refused = 0;
    }
    else
      refused++;
  }
}

static void
run_sequence (uint64_t seed, uint64_t steps)
{
  static struct world world;

  current_seed = seed;
  random_start (seed);
  trace_clear ();

  memset (&world, 0, sizeof world);
  world.folder = test_folder;
  snprintf (world.state, sizeof world.state, "%s/state", test_folder);
  world.as_xml = chance (3);
  world.is_rough = !chance (3);
  disks_make (&world.model, world.folder, chance (3));
  CHECK_OK (world.domain = open_world (&world, 0));
  if (chance (4))
    import_chain (&world, 2 + random_below (2));
  check_world (&world);
  if (seed % 4 == 0) /* some things take long to come together */
    steps *= 3;
  for (uint64_t i = 0; i < steps; i++) {
    step (&world);
    check_world (&world);
    if (chance (8))
      check_world_with_qemu (&world);
  }
  if (world.is_rough)
    repair_all (&world);
  pb_domain_free (world.domain);
}

int
checkpoint_random (unsigned share)
{
  const struct rlimit no_core = { 0, 0 };
  uint64_t seeds = number_of ("SEEDS", SEEDS_OF_A_SHARE);
  uint64_t first = number_of ("FIRST_SEED", 1) + seeds * share;

  setrlimit (RLIMIT_CORE, &no_core);
  if (getenv ("SEED")) {
    first = number_of ("SEED", 1);
    seeds = 1;
  }
  atexit (tell_seed);
  for (uint64_t i = 0; i < seeds; i++) {
    enter_folder ();
    run_sequence (first + i, number_of ("STEPS", STEPS_OF_A_SEED));
    leave_folder ();
    if (getenv ("TRACE"))
      trace_print ();
  }
  is_done = true;
  printf ("%" PRIu64 " sequences, from seed %" PRIu64 "\n", seeds, first);
  return 0;
}
