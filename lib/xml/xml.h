/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml.h: XML from users and from disk, read by libxml2 with its dangers off.
 *
 * Nothing is fetched, no document type is accepted (and so no entity but the
 * five of XML itself), and size and depth are bounded before anything is
 * built in memory.
 */

#ifndef PULLBACK_XML_H
#define PULLBACK_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/tree.h>

#include "cleanup.h"

/* Of a document; libvirt takes as much. */
#define XML_SIZE_MAX  ((size_t) 1 << 20)
#define XML_DEPTH_MAX 128

/* The schemas that are part of the library (and installed beside it for
 * others to use).
 */
enum xml_schema {
  XML_SCHEMA_DOMAINCHECKPOINT,
  XML_SCHEMA_JOURNAL,
  XML_SCHEMA_BACKUPS
};

/* Parse COUNT bytes of TEXT.  NAME says in messages what it is: a file's name,
 * or "checkpoint XML".  Errors are EINVAL, with the line and libxml2's reason.
 */
xmlDoc *xml_parse (const char *name, const char *text, size_t count);

/* Is DOC valid?  Otherwise EINVAL, with the line, what is wrong there, and
 * the schema's name.
 */
int xml_validate (const char *name, xmlDoc *doc, enum xml_schema schema);

/* The text of NODE and all below it; freed by the caller.  NULL only where
 * memory is short.
 */
char *xml_node_text (const xmlNode *node);

/* The value of NODE's attribute NAME, freed by the caller, or NULL where there
 * is none; *FAILED (not changed otherwise) is set where memory is short.
 */
char *xml_attribute (const xmlNode *node, const char *name, bool *failed);

/* The first child element of NODE called NAME, or NULL. */
const xmlNode *xml_child (const xmlNode *node, const char *name);

/* The next element after NODE among its siblings, called NAME where NAME is
 * not NULL.
 */
const xmlNode *xml_next (const xmlNode *node, const char *name);

/* A count of bytes or seconds: decimal digits alone, without sign or blanks,
 * at most INT64_MAX.  Sets an error that names WHAT.
 */
int xml_parse_number (const char *what, const char *text, uint64_t *number);

static inline void
cleanup_xml_doc (xmlDoc **doc)
{
  xmlFreeDoc (*doc);
}

#define CLEANUP_XML_DOC CLEANUP (cleanup_xml_doc)

#endif /* PULLBACK_XML_H */
