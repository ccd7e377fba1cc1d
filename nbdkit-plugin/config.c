/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* config.c: the plugin's parameters, and the disks that they name. */

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "plugin.h"

struct disk *disks;
size_t nr_disks;

/* Parameters that are not disks; all are applied when every one is known. */
static const char *file; /* nbdkit keeps the strings of parameters */
static const char *file_format;
static const char *domain, *state;
static bool data_file, allow_writer;

const char config_help[]
  = "[file=]PATH          A disk image to serve as the only disk.\n"
    "format=qcow2|raw     Format of file=PATH (default: qcow2).\n"
    "disk=NAME=[FORMAT:]PATH\n"
    "                     A disk image to serve as NAME; may be repeated.\n"
    "domain=URI           A domain whose disks to serve, with what changed\n"
    "                     since each of its checkpoints.\n"
    "state=DIR            The folder with the domain's checkpoints.\n"
    "data-file=BOOL       Follow external data files (default: false).\n"
    "allow-writer=BOOL    Serve raw images that are being written "
    "(default: false).";

static int
set_bool (const char *key, const char *value, bool *result)
{
  int r = nbdkit_parse_bool (value);

  if (r == -1) {
    nbdkit_error ("the value of %s was not understood", key);
    return -1;
  }
  *result = r;
  return 0;
}

static bool
name_is_taken (const char *name)
{
  for (size_t i = 0; i < nr_disks; i++)
    if (strcmp (disks[i].name, name) == 0)
      return true;
  return false;
}

void
disk_clear (struct disk *disk)
{
  pb_view_free (disk->view);
  free (disk->name);
  free (disk->path);
}

int
disks_append (struct disk *disk)
{
  struct disk *grown = reallocarray (disks, nr_disks + 1, sizeof *disks);

  if (grown == NULL) {
    nbdkit_error ("disk %s: %m", disk->name);
    disk_clear (disk);
    return -1;
  }
  disks = grown;
  disks[nr_disks++] = *disk;
  return 0;
}

/* NAME is the caller's to free. */
static int
add_disk (const char *name, enum pb_format format, const char *path)
{
  struct disk disk = { .format = format };

  if (name_is_taken (name)) {
    nbdkit_error ("disk %s: there are two disks of this name", name);
    return -1;
  }
  disk.name = strdup (name);
  if (disk.name == NULL) {
    nbdkit_error ("disk %s: %m", name);
    return -1;
  }
  disk.path = nbdkit_absolute_path (path);
  if (disk.path == NULL) {
    disk_clear (&disk);
    return -1;
  }
  return disks_append (&disk);
}

static int
add_disk_spec (const char *text)
{
  struct pb_disk_spec spec;
  int r;

  if (pb_disk_spec_parse (text, &spec) == -1) {
    nbdkit_error ("disk=%s", pb_get_error ());
    return -1;
  }
  r = add_disk (spec.name, spec.format, spec.path);
  pb_disk_spec_clear (&spec);
  return r;
}

/* A parameter that can be given once. */
static int
set_once (const char *key, const char *value, const char **result)
{
  if (*result) {
    nbdkit_error ("%s=%s: only one can be given", key, value);
    return -1;
  }
  *result = value;
  return 0;
}

int
config (const char *key, const char *value)
{
  if (strcmp (key, "disk") == 0)
    return add_disk_spec (value);
  if (strcmp (key, "domain") == 0)
    return set_once (key, value, &domain);
  if (strcmp (key, "state") == 0)
    return set_once (key, value, &state);
  if (strcmp (key, "data-file") == 0)
    return set_bool (key, value, &data_file);
  if (strcmp (key, "allow-writer") == 0)
    return set_bool (key, value, &allow_writer);

  if (strcmp (key, "file") == 0) {
    if (file) {
      nbdkit_error ("file=%s: only one file can be given in this way; give "
                    "each disk a name with disk=NAME=PATH",
                    value);
      return -1;
    }
    file = value;
  }
  else if (strcmp (key, "format") == 0)
    file_format = value;
  else {
    nbdkit_error ("unknown parameter '%s'", key);
    return -1;
  }
  return 0;
}

/* The name of the disk file=PATH: that of the file without folder and last
 * extension, with '-' in place of what a disk's name cannot have.
 */
static char *
name_of_file (const char *path)
{
  const char *slash = strrchr (path, '/');
  const char *base = slash ? slash + 1 : path;
  const char *dot = strrchr (base, '.');
  char *name = strndup (base, dot && dot > base ? (size_t) (dot - base)
                                                : strlen (base));

  for (char *p = name; p && *p; p++)
    if (!(*p >= 'a' && *p <= 'z') && !(*p >= 'A' && *p <= 'Z')
        && !(*p >= '0' && *p <= '9') && strchr ("-_.", *p) == NULL)
      *p = '-';
  return name;
}

static int
add_file (void)
{
  enum pb_format format = PB_FORMAT_QCOW2;
  char *name;
  int r;

  if (file[0] == '\0' || file[strlen (file) - 1] == '/') {
    nbdkit_error ("file=%s: is not the name of a file", file);
    return -1;
  }
  if (file_format && pb_format_parse (file_format, &format) == -1) {
    nbdkit_error ("format=%s", pb_get_error ());
    return -1;
  }
  name = name_of_file (file);
  if (name == NULL) {
    nbdkit_error ("file=%s: %m", file);
    return -1;
  }
  r = add_disk (name, format, file);
  free (name);
  return r;
}

static int
check_domain (void)
{
  if (file == NULL && nr_disks == 0 && file_format == NULL)
    return 0;
  nbdkit_error ("domain=%s: cannot be used together with a PATH, disk= or "
                "format=: the domain says what its disks are",
                domain);
  return -1;
}

int
config_complete (void)
{
  if (domain)
    return check_domain ();
  if (state) {
    nbdkit_error ("state=%s is only for domain=URI", state);
    return -1;
  }
  if (file && nr_disks > 0) {
    nbdkit_error ("file=%s: cannot be used together with disk=; give each "
                  "disk a name with disk=NAME=PATH",
                  file);
    return -1;
  }
  if (file)
    return add_file ();
  if (file_format) {
    nbdkit_error ("format=%s is only for file=PATH; the format of a disk is "
                  "given as disk=NAME=FORMAT:PATH",
                  file_format);
    return -1;
  }
  if (nr_disks == 0) {
    nbdkit_error ("nothing to serve: give a PATH, disk=NAME=PATH, or "
                  "domain=URI");
    return -1;
  }
  return 0;
}

int
disks_open (void)
{
  unsigned flags = (data_file ? PB_IMAGE_DATA_FILE : 0)
                   | (allow_writer ? PB_IMAGE_ALLOW_WRITER : 0);

  if (domain)
    return domain_open_disks (domain, state, flags);
  for (size_t i = 0; i < nr_disks; i++) {
    disks[i].view
      = pb_view_open_disk (disks[i].path, disks[i].format, flags);
    if (disks[i].view == NULL) {
      nbdkit_error ("disk %s: %s", disks[i].name, pb_get_error ());
      return -1;
    }
  }
  return 0;
}

void
disks_free (void)
{
  for (size_t i = 0; i < nr_disks; i++)
    disk_clear (&disks[i]);
  free (disks);
  disks = NULL;
  nr_disks = 0;
}
