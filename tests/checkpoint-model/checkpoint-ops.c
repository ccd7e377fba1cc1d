/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-ops.c: what is done to a domain through the library, and what
 * should come of it.
 */

#include "config.h"

#include "checkpoint-ops.h"
#include "checkpoint-tools.h"
#include "unit.h"

#define XML_MAX 4096

void
op_trace (const struct op *op)
{
  static const char *const names[]
    = { "create", "delete", "redefine", "record", "unrecord", "forget" };

  trace ("  %s %s", names[op->kind], op->name);
  if (op->kind == OP_CREATE && op->lists_disks)
    trace (" on %d%d%d", op->has_bitmap[0], op->has_bitmap[1],
           op->has_bitmap[2]);
  if (op->kind == OP_REDEFINE)
    trace (" below '%s'", op->parent);
  trace (", flags %u\n", op->flags);
}

/*** Doing. ***/

void
format_checkpoint (const struct model *model,
                   const struct model_checkpoint *checkpoint,
                   const uint64_t *sizes, char *text, size_t count)
{
  FILE *stream = fmemopen (text, count, "w");

  CHECK (stream != NULL);
  fprintf (stream, "<domaincheckpoint>\n  <name>%s</name>\n",
           checkpoint->name);
  if (checkpoint->parent[0])
    fprintf (stream, "  <parent>\n    <name>%s</name>\n  </parent>\n",
             checkpoint->parent);
  fprintf (stream, "  <creationTime>%" PRIu64 "</creationTime>\n  <disks>\n",
           checkpoint->time);
  for (size_t i = 0; i < model->nr_disks; i++)
    if (checkpoint->has_bitmap[i]) {
      fprintf (stream, "    <disk name='%s' checkpoint='bitmap' bitmap='%s'",
               model->disks[i].name, checkpoint->name);
      if (sizes && sizes[i] != UINT64_MAX)
        fprintf (stream, " size='%" PRIu64 "'", sizes[i]);
      fprintf (stream, "/>\n");
    }
    else
      fprintf (stream, "    <disk name='%s' checkpoint='no'/>\n",
               model->disks[i].name);
  fprintf (stream, "  </disks>\n</domaincheckpoint>\n");
  CHECK (fclose (stream) == 0);
}

/* Creating gives neither parent nor time: see libvirt.md A.1. */
static void
format_creation (const struct model *model, const struct op *op, char *text,
                 size_t count)
{
  FILE *stream = fmemopen (text, count, "w");

  CHECK (stream != NULL);
  fprintf (stream, "<domaincheckpoint><name>%s</name>", op->name);
  if (op->lists_disks) {
    fprintf (stream, "<disks>");
    for (size_t i = 0; i < model->nr_disks; i++)
      fprintf (stream, "<disk name='%s' checkpoint='%s'/>",
               model->disks[i].name, op->has_bitmap[i] ? "bitmap" : "no");
    fprintf (stream, "</disks>");
  }
  fprintf (stream, "</domaincheckpoint>");
  CHECK (fclose (stream) == 0);
}

static int
run_create (pb_domain *domain, const struct model *model, const struct op *op)
{
  char xml[XML_MAX];
  pb_checkpoint *checkpoint;

  if (op->kind == OP_CREATE) {
    CHECK_OK (pb_domain_set_granularity (domain, op->granularity) == 0);
    format_creation (model, op, xml, sizeof xml);
  }
  else {
    struct model_checkpoint def = { .time = op->time };

    strcpy (def.name, op->name);
    strcpy (def.parent, op->parent);
    memcpy (def.has_bitmap, op->has_bitmap, sizeof def.has_bitmap);
    format_checkpoint (model, &def, NULL, xml, sizeof xml);
  }
  checkpoint = pb_checkpoint_create_xml (domain, xml, op->flags);
  if (checkpoint == NULL)
    return pb_get_errno ();
  CHECK (strcmp (pb_checkpoint_get_name (checkpoint), op->name) == 0);
  pb_checkpoint_free (checkpoint);
  return 0;
}

/* On one that exists. */
static int
run_on_checkpoint (pb_domain *domain, const struct op *op)
{
  pb_checkpoint *checkpoint
    = pb_domain_checkpoint_lookup_by_name (domain, op->name, 0);
  char backup[16];
  int r = -1;

  if (checkpoint == NULL)
    return pb_get_errno ();
  snprintf (backup, sizeof backup, "backup %u", op->backup);
  if (op->kind == OP_DELETE)
    r = pb_checkpoint_delete (checkpoint, op->flags);
  else if (op->kind == OP_RECORD_BACKUP)
    r = pb_checkpoint_record_backup (checkpoint, backup, 0);
  else
    r = pb_checkpoint_forget_backup (checkpoint, backup, 0);
  pb_checkpoint_free (checkpoint);
  return r == 0 ? 0 : pb_get_errno ();
}

int
op_run (pb_domain *domain, const struct model *model, const struct op *op)
{
  switch (op->kind) {
  case OP_CREATE:
  case OP_REDEFINE:
    return run_create (domain, model, op);
  case OP_FORGET_DOMAIN:
    return pb_domain_forget (domain, op->flags) == 0 ? 0 : pb_get_errno ();
  default:
    return run_on_checkpoint (domain, op);
  }
}

/*** Predicting. ***/

static void
fail (struct op_prediction *prediction, int errnum)
{
  size_t i = 0;

  prediction->outcome = OP_MUST_FAIL;
  while (prediction->errnums[i])
    i++;
  prediction->errnums[i] = errnum;
}

/* The library may see a danger that the model does not. */
static void
doubt (struct op_prediction *prediction)
{
  prediction->bitmaps_are_open = true;
  if (prediction->outcome == OP_MUST_SUCCEED) {
    fail (prediction, EBUSY);
    fail (prediction, ESTALE);
    prediction->outcome = OP_MAY_FAIL;
  }
}

static void
predict_create (struct model *model, const struct op *op,
                struct op_prediction *prediction)
{
  struct model_checkpoint *checkpoint;
  bool has_bitmap[MODEL_DISKS] = { false };

  if (op->name[0] == '.' || strpbrk (op->name, "/ "))
    fail (prediction, EINVAL);
  if (model_find_existing (model, op->name))
    fail (prediction, EEXIST);
  for (size_t i = 0; i < model->nr_disks; i++) {
    struct model_disk *disk = &model->disks[i];

    has_bitmap[i] = op->lists_disks ? op->has_bitmap[i]
                                    : disk->kind == MODEL_DISK_QCOW2
                                        || disk->kind == MODEL_DISK_RAW;
    if (has_bitmap[i] && disk->kind != MODEL_DISK_QCOW2)
      fail (prediction, EINVAL);
    for (size_t j = 0; j < disk->nr_layers; j++)
      if (has_bitmap[i] && model_find_bitmap (&disk->layers[j], op->name))
        fail (prediction, EEXIST);
  }
  if (prediction->outcome == OP_MUST_FAIL)
    return;

  checkpoint = model_start (model, op->name);
  checkpoint->exists = true;
  checkpoint->origin = MODEL_INDEPENDENT;
  strcpy (checkpoint->parent, model->current);
  strcpy (model->current, op->name);
  memcpy (checkpoint->has_bitmap, has_bitmap, sizeof has_bitmap);
  for (size_t i = 0; i < model->nr_disks; i++)
    if (has_bitmap[i])
      model_add_bitmap (&model->disks[i].layers[0], op->name, op->granularity,
                        true);
}

/* Which checkpoints go. */
static void
choose_deleted (const struct model *model, const struct op *op,
                bool deleted[MODEL_CHECKPOINTS])
{
  const unsigned branch
    = PB_CHECKPOINT_DELETE_CHILDREN | PB_CHECKPOINT_DELETE_CHILDREN_ONLY;

  for (size_t i = 0; i < model->nr_checkpoints; i++) {
    const struct model_checkpoint *checkpoint = &model->checkpoints[i];

    deleted[i] = checkpoint->exists
                 && (strcmp (checkpoint->name, op->name) == 0
                       ? !(op->flags & PB_CHECKPOINT_DELETE_CHILDREN_ONLY)
                       : (op->flags & branch)
                           && model_is_ancestor (model, op->name,
                                                 checkpoint->name));
  }
}

static bool
is_deleted (const struct model *model, const bool deleted[MODEL_CHECKPOINTS],
            const struct model_checkpoint *checkpoint)
{
  return deleted[checkpoint - model->checkpoints];
}

/* The last one with a recorded backup needs FORCE. */
static bool
needs_force (const struct model *model, const bool deleted[MODEL_CHECKPOINTS])
{
  bool goes = false;

  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (model->checkpoints[i].exists && model->checkpoints[i].backups) {
      if (!deleted[i])
        return false;
      goes = true;
    }
  return goes;
}

/* In a chain: the nearest older checkpoint that stays, and counts on the
 * bitmap (libvirt.md D.3, chain model).
 */
static const struct model_checkpoint *
find_heir (const struct model *model, const bool deleted[MODEL_CHECKPOINTS],
           const struct model_checkpoint *checkpoint, size_t disk)
{
  struct model_layer *top
    = (struct model_layer *) &model->disks[disk].layers[0];

  for (const struct model_checkpoint *node
       = model_find_existing (model, checkpoint->parent);
       node; node = model_find_existing (model, node->parent)) {
    const struct model_bitmap *bitmap = model_find_bitmap (top, node->name);

    if (!node->has_bitmap[disk])
      continue;
    if (node->origin == MODEL_INDEPENDENT || (bitmap && bitmap->enabled))
      return NULL;
    if (!is_deleted (model, deleted, node))
      return node;
  }
  return NULL;
}

static void
merge_into (struct model_layer *layer, uint64_t size, const char *heir,
            const struct model_bitmap *source)
{
  struct model_bitmap *target = model_find_bitmap (layer, heir);
  struct model_bitmap copy = *source;

  if (target == NULL)
    target = model_add_bitmap (layer, heir, copy.granularity, false);
  target->enabled |= copy.enabled;
  sectors_merge (&target->set, &copy.set, size, target->granularity);
}

static void
delete_bitmaps (struct model *model, const struct model *before,
                const bool deleted[MODEL_CHECKPOINTS], size_t index)
{
  const struct model_checkpoint *checkpoint = &before->checkpoints[index];

  for (size_t i = 0; i < model->nr_disks; i++) {
    struct model_disk *disk = &model->disks[i];
    const struct model_checkpoint *heir
      = before->is_whole_chain ? find_heir (before, deleted, checkpoint, i)
                               : NULL;

    for (size_t j = 0; checkpoint->has_bitmap[i] && j < disk->nr_layers; j++) {
      struct model_bitmap *bitmap
        = model_find_bitmap (&disk->layers[j], checkpoint->name);

      if (bitmap && heir)
        merge_into (&disk->layers[j], disk->size, heir->name, bitmap);
      model_remove_bitmap (&disk->layers[j], checkpoint->name);
    }
  }
}

static void
predict_delete (struct model *model, const struct op *op,
                struct op_prediction *prediction)
{
  static struct model before;
  bool deleted[MODEL_CHECKPOINTS] = { false };
  bool keeps_bitmaps = op->flags & PB_CHECKPOINT_DELETE_METADATA_ONLY;
  bool any = false;

  before = *model;
  if (!model_find_existing (model, op->name)) {
    fail (prediction, ENOENT);
    return;
  }
  choose_deleted (model, op, deleted);
  if (needs_force (model, deleted)
      && !(op->flags & PB_CHECKPOINT_DELETE_FORCE)) {
    fail (prediction, EBUSY);
    return;
  }
  for (size_t i = 0; i < model->nr_checkpoints; i++) {
    if (!deleted[i])
      continue;
    any = true;
    model->checkpoints[i].exists = false;
    model->checkpoints[i].backups = 0;
    for (size_t j = 0; j < model->nr_checkpoints; j++)
      if (strcmp (model->checkpoints[j].parent, model->checkpoints[i].name)
            == 0
          && model->checkpoints[j].exists && !deleted[j])
        strcpy (model->checkpoints[j].parent, model->checkpoints[i].parent);
    if (!keeps_bitmaps)
      delete_bitmaps (model, &before, deleted, i);
  }
  for (const struct model_checkpoint *node
       = model_find_existing (&before, before.current);
       node && is_deleted (&before, deleted, node);
       node = model_find_existing (&before, node->parent))
    strcpy (model->current, node->parent);
  if (any && (model_is_doubtful (&before)
              || (before.is_whole_chain && keeps_bitmaps))) {
    model->is_whole_chain = false;
    doubt (prediction);
  }
}

/* The tree is as it would be. */
static void
predict_validation (const struct model *model,
                    const struct model_checkpoint *checkpoint,
                    struct op_prediction *prediction)
{
  struct sectors changes;

  for (size_t i = 0; i < model->nr_disks; i++) {
    enum model_answer answer;

    if (!checkpoint->has_bitmap[i]
        || model->disks[i].kind == MODEL_DISK_EMPTY)
      continue;
    answer = model_ask (model, checkpoint, i, &changes);
    if (answer == MODEL_UNKNOWN)
      fail (prediction, ESTALE);
    else if (answer == MODEL_MAYBE)
      doubt (prediction);
  }
}

/* Is each of its bitmaps one that says all by itself? */
static enum model_origin
find_origin (const struct model *model,
             const struct model_checkpoint *checkpoint)
{
  bool any = false;

  if (model->is_whole_chain || model_is_doubtful (model))
    return MODEL_OPEN;
  for (size_t i = 0; i < model->nr_disks; i++) {
    if (!checkpoint->has_bitmap[i])
      continue;
    if (!model_is_valid (&model->disks[i], checkpoint->name))
      return MODEL_OPEN;
    any = true;
  }
  return any ? MODEL_INDEPENDENT : MODEL_OPEN;
}

static void
predict_redefine (struct model *model, const struct op *op,
                  struct op_prediction *prediction)
{
  struct model_checkpoint *checkpoint = model_find (model, op->name);
  bool was_doubtful = model_is_doubtful (model) || model->is_whole_chain;

  CHECK (checkpoint);
  if (op->parent[0]
      && (strcmp (op->parent, op->name) == 0
          || !model_find_existing (model, op->parent)
          || model_is_ancestor (model, op->name, op->parent)))
    fail (prediction, EINVAL);
  if (checkpoint->exists && !(op->flags & PB_CHECKPOINT_CREATE_REPLACE))
    fail (prediction, EEXIST);
  if (prediction->outcome == OP_MUST_FAIL)
    return;

  if ((op->flags & PB_CHECKPOINT_CREATE_CURRENT) || !model->current[0]
      || strcmp (op->parent, model->current) == 0)
    strcpy (model->current, op->name);
  memcpy (checkpoint->has_bitmap, op->has_bitmap, sizeof op->has_bitmap);
  strcpy (checkpoint->parent, op->parent);
  checkpoint->time = op->time;
  if (!checkpoint->exists || checkpoint->origin == MODEL_OPEN)
    checkpoint->origin = find_origin (model, checkpoint);
  checkpoint->exists = true;
  model->is_whole_chain = false;
  if (op->flags & PB_CHECKPOINT_CREATE_REDEFINE_VALIDATE)
    predict_validation (model, checkpoint, prediction);
  if (was_doubtful || model_is_doubtful (model))
    doubt (prediction);
}

static void
predict_backup (struct model *model, const struct op *op,
                struct op_prediction *prediction)
{
  struct model_checkpoint *checkpoint = model_find_existing (model, op->name);
  unsigned bit = 1U << op->backup;

  if (checkpoint == NULL
      || (op->kind == OP_FORGET_BACKUP && !(checkpoint->backups & bit)))
    fail (prediction, ENOENT);
  else if (op->kind == OP_RECORD_BACKUP)
    checkpoint->backups |= bit;
  else
    checkpoint->backups &= ~bit;
}

static void
predict_forget (struct model *model, const struct op *op,
                struct op_prediction *prediction)
{
  for (size_t i = 0; i < model->nr_checkpoints; i++)
    if (model->checkpoints[i].exists
        && !(op->flags & PB_DOMAIN_FORGET_CHECKPOINTS_METADATA)) {
      fail (prediction, EEXIST);
      return;
    }
  for (size_t i = 0; i < model->nr_checkpoints; i++) {
    model->checkpoints[i].exists = false;
    model->checkpoints[i].backups = 0;
  }
  model->current[0] = '\0';
  model->is_whole_chain = false;
}

struct op_prediction
op_predict (struct model *model, const struct op *op)
{
  struct op_prediction prediction = { .outcome = OP_MUST_SUCCEED };

  switch (op->kind) {
  case OP_CREATE:
    predict_create (model, op, &prediction);
    break;
  case OP_DELETE:
    predict_delete (model, op, &prediction);
    break;
  case OP_REDEFINE:
    predict_redefine (model, op, &prediction);
    break;
  case OP_RECORD_BACKUP:
  case OP_FORGET_BACKUP:
    predict_backup (model, op, &prediction);
    break;
  case OP_FORGET_DOMAIN:
    predict_forget (model, op, &prediction);
    break;
  }
  return prediction;
}
