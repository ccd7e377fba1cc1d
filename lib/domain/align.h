/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* align.h: a checkpoint's list of disks, held against the domain's. */

#ifndef PULLBACK_ALIGN_H
#define PULLBACK_ALIGN_H

#include "checkpoint-def.h"
#include "domain-def.h"

/* Make CHECKPOINT have one entry for each disk of DOMAIN, in its order and by
 * its names, with the bitmap's name where there is one.  Without a list, each
 * disk that is neither empty nor read-only gets a bitmap; with one, only what
 * it lists.  Errors are libvirt's, in its order; all are EINVAL.
 */
int checkpoint_align (struct checkpoint_def *checkpoint,
                      const struct domain_def *domain);

/* What a redefined checkpoint gets where it does not say: the bitmaps' names.
 * Disks that the domain does not have pass.
 */
int checkpoint_default_bitmaps (struct checkpoint_def *checkpoint);

/* For a checkpoint that is created: its bitmaps are called as it is itself, and
 * each disk that gets one is a qcow2 image, which no other such disk has.
 */
int checkpoint_check_bitmaps (const struct checkpoint_def *checkpoint,
                              const struct domain_def *domain);

#endif /* PULLBACK_ALIGN_H */
