/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backups.c: which backups were taken at which checkpoints (backups.xml). */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backups.h"
#include "checkpoint-def.h"
#include "cleanup.h"
#include "error.h"
#include "memory-stream.h"
#include "percent.h"
#include "xml.h"

static void
clear_record (struct backup_record *record)
{
  free (record->checkpoint);
  free (record->backup);
}

void
backup_records_clear (struct backup_records *records)
{
  for (size_t i = 0; i < records->count; i++)
    clear_record (&records->list[i]);
  free (records->list);
  *records = (struct backup_records) { 0 };
}

/* The index of the first record that is not before these: they are in the
 * order of strcmp (), of the checkpoints first.
 */
static size_t
lower_bound (const struct backup_records *records, const char *checkpoint,
             const char *backup)
{
  size_t low = 0, high = records->count;

  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const struct backup_record *record = &records->list[middle];
    int difference = strcmp (record->checkpoint, checkpoint);

    if (difference == 0)
      difference = strcmp (record->backup, backup);
    if (difference < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static bool
is_at (const struct backup_records *records, size_t i, const char *checkpoint,
       const char *backup)
{
  return i < records->count
         && strcmp (records->list[i].checkpoint, checkpoint) == 0
         && (backup == NULL || strcmp (records->list[i].backup, backup) == 0);
}

static int
check_backup (const char *backup)
{
  size_t length = strlen (backup);

  if (length == 0 || length > BACKUP_NAME_MAX) {
    pb_set_error (EINVAL, "backup '%s': its name is %s", backup,
                  length == 0 ? "empty" : "too long");
    return -1;
  }
  if (strpbrk (backup, "\n\r")) {
    pb_set_error (EINVAL, "backup '%s': its name is more than one line",
                  backup);
    return -1;
  }
  return 0;
}

int
backup_records_add (struct backup_records *records, const char *checkpoint,
                    const char *backup)
{
  struct backup_record record = { 0 };
  struct backup_record *list;
  size_t i;

  if (check_backup (backup) == -1)
    return -1;
  i = lower_bound (records, checkpoint, backup);
  if (is_at (records, i, checkpoint, backup))
    return 0;

  record.checkpoint = strdup (checkpoint);
  record.backup = strdup (backup);
  list = reallocarray (records->list, records->count + 1, sizeof *list);
  if (list)
    records->list = list;
  if (record.checkpoint == NULL || record.backup == NULL || list == NULL) {
    set_error_errno ("backup '%s'", backup);
    clear_record (&record);
    return -1;
  }
  memmove (list + i + 1, list + i, (records->count - i) * sizeof *list);
  list[i] = record;
  records->count++;
  return 0;
}

/* Take COUNT records out. */
static void
remove_records (struct backup_records *records, size_t i, size_t count)
{
  for (size_t n = 0; n < count; n++)
    clear_record (&records->list[i + n]);
  if (count > 0)
    memmove (records->list + i, records->list + i + count,
             (records->count - i - count) * sizeof *records->list);
  records->count -= count;
}

int
backup_records_remove (struct backup_records *records, const char *checkpoint,
                       const char *backup)
{
  size_t i = lower_bound (records, checkpoint, backup);

  if (!is_at (records, i, checkpoint, backup)) {
    pb_set_error (ENOENT, "backup '%s': is not recorded at checkpoint %s",
                  backup, checkpoint);
    return -1;
  }
  remove_records (records, i, 1);
  return 0;
}

void
backup_records_remove_checkpoint (struct backup_records *records,
                                  const char *checkpoint)
{
  size_t first = lower_bound (records, checkpoint, ""), end = first;

  while (is_at (records, end, checkpoint, NULL))
    end++;
  remove_records (records, first, end - first);
}

bool
backup_records_has_checkpoint (const struct backup_records *records,
                               const char *checkpoint)
{
  return is_at (records, lower_bound (records, checkpoint, ""), checkpoint,
                NULL);
}

char *
backup_records_format (const struct backup_records *records)
{
  struct memory_stream CLEANUP_MEMORY_STREAM out = { 0 };

  if (memory_stream_open (&out, "list of backups") == -1)
    return NULL;
  fputs ("<backups>\n", out.stream);
  for (size_t i = 0; i < records->count; i++) {
    char *CLEANUP_FREE backup = percent_encode (records->list[i].backup);

    if (backup == NULL)
      return NULL;
    fputs ("  <backup", out.stream);
    xml_write_attribute (out.stream, "checkpoint",
                         records->list[i].checkpoint);
    xml_write_attribute (out.stream, "name", backup);
    fputs ("/>\n", out.stream);
  }
  fputs ("</backups>\n", out.stream);
  return memory_stream_finish (&out, "list of backups");
}

static int
parse_record (struct backup_records *records, const xmlNode *node)
{
  bool failed = false;
  char *CLEANUP_FREE checkpoint = xml_attribute (node, "checkpoint", &failed);
  char *CLEANUP_FREE encoded = xml_attribute (node, "name", &failed);
  char *CLEANUP_FREE backup = NULL;

  if (failed || checkpoint == NULL || encoded == NULL) {
    errno = ENOMEM; /* the schema wants both */
    set_error_errno ("backup");
    return -1;
  }
  if (checkpoint_name_check ("checkpoint", checkpoint) == -1)
    return -1;
  backup = percent_decode ("name of a backup", encoded);
  if (backup == NULL)
    return -1;
  return backup_records_add (records, checkpoint, backup);
}

int
backup_records_parse (struct backup_records *records, const char *source,
                      const char *xml, size_t count)
{
  xmlDoc *CLEANUP_XML_DOC doc = xml_parse (source, xml, count);
  const xmlNode *root;

  *records = (struct backup_records) { 0 };
  if (doc == NULL || (root = xml_root (source, doc, "backups")) == NULL
      || xml_validate (source, doc, XML_SCHEMA_BACKUPS) == -1)
    return -1;
  for (const xmlNode *node = xml_child (root, "backup"); node;
       node = xml_next (node, "backup"))
    if (parse_record (records, node) == -1) {
      prefix_error ("%s: line %ld", source, xmlGetLineNo (node));
      backup_records_clear (records);
      return -1;
    }
  return 0;
}
