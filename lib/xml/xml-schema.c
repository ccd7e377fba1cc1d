/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml-schema.c: hold documents against the schemas of the library. */

#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <libxml/relaxng.h>
#include <libxml/xmlerror.h>

#include "error.h"
#include "schemas.h"
#include "xml.h"

/* libxml2 tells the innermost error first, and then what that means for each
 * element around it.
 */
#define REASONS_MAX 2

struct schema {
  const char *name;
  const char *text;
  xmlRelaxNG *parsed; /* NULL until it is needed; then never freed */
};

static struct schema schemas[] = {
  [XML_SCHEMA_DOMAINCHECKPOINT]
  = { "domaincheckpoint.rng", schema_domaincheckpoint, NULL },
  [XML_SCHEMA_JOURNAL] = { "journal.rng", schema_journal, NULL },
  [XML_SCHEMA_BACKUPS] = { "backups.rng", schema_backups, NULL },
};

/* Of schemas[].parsed, and of libxml2's tables of data types, which its first
 * schema fills.
 */
static pthread_mutex_t schemas_lock = PTHREAD_MUTEX_INITIALIZER;

struct reasons {
  int line; /* of the first one */
  unsigned count;
  char text[512];
};

static void
handle_error (void *opaque, xml_error_argument error)
{
  struct reasons *reasons = opaque;
  size_t length = strlen (reasons->text);
  const char *message = error->message ? error->message : "is not valid";

  if (reasons->count == REASONS_MAX)
    return;
  if (reasons->count++ == 0)
    reasons->line = error->line;
  snprintf (reasons->text + length, sizeof reasons->text - length, "%s%.*s",
            length > 0 ? "; " : "", (int) strcspn (message, "\n"), message);
}

static xmlRelaxNG *
parse_schema (const struct schema *schema)
{
  struct reasons reasons = { .count = 0 };
  xmlRelaxNG *parsed = NULL;
  xmlRelaxNGParserCtxt *context
    = xmlRelaxNGNewMemParserCtxt (schema->text, (int) strlen (schema->text));

  if (context) {
    xmlRelaxNGSetParserStructuredErrors (context, handle_error, &reasons);
    parsed = xmlRelaxNGParse (context);
    xmlRelaxNGFreeParserCtxt (context);
  }
  /* The tests validate with each of them, so what is left is short memory. */
  if (parsed == NULL)
    pb_set_error (ENOMEM, "%s: %s", schema->name,
                  reasons.count > 0 ? reasons.text : "cannot be read");
  return parsed;
}

static xmlRelaxNG *
get_schema (struct schema *schema)
{
  LOCK_CURRENT_SCOPE (&schemas_lock);
  if (schema->parsed == NULL)
    schema->parsed = parse_schema (schema);
  return schema->parsed;
}

int
xml_validate (const char *name, xmlDoc *doc, enum xml_schema which)
{
  struct schema *schema = &schemas[which];
  struct reasons reasons = { .count = 0 };
  xmlRelaxNGValidCtxt *context = NULL;
  xmlRelaxNG *parsed;
  int r = -1;

  parsed = get_schema (schema);
  if (parsed == NULL)
    return -1;
  context = xmlRelaxNGNewValidCtxt (parsed);
  if (context) {
    xmlRelaxNGSetValidStructuredErrors (context, handle_error, &reasons);
    r = xmlRelaxNGValidateDoc (context, doc);
    xmlRelaxNGFreeValidCtxt (context);
  }
  if (r == 0)
    return 0;
  if (r < 0) {
    errno = ENOMEM;
    set_error_errno ("%s: %s", name, schema->name);
    return -1;
  }
  pb_set_error (EINVAL,
                "%s: line %d: failed to validate against schema %s: %s", name,
                reasons.line, schema->name, reasons.text);
  return -1;
}
