/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml.h: XML from users and from disk, read by libxml2 with its dangers off.
 *
 * Nothing is fetched, no document type is accepted (and so no entity but the
 * five of XML itself), and size and depth are bounded before anything is
 * built in memory.  libxml2's global state stays as a program that uses it as
 * well has set it, and nothing is printed.
 */

#ifndef PULLBACK_XML_H
#define PULLBACK_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <libxml/tree.h>
#include <libxml/xmlerror.h>

#include "cleanup.h"

/* Of a document; libvirt takes as much. */
#define XML_SIZE_MAX  ((size_t) 1 << 20)
#define XML_DEPTH_MAX 128

/* Of a file of our own that may hold several documents. */
#define XML_LARGE_SIZE_MAX ((size_t) 64 << 20)

/* The schemas that are part of the library (and installed beside it for
 * others to use).
 */
enum xml_schema {
  XML_SCHEMA_DOMAINCHECKPOINT,
  XML_SCHEMA_JOURNAL,
  XML_SCHEMA_BACKUPS
};

/* What handlers of libxml2's errors get: const since 2.12. */
#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error_argument;
#else
typedef xmlError *xml_error_argument;
#endif

/* Parse COUNT bytes of TEXT.  NAME says in messages what it is: a file's name,
 * or "checkpoint XML".  Errors are EINVAL, with the line and libxml2's reason.
 */
xmlDoc *xml_parse (const char *name, const char *text, size_t count);

/* The same for XML_LARGE_SIZE_MAX. */
xmlDoc *xml_parse_large (const char *name, const char *text, size_t count);

/* Is DOC valid?  Otherwise EINVAL, with the line, what is wrong there, and
 * the schema's name.
 */
int xml_validate (const char *name, xmlDoc *doc, enum xml_schema schema);

/* The root element of DOC, which must be called ROOT: EINVAL otherwise. */
const xmlNode *xml_root (const char *name, xmlDoc *doc, const char *root);

/* The value of NODE's attribute NAME, freed by the caller, or NULL where there
 * is none; *FAILED (not changed otherwise) is set where memory is short.
 */
char *xml_attribute (const xmlNode *node, const char *name, bool *failed);

/* The text in NODE, freed by the caller; NULL only where memory is short. */
char *xml_content (const xmlNode *node);

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

/* Writing (xml-write.c), in libvirt's style: two spaces for each level, single
 * quotes.
 */

/* TEXT as it is between two tags.  Here and below it must be what XML can have
 * at all: UTF-8 without control characters but tab, newline, carriage return.
 */
void xml_write_text (FILE *stream, const char *text);

/* " NAME='VALUE'" */
void xml_write_attribute (FILE *stream, const char *name, const char *value);

/* NODE and all below it, on lines of their own, indented by LEVEL.  White
 * space between elements is made anew; where there is text it stays.
 */
void xml_write_node (FILE *stream, const xmlNode *node, unsigned level);

/* What xml_write_node () writes, at level 0; freed by the caller.  NULL only
 * where memory is short.
 */
char *xml_node_text (const xmlNode *node);

static inline void
cleanup_xml_doc (xmlDoc **doc)
{
  xmlFreeDoc (*doc);
}

#define CLEANUP_XML_DOC CLEANUP (cleanup_xml_doc)

#endif /* PULLBACK_XML_H */
