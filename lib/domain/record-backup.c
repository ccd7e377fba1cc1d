/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* record-backup.c: which backups were taken at a checkpoint. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "cleanup.h"
#include "error.h"

int
domain_load_backups (const pb_domain *domain, struct backup_records *records)
{
  char *CLEANUP_FREE text = NULL;
  char *CLEANUP_FREE source = NULL;
  size_t count;

  *records = (struct backup_records){ 0 };
  text = store_read_file (&domain->store, "backups.xml", &count);
  if (text == NULL)
    return pb_get_errno () == ENOENT ? 0 : -1;
  if (asprintf (&source, "%s/backups.xml", domain->store.path) == -1) {
    source = NULL;
    set_error_errno ("%s", domain->store.path);
    return -1;
  }
  return backup_records_parse (records, source, text, count);
}

/* Add BACKUP to what is recorded of the checkpoint, or take it out. */
static int
change_backups (pb_checkpoint *checkpoint, const char *backup, bool add)
{
  pb_domain *domain = checkpoint->domain;
  struct commit CLEANUP_COMMIT commit = { 0 };
  struct backup_records records;
  char *CLEANUP_FREE text = NULL;
  int r;

  LOCK_CURRENT_SCOPE (&domain->lock);
  if (checkpoint_handle_node (checkpoint) == NULL
      || domain_load_backups (domain, &records) == -1)
    return -1;
  r = add ? backup_records_add (&records, checkpoint->name, backup)
          : backup_records_remove (&records, checkpoint->name, backup);
  if (r == 0)
    text = backup_records_format (&records);
  backup_records_clear (&records);

  if (text == NULL
      || change_start (&commit, "recording a backup at checkpoint %s",
                       checkpoint->name)
           == -1
      || commit_add_file (&commit, "backups.xml", text) == -1)
    return -1;
  return domain_commit (domain, &commit);
}

int
pb_checkpoint_record_backup (pb_checkpoint *checkpoint, const char *backup,
                             unsigned flags)
{
  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_not_null (__func__, "backup", backup) == -1
      || check_flags (__func__, flags, 0) == -1
      || domain_check_writable (__func__, checkpoint->domain) == -1)
    return -1;
  return change_backups (checkpoint, backup, true);
}

int
pb_checkpoint_forget_backup (pb_checkpoint *checkpoint, const char *backup,
                             unsigned flags)
{
  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_not_null (__func__, "backup", backup) == -1
      || check_flags (__func__, flags, 0) == -1
      || domain_check_writable (__func__, checkpoint->domain) == -1)
    return -1;
  return change_backups (checkpoint, backup, false);
}

/* One block: the pointers first, then the texts. */
static char **
list_backups (const struct backup_records *records, const char *checkpoint)
{
  size_t nr = 0, size = sizeof (char *), i;
  char **list, *text;

  for (i = 0; i < records->count; i++)
    if (strcmp (records->list[i].checkpoint, checkpoint) == 0)
      size += sizeof (char *) + strlen (records->list[i].backup) + 1, nr++;

  list = malloc (size);
  if (list == NULL) {
    set_error_errno ("checkpoint %s", checkpoint);
    return NULL;
  }
  text = (char *) (list + nr + 1);
  for (i = nr = 0; i < records->count; i++)
    if (strcmp (records->list[i].checkpoint, checkpoint) == 0) {
      list[nr++] = text;
      text = stpcpy (text, records->list[i].backup) + 1;
    }
  list[nr] = NULL;
  return list;
}

char **
pb_checkpoint_get_backups (pb_checkpoint *checkpoint, unsigned flags)
{
  struct backup_records records;
  char **list;

  if (check_not_null (__func__, "checkpoint", checkpoint) == -1
      || check_flags (__func__, flags, 0) == -1)
    return NULL;

  LOCK_CURRENT_SCOPE (&checkpoint->domain->lock);
  if (checkpoint_handle_node (checkpoint) == NULL
      || domain_load_backups (checkpoint->domain, &records) == -1)
    return NULL;
  list = list_backups (&records, checkpoint->name);
  backup_records_clear (&records);
  return list;
}
