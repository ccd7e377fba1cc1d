/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xml-write.c: write XML in libvirt's style. */

#include "config.h"

#include "memory-stream.h"
#include "xml.h"

/* On the line of what is around it. */
#define INLINE (-1)

/* A reader makes a space of each line break and tab in an attribute, and a
 * newline of a carriage return anywhere, unless they are references.
 */
static void
write_escaped (FILE *stream, const char *text, bool is_attribute)
{
  for (; *text; text++)
    switch (*text) {
    case '&': fputs ("&amp;", stream); break;
    case '<': fputs ("&lt;", stream); break;
    case '>': fputs ("&gt;", stream); break;
    case '"': fputs ("&quot;", stream); break;
    case '\'': fputs ("&apos;", stream); break;
    case '\r': fputs ("&#13;", stream); break;
    case '\n':
    case '\t':
      if (is_attribute) {
        fprintf (stream, "&#%d;", *text);
        break;
      }
      /* fall through */
    default: putc (*text, stream);
    }
}

void
xml_write_text (FILE *stream, const char *text)
{
  write_escaped (stream, text, false);
}

void
xml_write_attribute (FILE *stream, const char *name, const char *value)
{
  fprintf (stream, " %s='", name);
  write_escaped (stream, value, true);
  putc ('\'', stream);
}

static void
write_name (FILE *stream, const xmlNs *ns, const xmlChar *name)
{
  if (ns && ns->prefix)
    fprintf (stream, "%s:", (const char *) ns->prefix);
  fputs ((const char *) name, stream);
}

static void
write_attribute_node (FILE *stream, const xmlAttr *attribute)
{
  putc (' ', stream);
  write_name (stream, attribute->ns, attribute->name);
  fputs ("='", stream);
  for (const xmlNode *node = attribute->children; node; node = node->next)
    if (node->content)
      write_escaped (stream, (const char *) node->content, true);
  putc ('\'', stream);
}

static void
write_namespace (FILE *stream, const xmlNs *ns)
{
  fputs (" xmlns", stream);
  if (ns->prefix)
    fprintf (stream, ":%s", (const char *) ns->prefix);
  fputs ("='", stream);
  if (ns->href)
    write_escaped (stream, (const char *) ns->href, true);
  putc ('\'', stream);
}

/* Are the children of NODE parted by nothing but white space? */
static bool
has_lines (const xmlNode *node)
{
  bool has_parts = false;

  for (const xmlNode *child = node->children; child; child = child->next) {
    if (child->type == XML_TEXT_NODE && xmlIsBlankNode (child))
      continue;
    if (child->type == XML_TEXT_NODE || child->type == XML_CDATA_SECTION_NODE)
      return false;
    has_parts = true;
  }
  return has_parts;
}

static void
write_indent (FILE *stream, int level)
{
  if (level != INLINE)
    fprintf (stream, "%*s", 2 * level, "");
}

static void write_node (FILE *stream, const xmlNode *node, int level);

/* LEVEL is that of the children. */
static void
write_children (FILE *stream, const xmlNode *node, int level)
{
  for (const xmlNode *child = node->children; child; child = child->next) {
    if (level != INLINE && child->type == XML_TEXT_NODE)
      continue; /* blank: has_lines () */
    write_node (stream, child, level);
  }
}

static void
write_element (FILE *stream, const xmlNode *node, int level)
{
  bool lines = level != INLINE && has_lines (node);

  if (node->children == NULL) {
    fputs ("/>", stream);
    return;
  }
  putc ('>', stream);
  if (lines)
    putc ('\n', stream);
  write_children (stream, node, lines ? level + 1 : INLINE);
  if (lines)
    write_indent (stream, level);
  fputs ("</", stream);
  write_name (stream, node->ns, node->name);
  putc ('>', stream);
}

static void
write_start (FILE *stream, const xmlNode *node)
{
  putc ('<', stream);
  write_name (stream, node->ns, node->name);
  for (const xmlAttr *attribute = node->properties; attribute;
       attribute = attribute->next)
    write_attribute_node (stream, attribute);
}

static void
write_node (FILE *stream, const xmlNode *node, int level)
{
  write_indent (stream, level);
  switch (node->type) {
  case XML_ELEMENT_NODE:
    write_start (stream, node);
    for (const xmlNs *ns = node->nsDef; ns; ns = ns->next)
      write_namespace (stream, ns);
    write_element (stream, node, level);
    break;
  case XML_COMMENT_NODE:
    fprintf (stream, "<!--%s-->", (const char *) node->content);
    break;
  case XML_PI_NODE:
    fprintf (stream, "<?%s", (const char *) node->name);
    if (node->content)
      fprintf (stream, " %s", (const char *) node->content);
    fputs ("?>", stream);
    break;
  default:
    if (node->content)
      xml_write_text (stream, (const char *) node->content);
  }
  if (level != INLINE)
    putc ('\n', stream);
}

/* NODE may use namespaces that were declared above it. */
void
xml_write_node (FILE *stream, const xmlNode *node, unsigned level)
{
  xmlNs **namespaces = xmlGetNsList (node->doc, node);

  write_indent (stream, level);
  write_start (stream, node);
  for (size_t i = 0; namespaces && namespaces[i]; i++)
    write_namespace (stream, namespaces[i]);
  xmlFree (namespaces);
  write_element (stream, node, level);
  putc ('\n', stream);
}

char *
xml_node_text (const xmlNode *node)
{
  struct memory_stream CLEANUP_MEMORY_STREAM out = { 0 };

  if (memory_stream_open (&out, (const char *) node->name) == -1)
    return NULL;
  xml_write_node (out.stream, node, 0);
  return memory_stream_finish (&out, (const char *) node->name);
}
