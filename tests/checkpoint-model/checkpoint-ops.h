/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-ops.h: what is done to a domain through the library, and what
 * should come of it.
 */

#ifndef PULLBACK_CHECKPOINT_OPS_H
#define PULLBACK_CHECKPOINT_OPS_H

#include "checkpoint-model.h"
#include "pullback.h"

enum op_kind {
  OP_CREATE,
  OP_DELETE,
  OP_REDEFINE,
  OP_RECORD_BACKUP,
  OP_FORGET_BACKUP,
  OP_FORGET_DOMAIN
};

struct op {
  enum op_kind kind;
  char name[MODEL_NAME];
  char parent[MODEL_NAME];     /* REDEFINE; "": none */
  unsigned flags;              /* the library's */
  bool lists_disks;            /* CREATE; else all that can */
  bool has_bitmap[MODEL_DISKS]; /* CREATE and REDEFINE */
  uint64_t granularity;        /* CREATE */
  uint64_t time;               /* REDEFINE */
  unsigned backup;             /* a bit's number */
};

enum op_outcome {
  OP_MUST_SUCCEED,
  OP_MUST_FAIL,
  OP_MAY_FAIL
};

struct op_prediction {
  enum op_outcome outcome;
  unsigned errnums[8]; /* that a failure may have, up to 0 */
  bool bitmaps_are_open; /* the model cannot tell what is in them after */
};

/* Returns 0, or the errno of the failure. */
int op_run (pb_domain *domain, const struct model *model,
            const struct op *op);

/* Let MODEL be as it should be if OP succeeds. */
struct op_prediction op_predict (struct model *model, const struct op *op);

/* A line for people. */
void op_trace (const struct op *op);

/*** The domain, held against the model. ***/

/* Everything that can be asked.  Learns the times of new checkpoints.  Returns
 * false with the difference in TEXT.
 */
bool domain_compare (pb_domain *domain, struct model *model, char *text,
                     size_t count);

/* Take over the tree that there is. */
void domain_resync (pb_domain *domain, struct model *model);

/* <domaincheckpoint> of it, without <domain>.  SIZES: of each disk, or NULL;
 * UINT64_MAX where it is not known.
 */
void format_checkpoint (const struct model *model,
                        const struct model_checkpoint *checkpoint,
                        const uint64_t *sizes, char *text, size_t count);

#endif /* PULLBACK_CHECKPOINT_OPS_H */
