/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* document.c: what a <domaincheckpoint> says, where the library has no call
 * that tells.
 */

#include "config.h"

#include <errno.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "document.h"
#include "pullback.h"

/* One line of what libxml2 has to say. */
static void
set_parse_error (const xmlError *error)
{
  const char *message = error && error->message ? error->message : "unknown";

  pb_set_error (EINVAL, "checkpoint XML: line %d: %.*s",
                error ? error->line : 0, (int) strcspn (message, "\n"),
                message);
}

xmlDoc *
document_parse (const char *xml)
{
  xmlParserCtxt *context = xmlNewParserCtxt ();
  xmlDoc *document;

  if (context == NULL) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return NULL;
  }
  document = xmlCtxtReadDoc (context, (const xmlChar *) xml, NULL, NULL,
                             XML_PARSE_NONET | XML_PARSE_NOBLANKS
                               | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
  if (document == NULL)
    set_parse_error (xmlCtxtGetLastError (context));
  else if (document->intSubset) {
    pb_set_error (EINVAL, "checkpoint XML: a document type is not accepted");
    xmlFreeDoc (document);
    document = NULL;
  }
  xmlFreeParserCtxt (context);
  return document;
}

static const xmlNode *
find_element (const xmlNode *node, const char *name)
{
  while (node && (node->type != XML_ELEMENT_NODE
                  || strcmp ((const char *) node->name, name) != 0))
    node = node->next;
  return node;
}

const xmlNode *
document_child (const xmlNode *node, const char *name)
{
  return find_element (node->children, name);
}

const xmlNode *
document_next (const xmlNode *node, const char *name)
{
  return find_element (node->next, name);
}

char *
document_text (xmlDoc *document, const char *name, const char *element)
{
  const xmlNode *node = xmlDocGetRootElement (document);

  if (node)
    node = document_child (node, name);
  if (node && element)
    node = document_child (node, element);
  return node ? (char *) xmlNodeGetContent (node) : NULL;
}

char *
document_attribute (const xmlNode *node, const char *name)
{
  return (char *) xmlGetNoNsProp (node, (const xmlChar *) name);
}
