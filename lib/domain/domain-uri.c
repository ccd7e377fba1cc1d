/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* domain-uri.c: domains as users name them: disks:... and xml:PATH. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "domain-def.h"
#include "error.h"
#include "file.h"
#include "pullback.h"
#include "xml.h"

/* PATH seen from the current folder.  What it leads to may not exist yet. */
static char *
make_absolute (const char *path)
{
  char *CLEANUP_FREE folder = NULL;
  char *absolute;

  if (path[0] == '/')
    return strdup (path);
  folder = getcwd (NULL, 0);
  if (folder == NULL || asprintf (&absolute, "%s/%s", folder, path) == -1)
    return NULL;
  return absolute;
}

/* A disk of a list, without the commas that were doubled. */
static int
parse_item (struct domain_def *def, const char *item)
{
  struct domain_disk CLEANUP_DOMAIN_DISK disk = { .name = NULL };
  struct pb_disk_spec spec;

  if (pb_disk_spec_parse (item, &spec) == -1)
    return -1;
  disk.name = spec.name;
  disk.source = spec.path;
  disk.format = strdup (spec.format == PB_FORMAT_RAW ? "raw" : "qcow2");
  disk.path = make_absolute (disk.source);
  if (disk.format == NULL || disk.path == NULL) {
    set_error_errno ("disk %s", disk.name);
    return -1;
  }
  return domain_def_add_disk (def, &disk);
}

/* The length of LIST's first item, commas that are doubled and all. */
static size_t
item_length (const char *list)
{
  size_t length = 0;

  for (;;) {
    length += strcspn (list + length, ",");
    if (list[length] == '\0' || list[length + 1] != ',')
      return length;
    length += 2;
  }
}

static char *
copy_item (const char *text, size_t length)
{
  char *item = malloc (length + 1);
  char *p = item;

  if (item == NULL) {
    set_error_errno ("disks");
    return NULL;
  }
  for (size_t i = 0; i < length; i++) {
    *p++ = text[i];
    if (text[i] == ',')
      i++;
  }
  *p = '\0';
  return item;
}

int
domain_def_parse_disks (struct domain_def *def, const char *list)
{
  struct domain_def CLEANUP_DOMAIN_DEF new = { .name = NULL };

  for (size_t place = 1;; place++) {
    size_t length = item_length (list);
    char *CLEANUP_FREE item = copy_item (list, length);

    if (length == 0) {
      pb_set_error (EINVAL, "disk number %zu of the list is empty", place);
      return -1;
    }
    if (item == NULL || parse_item (&new, item) == -1)
      return -1;
    if (list[length] == '\0')
      break;
    list += length + 1;
  }
  *def = new;
  new = (struct domain_def) { .name = NULL };
  return 0;
}

static int
parse_file (struct domain_def *def, const char *path)
{
  struct file file;
  char *CLEANUP_FREE xml = NULL;
  int r = -1;

  if (file_open (&file, path) == -1)
    return -1;
  if (file.size > XML_SIZE_MAX)
    pb_set_error (EINVAL, "%s: is larger than %zu bytes", path, XML_SIZE_MAX);
  else {
    xml = malloc (file.size + 1);
    if (xml == NULL)
      set_error_errno ("%s", path);
    else
      r = file_pread (&file, xml, file.size, 0);
  }
  if (r == 0)
    r = domain_def_parse_xml (def, path, xml, file.size);
  file_close (&file);
  return r;
}

int
domain_def_parse_uri (struct domain_def *def, const char *uri)
{
  if (strncmp (uri, "disks:", 6) == 0) {
    if (domain_def_parse_disks (def, uri + 6) == -1) {
      prefix_error ("disks");
      return -1;
    }
    return 0;
  }
  if (strcmp (uri, "xml:") == 0) {
    pb_set_error (EINVAL, "xml: the path of the domain's XML is missing");
    return -1;
  }
  if (strncmp (uri, "xml:", 4) == 0)
    return parse_file (def, uri + 4);
  pb_set_error (EINVAL,
                "%s: is neither disks:NAME=[FORMAT:]PATH[,...] nor xml:PATH",
                uri);
  return -1;
}
