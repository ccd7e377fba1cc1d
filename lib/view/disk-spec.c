/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk-spec.c: disks as users write them: NAME=[FORMAT:]PATH. */

#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "names.h"
#include "pullback.h"

static const struct {
  const char *name;
  enum pb_format format;
} formats[] = {
  { "qcow2", PB_FORMAT_QCOW2 },
  { "raw", PB_FORMAT_RAW },
};

#define NR_FORMATS (sizeof formats / sizeof formats[0])

int
pb_format_parse (const char *name, enum pb_format *format)
{
  for (size_t i = 0; i < NR_FORMATS; i++)
    if (strcmp (name, formats[i].name) == 0) {
      *format = formats[i].format;
      return 0;
    }
  pb_set_error (EINVAL, "%s: unknown format; it is qcow2 or raw", name);
  return -1;
}

/* If TEXT starts with "FORMAT:", take the format and return what follows. */
static const char *
skip_format (const char *text, enum pb_format *format)
{
  for (size_t i = 0; i < NR_FORMATS; i++) {
    size_t length = strlen (formats[i].name);

    if (strncmp (text, formats[i].name, length) == 0 && text[length] == ':') {
      *format = formats[i].format;
      return text + length + 1;
    }
  }
  return text;
}

int
pb_disk_spec_parse (const char *text, struct pb_disk_spec *spec)
{
  size_t length = strspn (text, NAME_CHARACTERS);
  const char *path;

  *spec = (struct pb_disk_spec) { .format = PB_FORMAT_QCOW2 };
  if (length == 0 || text[length] != '=') {
    pb_set_error (EINVAL,
                  "%s: is not NAME=[FORMAT:]PATH with a NAME of letters, "
                  "digits, '-', '_' and '.'",
                  text);
    return -1;
  }
  path = skip_format (text + length + 1, &spec->format);
  if (path[0] == '\0') {
    pb_set_error (EINVAL, "%s: the path of the disk is missing", text);
    return -1;
  }
  spec->name = strndup (text, length);
  spec->path = strdup (path);
  if (spec->name == NULL || spec->path == NULL) {
    set_error_errno ("%s", text);
    pb_disk_spec_clear (spec);
    return -1;
  }
  return 0;
}

void
pb_disk_spec_clear (struct pb_disk_spec *spec)
{
  free (spec->name);
  free (spec->path);
  *spec = (struct pb_disk_spec) { .name = NULL };
}
