/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backups.h: which backups were taken at which checkpoints (backups.xml). */

#ifndef PULLBACK_BACKUPS_H
#define PULLBACK_BACKUPS_H

#include <stdbool.h>
#include <stddef.h>

struct backup_record {
  char *checkpoint;
  char *backup; /* one line of text, at most BACKUP_NAME_MAX bytes */
};

#define BACKUP_NAME_MAX 4096

struct backup_records {
  size_t count;
  struct backup_record *list;
};

void backup_records_clear (struct backup_records *records);
int backup_records_parse (struct backup_records *records, const char *source,
                          const char *xml, size_t count);
char *backup_records_format (const struct backup_records *records);

/* Recording one twice changes nothing.  EINVAL for a BACKUP that is empty,
 * longer than one line, or too long.
 */
int backup_records_add (struct backup_records *records, const char *checkpoint,
                        const char *backup);

/* ENOENT where it is not recorded. */
int backup_records_remove (struct backup_records *records,
                           const char *checkpoint, const char *backup);

/* All of CHECKPOINT. */
void backup_records_remove_checkpoint (struct backup_records *records,
                                       const char *checkpoint);
bool backup_records_has_checkpoint (const struct backup_records *records,
                                    const char *checkpoint);

#endif /* PULLBACK_BACKUPS_H */
