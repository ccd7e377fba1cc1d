/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* document.h: what a <domaincheckpoint> says, where the library has no call
 * that tells.
 */

#ifndef PULLBACK_CHECKPOINT_DOCUMENT_H
#define PULLBACK_CHECKPOINT_DOCUMENT_H

#include <stdbool.h>

#include <libxml/tree.h>

/* Parse XML, with nothing fetched, no entities expanded and no document type
 * accepted.  Freed by xmlFreeDoc (); NULL with an error set.
 */
xmlDoc *document_parse (const char *xml);

/* The first element called NAME below NODE, or NULL; and the next one. */
const xmlNode *document_child (const xmlNode *node, const char *name);
const xmlNode *document_next (const xmlNode *node, const char *name);

/* The text of the element NAME below the root, or of ELEMENT below that where
 * ELEMENT is not NULL.  Freed by the caller; NULL where there is none.
 */
char *document_text (xmlDoc *document, const char *name, const char *element);

/* The value of an attribute, freed by the caller, or NULL. */
char *document_attribute (const xmlNode *node, const char *name);

/* xpath.c: Is EXPRESSION an XPath?  If not, an error is set. */
int xpath_check (const char *expression);

/* xpath.c: Print on standard output what EXPRESSION selects in XML: nodes, one
 * a line, or with WRAP inside <nodes>, or else a string, number or boolean.
 */
int xpath_print (const char *xml, const char *expression, bool wrap);

#endif /* PULLBACK_CHECKPOINT_DOCUMENT_H */
