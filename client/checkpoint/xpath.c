/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xpath.c: parts of a checkpoint's XML, as XPath selects them. */

#include "config.h"

#include <errno.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "document.h"
#include "pullback.h"

static void
cleanup_context (xmlXPathContext **context)
{
  xmlXPathFreeContext (*context);
}

static void
cleanup_object (xmlXPathObject **object)
{
  xmlXPathFreeObject (*object);
}

static void
cleanup_buffer (xmlBuffer **buffer)
{
  xmlBufferFree (*buffer);
}

/* libxml2 2.9 gives no text here; INT1 is where the expression is wrong. */
static void
record_error (void *opaque, xmlError *error)
{
  const char *expression = opaque;

  switch (error->code) {
  case XML_XPATH_UNKNOWN_FUNC_ERROR:
    pb_set_error (EINVAL, "XPath '%s': Unknown function", expression);
    break;
  case XML_XPATH_UNDEF_VARIABLE_ERROR:
    pb_set_error (EINVAL, "XPath '%s': Undefined variable", expression);
    break;
  case XML_XPATH_UNDEF_PREFIX_ERROR:
    pb_set_error (EINVAL, "XPath '%s': Undefined namespace prefix",
                  expression);
    break;
  default:
    pb_set_error (EINVAL, "XPath '%s': Invalid expression, at character %d",
                  expression, error->int1 + 1);
  }
}

static void ignore_message (void *opaque, const char *format, ...)
  __attribute__ ((__format__ (__printf__, 2, 3)));

/* Some errors it also prints, by itself. */
static void
ignore_message (void *opaque, const char *format, ...)
{
  (void) opaque;
  (void) format;
}

static xmlXPathContext *
new_context (xmlDoc *document, const char *expression)
{
  xmlXPathContext *context = xmlXPathNewContext (document);

  xmlSetGenericErrorFunc (NULL, ignore_message);

  /* For an error that libxml2 does not report. */
  pb_set_error (EINVAL, "XPath '%s': cannot be evaluated", expression);
  if (context) {
    context->error = record_error;
    context->userData = (void *) expression;
  }
  return context;
}

int
xpath_check (const char *expression)
{
  CLEANUP (cleanup_context)
  xmlXPathContext *context = new_context (NULL, expression);
  xmlXPathCompExpr *compiled = NULL;

  if (context)
    compiled = xmlXPathCtxtCompile (context, (const xmlChar *) expression);
  xmlXPathFreeCompExpr (compiled);
  return compiled ? 0 : -1;
}

/* Attributes would become those of <nodes>, where one replaces another. */
static bool
has_others (const xmlNodeSet *nodes)
{
  for (int i = 0; nodes && i < nodes->nodeNr; i++)
    if (nodes->nodeTab[i]->type != XML_ELEMENT_NODE
        && nodes->nodeTab[i]->type != XML_TEXT_NODE)
      return true;
  return false;
}

/* Nodes of a document of their own, with its line breaks and indentation. */
static int
print_wrapped (const xmlNodeSet *nodes)
{
  CLEANUP_DOCUMENT xmlDoc *wrapper = xmlNewDoc ((const xmlChar *) "1.0");
  CLEANUP (cleanup_buffer) xmlBuffer *buffer = xmlBufferCreate ();
  xmlNode *root = xmlNewNode (NULL, (const xmlChar *) "nodes");

  if (wrapper == NULL || buffer == NULL || root == NULL) {
    xmlFreeNode (root);
    goto no_memory;
  }
  xmlDocSetRootElement (wrapper, root);
  for (int i = 0; nodes && i < nodes->nodeNr; i++) {
    xmlNode *copy = xmlDocCopyNode (nodes->nodeTab[i], wrapper, 1);

    if (copy == NULL || xmlAddChild (root, copy) == NULL) {
      xmlFreeNode (copy);
      goto no_memory;
    }
  }
  if (xmlNodeDump (buffer, wrapper, root, 0, 1) == -1)
    goto no_memory;
  puts ((const char *) xmlBufferContent (buffer));
  return 0;

 no_memory:
  pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
  return -1;
}

static int
print_nodes (xmlDoc *document, const xmlNodeSet *nodes)
{
  for (int i = 0; nodes && i < nodes->nodeNr; i++) {
    CLEANUP (cleanup_buffer) xmlBuffer *buffer = xmlBufferCreate ();

    if (buffer == NULL
        || xmlNodeDump (buffer, document, nodes->nodeTab[i], 0, 1) == -1) {
      pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
      return -1;
    }
    puts ((const char *) xmlBufferContent (buffer));
  }
  return 0;
}

static int
print_value (xmlXPathObject *object)
{
  CLEANUP_FREE char *text = (char *) xmlXPathCastToString (object);

  if (text == NULL) {
    pb_set_error (ENOMEM, "%s", strerror (ENOMEM));
    return -1;
  }
  puts (text);
  return 0;
}

int
xpath_print (const char *xml, const char *expression, bool wrap)
{
  CLEANUP_DOCUMENT xmlDoc *document = document_parse (xml);
  CLEANUP (cleanup_context) xmlXPathContext *context = NULL;
  CLEANUP (cleanup_object) xmlXPathObject *object = NULL;

  if (document == NULL)
    return -1;
  context = new_context (document, expression);
  if (context)
    object = xmlXPathEvalExpression ((const xmlChar *) expression, context);
  if (object == NULL)
    return -1;
  if (wrap
      && (object->type != XPATH_NODESET
          || has_others (object->nodesetval))) {
    pb_set_error (EINVAL, "XPath '%s': selects more than elements, and cannot "
                  "be wrapped", expression);
    return -1;
  }
  if (object->type != XPATH_NODESET)
    return print_value (object);
  return wrap ? print_wrapped (object->nodesetval)
              : print_nodes (document, object->nodesetval);
}
