/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain-xml.c: the name and the disks of a libvirt <domain>. */

#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "domain-def.h"
#include "error.h"
#include "names.h"
#include "uuid.h"
#include "xml.h"

/* Attribute NAME of NODE, or DEFAULT_VALUE where there is none; NULL only
 * where memory is short.
 */
static char *
attribute_or (const xmlNode *node, const char *name, const char *default_value)
{
  bool failed = false;
  char *value = node ? xml_attribute (node, name, &failed) : NULL;

  if (value || failed)
    return value;
  value = strdup (default_value);
  if (value == NULL)
    set_error_errno ("%s", name);
  return value;
}

/* The name is that of the state folder too. */
static int
check_name (const char *name)
{
  if (name[0] == '\0' || strcmp (name, ".") == 0 || strcmp (name, "..") == 0
      || strchr (name, '/') || strchr (name, '\n')
      || strlen (name) > NAME_MAX) {
    pb_set_error (EINVAL, "name '%s': cannot be the name of a folder", name);
    return -1;
  }
  return 0;
}

static int
parse_name (struct domain_def *def, const xmlNode *domain)
{
  const xmlNode *name = xml_child (domain, "name");

  if (name == NULL) {
    pb_set_error (EINVAL, "missing name of the domain");
    return -1;
  }
  def->name = xml_content (name);
  return def->name ? check_name (def->name) : -1;
}

static int
parse_uuid (struct domain_def *def, const xmlNode *domain)
{
  const xmlNode *uuid = xml_child (domain, "uuid");
  char *CLEANUP_FREE text = NULL;

  if (uuid == NULL)
    return 0;
  text = xml_content (uuid);
  if (text == NULL)
    return -1;
  def->uuid = uuid_normalize (text);
  return def->uuid ? 0 : -1;
}

/* libvirt leaves out what Xen's definitions once had before a name. */
static void
strip_prefix (char *name)
{
  static const char prefix[] = "ioemu:";

  if (strncmp (name, prefix, strlen (prefix)) == 0)
    memmove (name, name + strlen (prefix), strlen (name + strlen (prefix)) + 1);
}

static int
parse_target (struct domain_disk *disk, const xmlNode *node)
{
  const xmlNode *target = xml_child (node, "target");
  bool failed = false;

  if (target)
    disk->name = xml_attribute (target, "dev", &failed);
  if (failed)
    return -1;
  if (disk->name)
    strip_prefix (disk->name);
  if (disk->name == NULL || disk->name[0] == '\0') {
    pb_set_error (EINVAL, "missing target information for %s",
                  disk->source ? disk->source : "a disk");
    return -1;
  }
  if (disk->name[strspn (disk->name, NAME_CHARACTERS)] != '\0') {
    pb_set_error (EINVAL,
                  "target '%s': is not made of letters, digits, '-', '_' and "
                  "'.'",
                  disk->name);
    return -1;
  }
  return 0;
}

/* Both kinds of source that are a path. */
static const struct {
  const char *type;
  const char *attribute;
} path_types[] = {
  { "file", "file" },
  { "block", "dev" },
};

/* A slice's bytes are the guest's disk, and not those of the whole file. */
static int
check_slices (struct domain_disk *disk, const xmlNode *source)
{
  if (source == NULL || xml_child (source, "slices") == NULL)
    return 0;
  disk->unsupported = strdup ("it is a slice of a file, and only whole files "
                              "can be used");
  if (disk->unsupported)
    return 0;
  set_error_errno ("disk");
  return -1;
}

/* The path, or why there is none that we could use. */
static int
parse_source (struct domain_disk *disk, const xmlNode *node)
{
  const xmlNode *source = xml_child (node, "source");
  char *CLEANUP_FREE type = attribute_or (node, "type", "file");
  bool failed = false;

  if (type == NULL)
    return -1;
  for (size_t i = 0; i < sizeof path_types / sizeof path_types[0]; i++)
    if (strcmp (type, path_types[i].type) == 0) {
      if (source)
        disk->source
          = xml_attribute (source, path_types[i].attribute, &failed);
      return failed || check_slices (disk, source) == -1 ? -1 : 0;
    }
  if (asprintf (&disk->unsupported,
                "its type is '%s', and only 'file' and 'block' can be used",
                type)
      == -1) {
    disk->unsupported = NULL;
    set_error_errno ("disk");
    return -1;
  }
  return 0;
}

static int
check_source (struct domain_disk *disk, bool is_removable)
{
  if (disk->unsupported)
    return 0;
  if (disk->source && disk->source[0] == '\0') {
    free (disk->source);
    disk->source = NULL;
  }
  if (disk->source == NULL) {
    if (is_removable)
      return 0;
    pb_set_error (EINVAL, "missing source information for device %s",
                  disk->name);
    return -1;
  }
  if (disk->source[0] != '/') {
    pb_set_error (EINVAL, "disk %s: source '%s' is not an absolute path",
                  disk->name, disk->source);
    return -1;
  }
  disk->path = strdup (disk->source);
  if (disk->path == NULL) {
    set_error_errno ("disk %s", disk->name);
    return -1;
  }
  return 0;
}

static int
parse_disk (struct domain_def *def, const xmlNode *node)
{
  struct domain_disk CLEANUP_DOMAIN_DISK disk = { .name = NULL };
  char *CLEANUP_FREE device = attribute_or (node, "device", "disk");
  bool is_cdrom, is_removable;

  if (device == NULL || parse_source (&disk, node) == -1
      || parse_target (&disk, node) == -1)
    return -1;
  is_cdrom = strcmp (device, "cdrom") == 0;
  is_removable = is_cdrom || strcmp (device, "floppy") == 0;
  if (!is_removable && strcmp (device, "disk") != 0
      && strcmp (device, "lun") != 0) {
    pb_set_error (EINVAL, "disk %s: unknown device '%s'", disk.name, device);
    return -1;
  }
  /* Without a <driver> that says so, libvirt takes no image for anything but
   * raw.
   */
  disk.format = attribute_or (xml_child (node, "driver"), "type", "raw");
  if (disk.format == NULL || check_source (&disk, is_removable) == -1)
    return -1;
  disk.read_only = is_cdrom || xml_child (node, "readonly") != NULL;
  return domain_def_add_disk (def, &disk);
}

static int
parse_devices (struct domain_def *def, const xmlNode *domain)
{
  for (const xmlNode *devices = xml_child (domain, "devices"); devices;
       devices = xml_next (devices, "devices"))
    for (const xmlNode *disk = xml_child (devices, "disk"); disk;
         disk = xml_next (disk, "disk"))
      if (parse_disk (def, disk) == -1)
        return -1;
  return 0;
}

int
domain_def_parse_xml (struct domain_def *def, const char *source,
                      const char *xml, size_t count)
{
  struct domain_def CLEANUP_DOMAIN_DEF new = { .name = NULL };
  xmlDoc *CLEANUP_XML_DOC doc = xml_parse (source, xml, count);
  const xmlNode *domain;

  if (doc == NULL)
    return -1;
  domain = xml_root (source, doc, "domain");
  if (domain == NULL)
    return -1;
  if (parse_name (&new, domain) == -1 || parse_uuid (&new, domain) == -1
      || parse_devices (&new, domain) == -1) {
    prefix_error ("%s", source);
    return -1;
  }
  new.xml = xml_node_text (domain);
  if (new.xml == NULL)
    return -1;
  *def = new;
  new = (struct domain_def) { .name = NULL };
  return 0;
}
