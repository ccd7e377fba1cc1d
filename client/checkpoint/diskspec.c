/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* diskspec.c: the XML of a checkpoint that the command line describes. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "diskspec.h"
#include "pullback.h"

/* Take the part up to the next single comma, with double ones made single;
 * *TEXT is moved behind that comma, or is NULL at the end.
 */
static char *
take_part (const char **text)
{
  char *part = malloc (strlen (*text) + 1);
  const char *from = *text;
  size_t length = 0;

  if (part == NULL)
    return NULL;
  for (; *from; from++) {
    if (*from == ',') {
      if (from[1] != ',')
        break;
      from++;
    }
    part[length++] = *from;
  }
  part[length] = '\0';
  *text = *from ? from + 1 : NULL;
  return part;
}

/* PART is KEY=VALUE: store the value, once. */
static bool
take_value (const char *part, const char *key, char **value)
{
  size_t length = strlen (key);

  if (*value || strncmp (part, key, length) != 0)
    return false;
  *value = strdup (part + length);
  return *value != NULL;
}

int
diskspec_parse (const char *text, struct diskspec *spec)
{
  const char *rest = text;

  *spec = (struct diskspec) { .disk = take_part (&rest) };
  while (spec->disk && rest) {
    CLEANUP_FREE char *part = take_part (&rest);

    if (part == NULL || (!take_value (part, "checkpoint=", &spec->checkpoint)
                         && !take_value (part, "bitmap=", &spec->bitmap)))
      goto error;
  }
  if (spec->disk && spec->disk[0])
    return 0;

 error:
  pb_set_error (EINVAL, "unable to parse diskspec: %s", text);
  diskspec_clear (spec);
  return -1;
}

void
diskspec_clear (struct diskspec *spec)
{
  free (spec->disk);
  free (spec->checkpoint);
  free (spec->bitmap);
  *spec = (struct diskspec) { .disk = NULL };
}

/* As libvirt escapes text and attributes. */
static void
print_escaped (FILE *file, const char *text)
{
  for (; *text; text++)
    switch (*text) {
    case '&':
      fputs ("&amp;", file);
      break;
    case '<':
      fputs ("&lt;", file);
      break;
    case '>':
      fputs ("&gt;", file);
      break;
    case '"':
      fputs ("&quot;", file);
      break;
    case '\'':
      fputs ("&apos;", file);
      break;
    default:
      fputc (*text, file);
    }
}

static void
print_element (FILE *file, const char *name, const char *text)
{
  if (text == NULL)
    return;
  fprintf (file, "  <%s>", name);
  print_escaped (file, text);
  fprintf (file, "</%s>\n", name);
}

static void
print_attribute (FILE *file, const char *name, const char *value)
{
  if (value == NULL)
    return;
  fprintf (file, " %s='", name);
  print_escaped (file, value);
  fputc ('\'', file);
}

static int
print_disks (FILE *file, const char *const *diskspecs, size_t nr_diskspecs)
{
  if (nr_diskspecs > 0)
    fputs ("  <disks>\n", file);
  for (size_t i = 0; i < nr_diskspecs; i++) {
    struct diskspec spec;

    if (diskspec_parse (diskspecs[i], &spec) == -1)
      return -1;
    fputs ("    <disk", file);
    print_attribute (file, "name", spec.disk);
    print_attribute (file, "checkpoint", spec.checkpoint);
    print_attribute (file, "bitmap", spec.bitmap);
    fputs ("/>\n", file);
    diskspec_clear (&spec);
  }
  if (nr_diskspecs > 0)
    fputs ("  </disks>\n", file);
  return 0;
}

char *
checkpoint_xml_new (const char *name, const char *description,
                    const char *const *diskspecs, size_t nr_diskspecs)
{
  char *xml = NULL;
  size_t size;
  FILE *file = open_memstream (&xml, &size);
  int result;

  if (file == NULL) {
    pb_set_error (errno, "%s", strerror (errno));
    return NULL;
  }
  fputs ("<domaincheckpoint>\n", file);
  print_element (file, "name", name);
  print_element (file, "description", description);
  result = print_disks (file, diskspecs, nr_diskspecs);
  fputs ("</domaincheckpoint>\n", file);
  if (fclose (file) == EOF && result == 0) {
    pb_set_error (errno, "%s", strerror (errno));
    result = -1;
  }
  if (result == 0)
    return xml;
  free (xml);
  return NULL;
}
