/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-parse.c: from <domaincheckpoint> to the model. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "checkpoint-def.h"
#include "checkpoint-fault.h"
#include "checkpoint-marks.h"
#include "error.h"
#include "uuid.h"
#include "xml.h"

/* What is between the tags of NODE's child called NAME, in *TEXT; it stays
 * NULL where there is no such child, or nothing in it.
 */
static int
parse_text (const xmlNode *node, const char *name, char **text)
{
  const xmlNode *child = xml_child (node, name);
  char *content;

  if (child == NULL)
    return 0;
  content = xml_content (child);
  if (content == NULL)
    return -1;
  if (content[0] == '\0')
    free (content);
  else
    *text = content;
  return 0;
}

/* The schema has seen that the name is there. */
static int
parse_name (const xmlNode *node, const char *what, char **name)
{
  if (parse_text (node, "name", name) == -1)
    return -1;
  return *name ? checkpoint_name_check (what, *name) : 0;
}

/* What NODE's sizes are now is for us to say. */
static int
parse_disk (struct checkpoint_def *def, const xmlNode *node)
{
  bool failed = false;
  char *CLEANUP_FREE name = xml_attribute (node, "name", &failed);
  char *CLEANUP_FREE kind = xml_attribute (node, "checkpoint", &failed);
  char *CLEANUP_FREE bitmap = xml_attribute (node, "bitmap", &failed);
  bool is_no = kind && strcmp (kind, "no") == 0;

  if (failed)
    return -1;
  return checkpoint_def_add_disk (
    def, name, is_no ? CHECKPOINT_DISK_NO : CHECKPOINT_DISK_BITMAP, bitmap);
}

static int
parse_disks (struct checkpoint_def *def, const xmlNode *root)
{
  const xmlNode *disks = xml_child (root, "disks");

  if (disks == NULL)
    return 0;
  def->has_disks = true;
  for (const xmlNode *disk = xml_child (disks, "disk"); disk;
       disk = xml_next (disk, "disk"))
    if (parse_disk (def, disk) == -1)
      return -1;
  return 0;
}

static int
parse_creation_time (struct checkpoint_def *def, const xmlNode *root)
{
  char *CLEANUP_FREE text = NULL;

  if (parse_text (root, "creationTime", &text) == -1)
    return -1;
  if (text == NULL) {
    pb_set_error (EINVAL, "missing creationTime from existing checkpoint");
    return -1;
  }
  if (xml_parse_number ("creationTime", text, &def->creation_time) == -1)
    return -1;
  def->has_creation_time = true;
  return 0;
}

/* What a <domain> is made of. */
struct domain_text {
  char *xml;  /* NULL: there is none */
  char *uuid; /* as it is written, or NULL */
};

static void
domain_text_clear (struct domain_text *domain)
{
  free (domain->xml);
  free (domain->uuid);
}

/* Take out what is in <domain>, which may be anything by the schema.  To see
 * that, libxml2 needs time that grows with the square of its size, and worse.
 */
static int
take_domain (xmlNode *root, struct domain_text *domain)
{
  xmlNode *node = (xmlNode *) xml_child (root, "domain");

  if (node == NULL)
    return 0;
  domain->xml = xml_node_text (node);
  if (domain->xml == NULL || parse_text (node, "uuid", &domain->uuid) == -1)
    return -1;
  xmlFreeNodeList (node->children);
  node->children = node->last = NULL;
  xmlFreePropList (node->properties);
  node->properties = NULL;
  return 0;
}

static int
set_domain (struct checkpoint_def *def, struct domain_text *domain)
{
  def->domain = STEAL (domain->xml);
  if (domain->uuid == NULL)
    return 0;
  def->domain_uuid = uuid_normalize (domain->uuid);
  if (def->domain_uuid == NULL) {
    prefix_error ("domain");
    return -1;
  }
  return 0;
}

/* What only a checkpoint that has existed has. */
static int
parse_existing (struct checkpoint_def *def, const xmlNode *root,
                struct domain_text *domain)
{
  const xmlNode *parent = xml_child (root, "parent");

  if (def->name == NULL) {
    pb_set_error (EINVAL, "a redefined checkpoint must have a name");
    return -1;
  }
  if (parse_creation_time (def, root) == -1
      || (parent && parse_name (parent, "parent", &def->parent) == -1)
      || set_domain (def, domain) == -1)
    return -1;
  return 0;
}

static int
parse_root (struct checkpoint_def *def, const xmlDoc *doc, const xmlNode *root,
            struct domain_text *domain, unsigned flags)
{
  if (parse_name (root, "checkpoint", &def->name) == -1
      || parse_text (root, "description", &def->description) == -1)
    return -1;
  if ((flags & CHECKPOINT_PARSE_REDEFINE)
      && parse_existing (def, root, domain) == -1)
    return -1;
  if (parse_disks (def, root) == -1)
    return -1;
  return flags & CHECKPOINT_PARSE_REDEFINE ? checkpoint_marks_parse (def, doc)
                                           : 0;
}

static int
validate (const char *source, xmlDoc *doc, const xmlNode *root)
{
  const xmlNode *disks = xml_child (root, "disks");

  if (disks && xmlChildElementCount ((xmlNode *) disks) > CHECKPOINT_DISKS_MAX) {
    pb_set_error (EINVAL, "%s: more than %d disks", source,
                  CHECKPOINT_DISKS_MAX);
    return -1;
  }
  if (xml_validate (source, doc, XML_SCHEMA_DOMAINCHECKPOINT) == -1) {
    if (pb_get_errno () == EINVAL)
      checkpoint_explain_fault (source, root);
    return -1;
  }
  return 0;
}

int
checkpoint_def_parse (struct checkpoint_def *def, const char *source,
                      const char *xml, size_t count, unsigned flags)
{
  struct checkpoint_def CLEANUP_CHECKPOINT_DEF new = { .name = NULL };
  struct domain_text CLEANUP (domain_text_clear) domain = { .xml = NULL };
  xmlDoc *CLEANUP_XML_DOC doc = xml_parse (source, xml, count);
  const xmlNode *root;

  if (doc == NULL)
    return -1;
  root = xml_root (source, doc, "domaincheckpoint");
  if (root == NULL || take_domain ((xmlNode *) root, &domain) == -1
      || validate (source, doc, root) == -1)
    return -1;
  if (parse_root (&new, doc, root, &domain, flags) == -1) {
    prefix_error ("%s", source);
    return -1;
  }
  *def = new;
  new = (struct checkpoint_def) { .name = NULL };
  return 0;
}
