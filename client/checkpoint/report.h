/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* report.h: reports as JSON, and what is wrong with a domain in them. */

#ifndef PULLBACK_CHECKPOINT_REPORT_H
#define PULLBACK_CHECKPOINT_REPORT_H

#include <stdbool.h>

#include <json-c/json.h>

#include "pullback.h"

/* Is it about the checkpoints themselves, and not about a disk? */
bool finding_is_about_tree (const struct pb_finding *finding);

/* Is nothing lost or in the way, so that it is only to be known? */
bool finding_is_note (const struct pb_finding *finding);

/* Has it no path, or names its text it?  The reason of an error does. */
bool finding_names_path (const struct pb_finding *finding);

/* The keys that each finding has in a report. */
struct json_object *finding_to_json (const struct pb_finding *finding);

/* What every report starts with: status, domain, uri, state. */
struct json_object *report_new (const char *status, const pb_domain *domain);

/* A report that has nothing but the library's last error. */
void report_print_failure (void);

/* A string.  Names of files may have any bytes, and JSON is UTF-8: where TEXT
 * is not, all of it that is not ASCII is shown as '?'.
 */
struct json_object *report_string (const char *text);

/* Add a string, or null. */
void report_add_string (struct json_object *object, const char *key,
                        const char *value);

/* Print a report on standard output. */
void report_print (struct json_object *report);

#endif /* PULLBACK_CHECKPOINT_REPORT_H */
