/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* findings.c: a list of what is wrong with a domain. */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "findings.h"

static void
free_strings (struct pb_finding *finding)
{
  free ((char *) finding->checkpoint);
  free ((char *) finding->disk);
  free ((char *) finding->path);
  free ((char *) finding->bitmap);
  free ((char *) finding->text);
  free ((char *) finding->repair);
}

void
pb_findings_free (pb_findings *findings)
{
  if (findings == NULL)
    return;
  for (size_t i = 0; i < findings->count; i++)
    free_strings (&findings->list[i]);
  free (findings->list);
  free (findings);
}

static const char *
copy (const char *text, bool *failed)
{
  char *result = text ? strdup (text) : NULL;

  if (text && result == NULL)
    *failed = true;
  return result;
}

int
findings_add (pb_findings *findings, const struct pb_finding *finding,
              const char *repair, const char *format, ...)
{
  struct pb_finding *grown
    = reallocarray (findings->list, findings->count + 1, sizeof *grown);
  struct pb_finding new = { .kind = finding->kind };
  bool failed = false;
  char *text = NULL;
  va_list args;

  va_start (args, format);
  if (vasprintf (&text, format, args) == -1)
    text = NULL;
  va_end (args);
  if (grown)
    findings->list = grown;

  new.text = text;
  new.checkpoint = copy (finding->checkpoint, &failed);
  new.disk = copy (finding->disk, &failed);
  new.path = copy (finding->path, &failed);
  new.bitmap = copy (finding->bitmap, &failed);
  new.repair = copy (repair, &failed);
  if (grown == NULL || text == NULL || failed) {
    free_strings (&new);
    pb_set_error (ENOMEM, "out of memory");
    return -1;
  }
  findings->list[findings->count++] = new;
  return 0;
}

static bool
same (const char *a, const char *b)
{
  return a == b || (a && b && strcmp (a, b) == 0);
}

bool
findings_are_equal (const struct pb_finding *a, const struct pb_finding *b)
{
  return a->kind == b->kind && same (a->checkpoint, b->checkpoint)
         && same (a->disk, b->disk) && same (a->path, b->path)
         && same (a->bitmap, b->bitmap);
}

size_t
pb_findings_count (const pb_findings *findings)
{
  if (check_not_null (__func__, "findings", findings) == -1)
    return 0;
  return findings->count;
}

int
pb_findings_get (const pb_findings *findings, size_t index,
                 struct pb_finding *finding)
{
  if (check_not_null (__func__, "findings", findings) == -1
      || check_not_null (__func__, "finding", finding) == -1)
    return -1;
  if (index >= findings->count) {
    pb_set_error (EINVAL, "there is no finding number %zu, only %zu", index,
                  findings->count);
    return -1;
  }
  *finding = findings->list[index];
  return 0;
}

const char *
pb_finding_kind_name (enum pb_finding_kind kind)
{
  static const char *const names[] = {
    [PB_FINDING_UNFINISHED_COMMIT] = "unfinished-commit",
    [PB_FINDING_UNREADABLE_FILE] = "unreadable-file",
    [PB_FINDING_MISSING_PARENT] = "missing-parent",
    [PB_FINDING_CYCLE] = "cycle",
    [PB_FINDING_CURRENT_UNKNOWN] = "current-unknown",
    [PB_FINDING_FOREIGN_DOMAIN] = "foreign-domain",
    [PB_FINDING_DISK_UNKNOWN] = "disk-unknown",
    [PB_FINDING_DISK_UNREADABLE] = "disk-unreadable",
    [PB_FINDING_BITMAP_MISSING] = "bitmap-missing",
    [PB_FINDING_BITMAP_IN_USE] = "bitmap-in-use",
    [PB_FINDING_BITMAP_DAMAGED] = "bitmap-damaged",
    [PB_FINDING_BITMAP_DISABLED] = "bitmap-disabled",
    [PB_FINDING_BITMAP_GAP] = "bitmap-gap",
    [PB_FINDING_BITMAP_ORPHAN] = "bitmap-orphan",
    [PB_FINDING_BITMAP_GRANULARITY] = "bitmap-granularity",
    [PB_FINDING_IMAGE_REPLACED] = "image-replaced",
  };

  return (size_t) kind < sizeof names / sizeof names[0] ? names[kind]
                                                        : "unknown";
}
