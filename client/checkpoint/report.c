/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.c: reports as JSON, and what is wrong with a domain in them. */

#include "config.h"

#include <libxml/xmlstring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "report.h"

bool
finding_is_about_tree (const struct pb_finding *finding)
{
  switch (finding->kind) {
  case PB_FINDING_UNFINISHED_COMMIT:
  case PB_FINDING_UNREADABLE_FILE:
  case PB_FINDING_MISSING_PARENT:
  case PB_FINDING_CYCLE:
  case PB_FINDING_CURRENT_UNKNOWN:
  case PB_FINDING_FOREIGN_DOMAIN:
    return true;
  default:
    return false;
  }
}

bool
finding_is_note (const struct pb_finding *finding)
{
  return finding->kind == PB_FINDING_BITMAP_GRANULARITY;
}

bool
finding_names_path (const struct pb_finding *finding)
{
  return finding->path == NULL || strstr (finding->text, finding->path);
}

struct json_object *
report_string (const char *text)
{
  struct json_object *string;
  char *ascii;

  if (xmlCheckUTF8 ((const unsigned char *) text))
    return json_object_new_string (text);
  ascii = strdup (text);
  if (ascii == NULL)
    return NULL;
  for (char *c = ascii; *c; c++)
    if (*c & 0x80)
      *c = '?';
  string = json_object_new_string (ascii);
  free (ascii);
  return string;
}

void
report_add_string (struct json_object *object, const char *key,
                   const char *value)
{
  json_object_object_add (object, key, value ? report_string (value) : NULL);
}

struct json_object *
finding_to_json (const struct pb_finding *finding)
{
  struct json_object *object = json_object_new_object ();

  report_add_string (object, "kind", pb_finding_kind_name (finding->kind));
  report_add_string (object, "checkpoint", finding->checkpoint);
  report_add_string (object, "disk", finding->disk);
  report_add_string (object, "path", finding->path);
  report_add_string (object, "bitmap", finding->bitmap);
  report_add_string (object, "text", finding->text);
  report_add_string (object, "repair", finding->repair);
  return object;
}

struct json_object *
report_new (const char *status, const pb_domain *domain)
{
  struct json_object *object = json_object_new_object ();

  report_add_string (object, "status", status);
  report_add_string (object, "domain", pb_domain_get_name (domain));
  report_add_string (object, "uri", pb_domain_get_uri (domain));
  report_add_string (object, "state", pb_domain_get_state (domain));
  return object;
}

void
report_print (struct json_object *report)
{
  puts (json_object_to_json_string_ext (report,
                                        JSON_C_TO_STRING_PRETTY
                                          | JSON_C_TO_STRING_SPACED
                                          | JSON_C_TO_STRING_NOSLASHESCAPE));
}

void
report_print_failure (void)
{
  CLEANUP_JSON struct json_object *report = json_object_new_object ();

  report_add_string (report, "status", "failed");
  report_add_string (report, "error", pb_get_error ());
  report_print (report);
}
