/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* list-json.c: checkpoints as one JSON object. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"
#include "listing.h"
#include "report.h"

static void
add_text (struct json_object *object, const char *key, xmlDoc *document,
          const char *element)
{
  CLEANUP_FREE char *text = document_text (document, element, NULL);

  report_add_string (object, key, text);
}

static void
add_time (struct json_object *object, xmlDoc *document)
{
  CLEANUP_FREE char *text = document_text (document, "creationTime", NULL);
  struct json_object *time = NULL;

  if (text)
    time = json_object_new_int64 (strtoll (text, NULL, 10));
  json_object_object_add (object, "creation-time", time);
}

static void
add_attribute (struct json_object *object, const xmlNode *node,
               const char *name)
{
  CLEANUP_FREE char *value = document_attribute (node, name);

  report_add_string (object, name, value);
}

static struct json_object *
disks_to_json (xmlDoc *document)
{
  struct json_object *list = json_object_new_array ();
  const xmlNode *node
    = document_child (xmlDocGetRootElement (document), "disks");

  if (node)
    node = document_child (node, "disk");
  for (; node; node = document_next (node, "disk")) {
    struct json_object *disk = json_object_new_object ();

    add_attribute (disk, node, "name");
    add_attribute (disk, node, "checkpoint");
    add_attribute (disk, node, "bitmap");
    json_object_array_add (list, disk);
  }
  return list;
}

static struct json_object *
backups_to_json (pb_checkpoint *checkpoint)
{
  CLEANUP_FREE char **backups = pb_checkpoint_get_backups (checkpoint, 0);
  struct json_object *list;

  if (backups == NULL)
    return NULL;
  list = json_object_new_array ();
  for (size_t i = 0; backups[i]; i++)
    json_object_array_add (list, report_string (backups[i]));
  return list;
}

static struct json_object *
entry_to_json (const struct entry *entry, const char *current)
{
  struct json_object *object;
  struct json_object *backups = backups_to_json (entry->checkpoint);

  if (backups == NULL)
    return NULL;
  object = json_object_new_object ();
  report_add_string (object, "name", entry->name);
  report_add_string (object, "parent", entry->parent_name);
  report_add_string (object, "broken", entry->broken);
  json_object_object_add (
    object, "current",
    json_object_new_boolean (current && strcmp (current, entry->name) == 0));
  add_time (object, entry->document);
  add_text (object, "description", entry->document, "description");
  json_object_object_add (object, "disks", disks_to_json (entry->document));
  json_object_object_add (object, "backups", backups);
  return object;
}

static int
add_findings (struct json_object *report, const pb_findings *findings)
{
  struct json_object *list = json_object_new_array ();

  json_object_object_add (report, "findings", list);
  for (size_t i = 0; i < pb_findings_count (findings); i++) {
    struct pb_finding finding;

    if (pb_findings_get (findings, i, &finding) == -1)
      return -1;
    if (finding_is_about_tree (&finding))
      json_object_array_add (list, finding_to_json (&finding));
  }
  return 0;
}

int
listing_print_json (const struct listing *listing, pb_domain *domain)
{
  CLEANUP_JSON struct json_object *report = NULL;
  CLEANUP_CHECKPOINT pb_checkpoint *current = NULL;
  struct json_object *list;
  const char *name;

  current = pb_domain_get_current_checkpoint (domain, 0);
  if (current == NULL && pb_get_errno () != ENOENT
      && pb_get_errno () != ESTALE) /* that is a finding, too */
    return -1;
  name = current ? pb_checkpoint_get_name (current) : NULL;
  report = report_new ("done", domain);
  report_add_string (report, "current", name);
  list = json_object_new_array ();
  json_object_object_add (report, "checkpoints", list);
  for (size_t i = 0; i < listing->nr_shown; i++) {
    struct json_object *entry
      = entry_to_json (&listing->entries[listing->order[i]], name);

    if (entry == NULL)
      return -1;
    json_object_array_add (list, entry);
  }
  if (add_findings (report, listing->findings) == -1)
    return -1;
  report_print (report);
  return 0;
}
