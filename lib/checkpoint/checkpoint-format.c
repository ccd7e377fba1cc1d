/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-format.c: from the model to <domaincheckpoint>. */

#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "checkpoint-def.h"
#include "checkpoint-marks.h"
#include "error.h"
#include "memory-stream.h"
#include "xml.h"

/* Nothing of a checkpoint may be in the comment: names may have "--". */
static const char file_comment[]
  = "<!--\n"
    "This file belongs to pullback, which writes it anew: a change made to it\n"
    "here may be lost.  To change the checkpoint use: backup-checkpoint edit\n"
    "-->\n";

static void
write_element (FILE *stream, const char *indent, const char *name,
               const char *text)
{
  fprintf (stream, "%s<%s>", indent, name);
  xml_write_text (stream, text);
  fprintf (stream, "</%s>\n", name);
}

static void
write_disk (FILE *stream, const struct checkpoint_disk *disk)
{
  bool is_no = disk->kind == CHECKPOINT_DISK_NO;

  fputs ("    <disk", stream);
  xml_write_attribute (stream, "name", disk->name);
  xml_write_attribute (stream, "checkpoint", is_no ? "no" : "bitmap");
  if (!is_no && disk->bitmap)
    xml_write_attribute (stream, "bitmap", disk->bitmap);
  if (!is_no && disk->has_size)
    fprintf (stream, " size='%" PRIu64 "'", disk->size);
  fputs ("/>\n", stream);
}

/* libvirt's own <graphics> have one below <devices>; here a password is left
 * out wherever such an element is.
 */
static void
remove_passwords (xmlNode *node)
{
  xmlAttr *next = NULL;

  if (node->type != XML_ELEMENT_NODE)
    return;
  if (strcmp ((const char *) node->name, "graphics") == 0)
    for (xmlAttr *attribute = node->properties; attribute; attribute = next) {
      next = attribute->next;
      if (strcmp ((const char *) attribute->name, "passwd") == 0)
        xmlRemoveProp (attribute);
    }
  for (xmlNode *child = node->children; child; child = child->next)
    remove_passwords (child);
}

static int
write_domain (FILE *stream, const char *domain, bool secure)
{
  xmlDoc *CLEANUP_XML_DOC doc
    = xml_parse_large ("domain", domain, strlen (domain));
  xmlNode *root;

  if (doc == NULL)
    return -1;
  root = xmlDocGetRootElement (doc);
  if (!secure)
    remove_passwords (root);
  xml_write_node (stream, root, 1);
  return 0;
}

static int
write_checkpoint (FILE *stream, const struct checkpoint_def *def,
                  unsigned flags)
{
  fputs ("<domaincheckpoint>\n", stream);
  if (def->name)
    write_element (stream, "  ", "name", def->name);
  if (def->description)
    write_element (stream, "  ", "description", def->description);
  if (def->parent) {
    fputs ("  <parent>\n", stream);
    write_element (stream, "    ", "name", def->parent);
    fputs ("  </parent>\n", stream);
  }
  if (def->has_creation_time)
    fprintf (stream, "  <creationTime>%" PRIu64 "</creationTime>\n",
             def->creation_time);
  if (def->nr_disks > 0) {
    fputs ("  <disks>\n", stream);
    for (size_t i = 0; i < def->nr_disks; i++)
      write_disk (stream, &def->disks[i]);
    fputs ("  </disks>\n", stream);
  }
  if (def->domain && !(flags & CHECKPOINT_FORMAT_NO_DOMAIN)
      && write_domain (stream, def->domain,
                       flags
                         & (CHECKPOINT_FORMAT_SECURE | CHECKPOINT_FORMAT_FILE))
           == -1)
    return -1;
  fputs ("</domaincheckpoint>\n", stream);
  return 0;
}

static char *
format (const char *what, const struct checkpoint_def *def, unsigned flags)
{
  struct memory_stream CLEANUP_MEMORY_STREAM out = { 0 };

  if (memory_stream_open (&out, what) == -1)
    return NULL;
  if (flags & CHECKPOINT_FORMAT_FILE) {
    fputs (file_comment, out.stream);
    if (checkpoint_marks_write (out.stream, def) == -1)
      return NULL;
    putc ('\n', out.stream);
  }
  if (write_checkpoint (out.stream, def, flags) == -1) {
    prefix_error ("%s", what);
    return NULL;
  }
  return memory_stream_finish (&out, what);
}

/* A file that cannot be loaded again would be a checkpoint that is lost. */
static int
check_loads (const char *what, const char *text)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF def = { .name = NULL };

  return checkpoint_def_parse (&def, what, text, strlen (text),
                               CHECKPOINT_PARSE_REDEFINE);
}

char *
checkpoint_def_format (const struct checkpoint_def *def, unsigned flags)
{
  char what[sizeof "checkpoint " + CHECKPOINT_NAME_MAX];
  char *CLEANUP_FREE text = NULL;

  snprintf (what, sizeof what, "checkpoint %s", def->name ? def->name : "");
  text = format (what, def, flags);
  if (text == NULL)
    return NULL;
  if ((flags & CHECKPOINT_FORMAT_FILE) && check_loads (what, text) == -1)
    return NULL;
  return STEAL (text);
}
