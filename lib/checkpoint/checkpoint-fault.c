/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-fault.c: say what the schema has found wrong with a
 * <domaincheckpoint>.
 */

#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "checkpoint-def.h"
#include "checkpoint-fault.h"
#include "error.h"
#include "names.h"

#define SCHEMA "domaincheckpoint.rng"

/* Is something wrong with NODE?  Then it is said in REASON. */
typedef bool check_function (const xmlNode *node, char *reason, size_t size);

__attribute__ ((__format__ (__printf__, 3, 4))) static bool
say (char *reason, size_t size, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  vsnprintf (reason, size, format, args);
  va_end (args);
  return true;
}

static bool
has_elements (const xmlNode *node)
{
  return xml_child (node, NULL) != NULL;
}

static bool
is_number (const char *text)
{
  return text[0] != '\0' && text[strspn (text, "0123456789")] == '\0';
}

static bool
check_name_of (const char *what, const xmlNode *node, char *reason,
               size_t size)
{
  char *CLEANUP_FREE name = xml_content (node);

  if (has_elements (node))
    return say (reason, size, "<name> holds other elements");
  return name && checkpoint_name_check (what, name) == -1
         && say (reason, size, "%s", pb_get_error ());
}

static bool
check_name (const xmlNode *node, char *reason, size_t size)
{
  return check_name_of ("checkpoint", node, reason, size);
}

static bool
check_parent (const xmlNode *node, char *reason, size_t size)
{
  const xmlNode *name = xml_child (node, "name");

  if (name == NULL)
    return say (reason, size, "<parent> needs a <name>");
  if (xml_next (xml_child (node, NULL), NULL))
    return say (reason, size, "<parent> holds more than a <name>");
  return check_name_of ("parent", name, reason, size);
}

static bool
check_creation_time (const xmlNode *node, char *reason, size_t size)
{
  char *CLEANUP_FREE text = xml_content (node);

  return text && !is_number (text)
         && say (reason, size, "creationTime '%s' is not a number", text);
}

static bool
check_description (const xmlNode *node, char *reason, size_t size)
{
  return has_elements (node)
         && say (reason, size, "<description> holds other elements");
}

static bool
check_attributes (const xmlNode *node, char *reason, size_t size)
{
  static const char *const known[] = { "name", "checkpoint", "bitmap", "size" };

  for (const xmlAttr *attribute = node->properties; attribute;
       attribute = attribute->next) {
    bool is_known = false;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
      if (strcmp ((const char *) attribute->name, known[i]) == 0)
        is_known = true;
    if (!is_known)
      return say (reason, size, "<disk> has no attribute '%s'",
                  (const char *) attribute->name);
  }
  return false;
}

/* A target, as libvirt's and ours are, or a path. */
static bool
is_disk_name (const char *name)
{
  if (name[0] == '/')
    return name[1] != '\0';
  if (strncmp (name, "ioemu:", 6) == 0)
    name += 6;
  return name[0] != '\0' && name[strspn (name, NAME_CHARACTERS)] == '\0';
}

static bool
check_values (const char *name, const char *kind, const char *bitmap,
              const char *bytes, char *reason, size_t size)
{
  bool is_no = kind && strcmp (kind, "no") == 0;

  if (!is_disk_name (name))
    return say (reason, size,
                "disk '%s': is neither a target nor an absolute path", name);
  if (kind && !is_no && strcmp (kind, "bitmap") != 0)
    return say (reason, size,
                "disk '%s': checkpoint is 'bitmap' or 'no', not '%s'", name,
                kind);
  if (is_no && (bitmap || bytes))
    return say (reason, size,
                "disk '%s': checkpoint='no' goes without bitmap and size",
                name);
  if (bitmap && bitmap[0] == '\0')
    return say (reason, size, "disk '%s': bitmap is empty", name);
  if (bytes && !is_number (bytes))
    return say (reason, size, "disk '%s': size '%s' is not a number", name,
                bytes);
  return false;
}

static bool
check_disk (const xmlNode *node, char *reason, size_t size)
{
  bool failed = false;
  char *CLEANUP_FREE name = xml_attribute (node, "name", &failed);
  char *CLEANUP_FREE kind = xml_attribute (node, "checkpoint", &failed);
  char *CLEANUP_FREE bitmap = xml_attribute (node, "bitmap", &failed);
  char *CLEANUP_FREE bytes = xml_attribute (node, "size", &failed);

  if (failed)
    return false;
  if (name == NULL)
    return say (reason, size, "<disk> needs a name");
  if (check_attributes (node, reason, size)
      || check_values (name, kind, bitmap, bytes, reason, size))
    return true;
  return has_elements (node)
         && say (reason, size, "disk '%s': <disk> holds other elements", name);
}

static bool
check_disks (const xmlNode *node, char *reason, size_t size)
{
  return !has_elements (node)
         && say (reason, size, "<disks> needs at least one <disk>");
}

static bool
check_domain (const xmlNode *node, char *reason, size_t size)
{
  (void) node;
  (void) reason;
  (void) size;
  return false;
}

struct rule {
  const char *name;
  check_function *check;
};

static const struct rule root_rules[] = {
  { "name", check_name },
  { "description", check_description },
  { "parent", check_parent },
  { "creationTime", check_creation_time },
  { "disks", check_disks },
  { "domain", check_domain },
  { NULL, NULL },
};

static const struct rule disks_rules[] = {
  { "disk", check_disk },
  { NULL, NULL },
};

static bool
check_child (const xmlNode *node, const struct rule *rules, char *reason,
             size_t size)
{
  const char *name = (const char *) node->name;

  for (; rules->name; rules++)
    if (node->ns == NULL && strcmp (name, rules->name) == 0)
      break;
  if (rules->name == NULL)
    return say (reason, size, "unknown element <%s>", name);
  if (rules->check != check_disk && xml_next (node, name))
    return say (reason, size, "more than one <%s>", name);
  if (rules->check != check_disk && rules->check != check_domain
      && node->properties)
    return say (reason, size, "<%s> has no attribute '%s'", name,
                (const char *) node->properties->name);
  return rules->check (node, reason, size);
}

static bool
is_stray_text (const xmlNode *node)
{
  return node->type == XML_CDATA_SECTION_NODE
         || (node->type == XML_TEXT_NODE && !xmlIsBlankNode (node));
}

/* NODE, or the child of it, that is wrong, and in REASON the words for it; or
 * NULL.
 */
static const xmlNode *
find_fault (const xmlNode *node, const struct rule *rules, char *reason,
            size_t size)
{
  if (node->properties) {
    say (reason, size, "<%s> has no attribute '%s'",
         (const char *) node->name,
         (const char *) node->properties->name);
    return node;
  }
  for (const xmlNode *child = node->children; child; child = child->next)
    if (is_stray_text (child)) {
      say (reason, size, "text in <%s>", (const char *) node->name);
      return child;
    }
  for (const xmlNode *child = xml_child (node, NULL); child;
       child = xml_next (child, NULL))
    if (check_child (child, rules, reason, size))
      return child;
  return NULL;
}

void
checkpoint_explain_fault (const char *source, const xmlNode *root)
{
  char reason[512];
  const xmlNode *disks = xml_child (root, "disks");
  const xmlNode *fault
    = find_fault (root, root_rules, reason, sizeof reason);

  if (fault == NULL && disks)
    fault = find_fault (disks, disks_rules, reason, sizeof reason);
  if (fault)
    pb_set_error (EINVAL,
                  "%s: line %ld: failed to validate against schema %s: %s",
                  source, xmlGetLineNo (fault), SCHEMA, reason);
}
