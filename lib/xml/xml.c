/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml.c: parse XML within limits, and look at what was parsed. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include "error.h"
#include "xml.h"
#include "xml-limits.h"

/* A parser of libxml2, and what was wrong first. */
struct parser {
  xmlParserCtxt *context;
  const char *name;
  bool failed;
};

static pthread_once_t init_once = PTHREAD_ONCE_INIT;

static void
init (void)
{
  xmlInitParser ();
}

static void
fail (struct parser *parser, int line, const char *reason)
{
  if (parser->failed)
    return;
  parser->failed = true;
  pb_set_error (EINVAL, "%s: line %d: %.*s", parser->name, line,
                (int) strcspn (reason, "\n"), reason);
}

/* The parser's userData is its context, as libxml2's own handlers need it. */
static void
handle_error (void *opaque, xml_error_argument error)
{
  xmlParserCtxt *context = opaque;
  struct parser *parser = context->_private;

  if (error->level <= XML_ERR_WARNING)
    return;
  if (error->code == XML_ERR_NO_MEMORY) {
    parser->failed = true;
    errno = ENOMEM;
    set_error_errno ("%s", parser->name);
    return;
  }
  fail (parser, error->line, error->message ? error->message : "is not XML");
}

static void
stop (xmlParserCtxt *context, const char *reason)
{
  struct parser *parser = context->_private;

  fail (parser, xmlSAX2GetLineNumber (context), reason);
  xmlStopParser (context);
}

static void
refuse_doctype (void *opaque, const xmlChar *name, const xmlChar *external_id,
                const xmlChar *system_id)
{
  (void) name;
  (void) external_id;
  (void) system_id;
  stop (opaque, "a document type (<!DOCTYPE>) is not accepted");
}

static void
start_element (void *opaque, const xmlChar *name, const xmlChar *prefix,
               const xmlChar *uri, int nr_namespaces,
               const xmlChar **namespaces, int nr_attributes, int nr_defaulted,
               const xmlChar **attributes)
{
  xmlParserCtxt *context = opaque;

  if (context->nodeNr >= XML_DEPTH_MAX) {
    stop (context, "elements are nested too deeply");
    return;
  }
  xmlSAX2StartElementNs (context, name, prefix, uri, nr_namespaces, namespaces,
                         nr_attributes, nr_defaulted, attributes);
}

static xmlDoc *
parse (const char *name, const char *text, size_t count, size_t size_max)
{
  struct parser parser = { .name = name };
  xmlDoc *doc;
  int line;

  pthread_once (&init_once, init);
  if (count > size_max) {
    pb_set_error (EINVAL, "%s: is larger than %zu bytes", name, size_max);
    return NULL;
  }
  if (memchr (text, '\0', count)) { /* UTF-16 has, which nobody writes */
    fail (&parser, 1, "has a zero byte: it must be in an encoding like UTF-8");
    return NULL;
  }
  if (xml_has_too_many_attributes (text, count, &line)) {
    fail (&parser, line, "an element has too many attributes");
    return NULL;
  }
  parser.context = xmlNewParserCtxt ();
  if (parser.context == NULL) {
    errno = ENOMEM;
    set_error_errno ("%s", name);
    return NULL;
  }
  parser.context->_private = &parser;
  parser.context->sax->serror = handle_error;
  parser.context->sax->internalSubset = refuse_doctype;
  parser.context->sax->startElementNs = start_element;

  doc = xmlCtxtReadMemory (parser.context, text, (int) count, NULL, NULL,
                           XML_PARSE_NONET);
  xmlFreeParserCtxt (parser.context);
  if (doc == NULL && !parser.failed)
    fail (&parser, 1, "is not XML");
  if (parser.failed) {
    xmlFreeDoc (doc);
    return NULL;
  }
  return doc;
}

xmlDoc *
xml_parse (const char *name, const char *text, size_t count)
{
  return parse (name, text, count, XML_SIZE_MAX);
}

xmlDoc *
xml_parse_large (const char *name, const char *text, size_t count)
{
  return parse (name, text, count, XML_LARGE_SIZE_MAX);
}

/* An element that belongs to no namespace, as all that we look at do. */
static bool
is_element (const xmlNode *node, const char *name)
{
  return node->type == XML_ELEMENT_NODE
         && (name == NULL
             || (node->ns == NULL
                 && strcmp ((const char *) node->name, name) == 0));
}

const xmlNode *
xml_root (const char *name, xmlDoc *doc, const char *root)
{
  const xmlNode *node = xmlDocGetRootElement (doc);

  if (!is_element (node, root)) {
    pb_set_error (EINVAL, "%s: expecting root element of '%s', not '%s'", name,
                  root, (const char *) node->name);
    return NULL;
  }
  return node;
}

char *
xml_attribute (const xmlNode *node, const char *name, bool *failed)
{
  xmlAttr *attribute = xmlHasNsProp (node, BAD_CAST name, NULL);
  char *value;

  if (attribute == NULL)
    return NULL;
  value = xml_content ((const xmlNode *) attribute);
  if (value == NULL)
    *failed = true;
  return value;
}

char *
xml_content (const xmlNode *node)
{
  xmlChar *content = xmlNodeGetContent (node);
  char *copy;

  if (content == NULL) {
    errno = ENOMEM;
    set_error_errno ("%s", (const char *) node->name);
    return NULL;
  }
  /* A program may have given libxml2 an allocator of its own. */
  copy = strdup ((const char *) content);
  if (copy == NULL)
    set_error_errno ("%s", (const char *) node->name);
  xmlFree (content);
  return copy;
}

const xmlNode *
xml_child (const xmlNode *node, const char *name)
{
  for (const xmlNode *child = node->children; child; child = child->next)
    if (is_element (child, name))
      return child;
  return NULL;
}

const xmlNode *
xml_next (const xmlNode *node, const char *name)
{
  for (node = node->next; node; node = node->next)
    if (is_element (node, name))
      return node;
  return NULL;
}

int
xml_parse_number (const char *what, const char *text, uint64_t *number)
{
  uint64_t value = 0;

  if (text[0] == '\0' || text[strspn (text, "0123456789")] != '\0') {
    pb_set_error (EINVAL, "%s: '%s' is not a number", what, text);
    return -1;
  }
  for (; *text; text++) {
    unsigned digit = *text - '0';

    if (value > ((uint64_t) INT64_MAX - digit) / 10) {
      pb_set_error (EINVAL, "%s: is more than %" PRId64, what, INT64_MAX);
      return -1;
    }
    value = value * 10 + digit;
  }
  *number = value;
  return 0;
}
