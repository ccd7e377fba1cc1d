/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disks.c: what the command line says is to be served, and opening it. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "disks.h"
#include "log.h"
#include "names.h"
#include "nbd-export.h"
#include "nbd-uri.h"

/* What an export without a name is called here. */
#define NAMELESS "disk"

static bool
is_nbd_uri (const char *text)
{
  static const char *const starts[]
    = { "nbd://",       "nbds://",       "nbd+unix://", "nbds+unix://",
        "nbd+vsock://", "nbds+vsock://", NULL };

  for (size_t i = 0; starts[i]; i++)
    if (strncmp (text, starts[i], strlen (starts[i])) == 0)
      return true;
  return false;
}

int
disk_parse (const char *text, struct disk *disk)
{
  size_t length = strspn (text, NAME_CHARACTERS);
  bool has_name = length > 0 && text[length] == '=';
  const char *uri = has_name ? text + length + 1 : text;

  *disk = (struct disk) { .uri = NULL };
  if (!is_nbd_uri (uri))
    return pb_disk_spec_parse (text, &disk->image);
  if (nbd_uri_check (uri) == -1)
    return -1;
  disk->uri = uri;
  if (has_name) {
    disk->name = strndup (text, length);
    if (disk->name == NULL) {
      pb_set_error (errno, "%s: %s", text, strerror (errno));
      return -1;
    }
  }
  return 0;
}

void
disk_clear (struct disk *disk)
{
  pb_disk_spec_clear (&disk->image);
  free (disk->name);
}

/* Disk number INDEX of the domain.  That a drive is empty, or a disk no file
 * here, does not keep the others from being served, but is told.
 */
static int
open_domain_disk (const struct disk_options *options, pb_domain *domain,
                  size_t index, struct exports *exports)
{
  struct pb_domain_disk disk;
  pb_view *view;

  if (pb_domain_get_disk (domain, index, &disk) == -1)
    return -1;
  view = pb_domain_open_view (domain, disk.name, options->image_flags);
  if (view == NULL && disk.path == NULL) {
    log_line ("%s: %s; it is not served", options->connect, pb_get_error ());
    return 0;
  }
  return view ? exports_add (exports, disk.name, view) : -1;
}

/* Where the library asks for the state folder, here that is an option. */
static void
ask_for_option (void)
{
  static const char word[] = "(state)";
  char *CLEANUP_FREE text = strdup (pb_get_error ());
  char *found = text ? strstr (text, word) : NULL;

  if (found)
    pb_set_error (pb_get_errno (), "%.*s(--state FOLDER)%s",
                  (int) (found - text), text, found + strlen (word));
}

/* All disks of the domain of --connect.  Its checkpoints are maps of the views,
 * which do not need it any more.
 */
static int
open_domain (const struct disk_options *options, struct exports *exports)
{
  pb_domain *domain
    = pb_domain_open (options->connect, options->state, PB_DOMAIN_READ_ONLY);
  int r = domain ? 0 : -1;

  if (domain == NULL)
    ask_for_option ();
  else if (options->state && access (options->state, F_OK) == -1)
    log_line ("--state %s: %s, so there are no checkpoints", options->state,
              strerror (errno));
  for (size_t i = 0; r == 0 && i < pb_domain_nr_disks (domain); i++)
    r = open_domain_disk (options, domain, i, exports);
  pb_domain_free (domain);
  if (r == 0 && exports->count == 0) {
    pb_set_error (EINVAL, "%s: the domain has no disk to serve",
                  options->connect);
    return -1;
  }
  return r;
}

static int
open_image (const struct pb_disk_spec *image, unsigned flags,
            struct exports *exports)
{
  pb_view *view = pb_view_open_disk (image->path, image->format, flags);

  return view ? exports_add (exports, image->name, view) : -1;
}

/* Is what another server calls its export fit to be shown and served? */
static int
check_name (const char *uri, const char *name)
{
  if (nbd_name_is_plain (name))
    return 0;
  pb_set_error (EINVAL, "%s: the server has an export whose name, '%s', has "
                        "control characters; name the exports that are wanted "
                        "one by one",
                uri, name);
  return -1;
}

/* The export EXPORT_NAME (NULL: that of the URI) of the server at URI,
 * as NAME.
 */
static int
open_export (const char *uri, const char *export_name, const char *name,
             struct exports *exports)
{
  pb_view *view = pb_view_open_nbd (uri, export_name);

  return view ? exports_add (exports, name, view) : -1;
}

/* All that the server at URI gives, or the one export that URI names. */
static int
open_server (const char *uri, struct exports *exports)
{
  char **CLEANUP_FREE list = pb_nbd_list_disks (uri);
  int r = list ? 0 : -1;

  for (size_t i = 0; r == 0 && list[i]; i++) {
    r = check_name (uri, list[i]);
    if (r == 0)
      r = open_export (uri, list[i], list[i][0] ? list[i] : NAMELESS,
                       exports);
  }
  return r;
}

int
disks_open (const struct disk_options *options, const struct nbdkit *nbdkit,
            struct exports *exports)
{
  int r = 0;

  if (options->connect)
    return open_domain (options, exports);
  if (options->is_nbdkit)
    return open_server (nbdkit->uri, exports);
  for (size_t i = 0; r == 0 && i < options->count; i++) {
    const struct disk *disk = &options->list[i];

    if (disk->uri == NULL)
      r = open_image (&disk->image, options->image_flags, exports);
    else if (disk->name)
      r = open_export (disk->uri, NULL, disk->name, exports);
    else
      r = open_server (disk->uri, exports);
  }
  return r;
}
