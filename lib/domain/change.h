/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* change.h: what changes of checkpoints are made of.  The domain's lock is held
 * throughout.
 */

#ifndef PULLBACK_CHANGE_H
#define PULLBACK_CHANGE_H

#include "backups.h"
#include "domain.h"

/* Start COMMIT; FORMAT says what it does ("creating checkpoint a"). */
int change_start (struct commit *commit, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

/* Write DEF's file; remove that of NAME. */
int change_put_checkpoint (struct commit *commit,
                           const struct checkpoint_def *def);
int change_remove_checkpoint (struct commit *commit, const char *name);

/* NULL: none is current. */
int change_set_current (struct commit *commit, const char *name);

/* Why the folder's file for NAME could not be loaded; NULL if there is none. */
const struct store_problem *change_find_problem (const pb_domain *domain,
                                                 const char *name);

/* EEXIST where the folder has a file for NAME that could not be loaded: it would
 * be overwritten.
 */
int change_check_file (const pb_domain *domain, const char *name);

/* Define again what was a checkpoint already (redefine.c).  FLAGS are of enum
 * pb_checkpoint_create_flags.  DEF may be completed.
 */
pb_checkpoint *checkpoint_redefine (pb_domain *domain,
                                    struct checkpoint_def *def,
                                    unsigned flags);

/* The recorded backups, of a folder that may have none (record-backup.c). */
int domain_load_backups (const pb_domain *domain,
                         struct backup_records *records);

#endif /* PULLBACK_CHANGE_H */
