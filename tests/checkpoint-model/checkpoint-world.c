/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-world.c: a domain on real disks beside its model. */

#include "config.h"

#include <signal.h>
#include <sys/wait.h>

#include "checkpoint-tools.h"
#include "checkpoint-world.h"
#include "fault-point.h"
#include "unit.h"

#define TEXT_MAX 8192

static char text[TEXT_MAX];

/*** The domain. ***/

pb_domain *
open_world (struct world *world, unsigned flags)
{
  disks_uri (&world->model, world->folder, world->as_xml, world->uri,
             sizeof world->uri);
  return pb_domain_open (world->uri, world->state, flags);
}

void
reopen (struct world *world)
{
  pb_domain_free (world->domain);
  world->domain = open_world (world, 0);
  CHECK_OK (world->domain);
}

void
check_world (struct world *world)
{
  if (!domain_compare (world->domain, &world->model, text, sizeof text)) {
    fprintf (stderr, "%s\n", text);
    exit (1);
  }
}

void
check_world_with_qemu (struct world *world)
{
  for (size_t i = 0; i < world->model.nr_disks; i++)
    if (!disks_compare_with_qemu (&world->model, i, text, sizeof text)) {
      fprintf (stderr, "%s\n", text);
      exit (1);
    }
}

void
import_chain (struct world *world, size_t count)
{
  struct model *model = &world->model;

  disks_make_chain (model, world->folder, count);
  reopen (world);
  for (size_t i = 0; i < count; i++) {
    struct model_checkpoint *checkpoint = &model->checkpoints[i];
    struct op op = { .kind = OP_REDEFINE,
                     .flags = PB_CHECKPOINT_CREATE_REDEFINE,
                     .time = checkpoint->time };

    strcpy (op.name, checkpoint->name);
    strcpy (op.parent, checkpoint->parent);
    memcpy (op.has_bitmap, checkpoint->has_bitmap, sizeof op.has_bitmap);
    op_trace (&op);
    CHECK_OK (op_run (world->domain, model, &op) == 0);
    checkpoint->exists = true;
    strcpy (model->current, checkpoint->name);
  }
}

/*** Crashes. ***/

static unsigned points_left;

static void
die_at_point (const char *name)
{
  (void) name;
  if (--points_left == 0)
    kill (getpid (), SIGKILL);
}

/* What an undone deletion had merged into older bitmaps stays there. */
static bool
is_undone_deletion (struct world *world, pb_domain *domain)
{
  disks_enlarge (&world->model);
  return domain_compare (domain, &world->model, text, sizeof text);
}

void
check_either (struct world *world, struct model *after, bool may_merge,
              pb_domain *domain)
{
  static char first[TEXT_MAX];

  if (domain_compare (domain, &world->model, first, sizeof first))
    return;
  if (domain_compare (domain, after, text, sizeof text)) {
    world->model = *after;
    return;
  }
  if (may_merge && is_undone_deletion (world, domain))
    return;
  fprintf (stderr, "neither as before: %s\nnor as after: %s\n", first, text);
  exit (1);
}

int
run_and_die (struct world *world, unsigned points, unsigned flags,
             domain_function function, void *opaque)
{
  int status;
  pid_t pid = fork ();

  CHECK (pid != -1);
  if (pid == 0) {
    pb_domain *domain;
    int r = 0;

    points_left = points;
    fault_point_hook = die_at_point;
    domain = open_world (world, flags);
    if (domain == NULL)
      r = pb_get_errno ();
    else if (function)
      r = function (domain, opaque);
    pb_domain_free (domain);
    _exit (r);
  }
  CHECK (waitpid (pid, &status, 0) == pid);
  if (WIFEXITED (status)) {
    trace ("    ended with %d\n", WEXITSTATUS (status));
    return WEXITSTATUS (status);
  }
  CHECK (WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL);
  trace ("    killed at point %u\n", points);
  return -1;
}

struct op_call {
  const struct model *model;
  const struct op *op;
};

static int
call_op (pb_domain *domain, void *opaque)
{
  const struct op_call *call = opaque;

  return op_run (domain, call->model, call->op);
}

static void
run_op_and_crash (struct world *world, const struct op *op,
                  const struct op_prediction *prediction,
                  struct model *after)
{
  struct op_call call = { &world->model, op };
  bool may_merge = op->kind == OP_DELETE && world->model.is_whole_chain;
  pb_domain *reader;
  int r;

  pb_domain_free (world->domain);
  r = run_and_die (world, 1 + random_below (36), 0, call_op, &call);
  CHECK (r != 0 || prediction->outcome == OP_MUST_SUCCEED);
  CHECK (r <= 0 || prediction->outcome == OP_MUST_FAIL);
  if (r == 0)
    world->model = *after;
  else if (prediction->outcome == OP_MUST_FAIL)
    *after = world->model;
  if (r == -1 && chance (3))
    run_and_die (world, 1 + random_below (12),
                 chance (2) ? PB_DOMAIN_READ_ONLY : 0, NULL, NULL);
  if (chance (2)) {
    CHECK_OK (reader = open_world (world, PB_DOMAIN_READ_ONLY));
    check_either (world, after, may_merge, reader);
    *after = world->model;
    pb_domain_free (reader);
  }
  CHECK_OK (world->domain = open_world (world, 0));
  check_either (world, after, may_merge, world->domain);
}

/*** Operations. ***/

static bool
is_expected (const struct op_prediction *prediction, int errnum)
{
  for (size_t i = 0; prediction->errnums[i]; i++)
    if (prediction->errnums[i] == (unsigned) errnum)
      return true;
  return false;
}

void
do_op (struct world *world, const struct op *op)
{
  static struct model after;
  struct op_prediction prediction;
  int r;

  op_trace (op);
  after = world->model;
  prediction = op_predict (&after, op);
  if (world->is_rough && !prediction.bitmaps_are_open && chance (3)) {
    run_op_and_crash (world, op, &prediction, &after);
    return;
  }
  r = op_run (world->domain, &world->model, op);
  trace ("    %s\n", r ? pb_get_error () : "done");
  if (r ? prediction.outcome == OP_MUST_SUCCEED
            || !is_expected (&prediction, r)
        : prediction.outcome == OP_MUST_FAIL) {
    fprintf (stderr, "should have %s: %s\n",
             prediction.outcome == OP_MUST_FAIL ? "failed" : "succeeded",
             r ? pb_get_error () : "done");
    exit (1);
  }
  if (r)
    return;
  world->model = after;
  if (prediction.bitmaps_are_open)
    disks_resync (&world->model);
  if (op->kind == OP_FORGET_DOMAIN)
    reopen (world);
}
