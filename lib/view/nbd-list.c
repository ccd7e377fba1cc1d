/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-list.c: which disks an NBD server has. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "error.h"
#include "nbd-connect.h"
#include "nbd-export.h"
#include "nbd-handle.h"
#include "nbd-uri.h"
#include "pullback.h"

struct names {
  size_t count, length; /* of all together, with their NULs */
  char **list;
  bool has_failed;
};

static int
add_name (struct names *names, const char *name)
{
  char **list = reallocarray (names->list, names->count + 1, sizeof *list);

  if (list)
    names->list = list;
  if (list == NULL || (list[names->count] = strdup (name)) == NULL) {
    names->has_failed = true;
    return -1;
  }
  names->count++;
  names->length += strlen (name) + 1;
  return 0;
}

static int
on_export (void *opaque, const char *name, const char *description)
{
  return nbd_export_kind (description) == NBD_EXPORT_OTHER
           ? add_name (opaque, name)
           : 0;
}

static void
clear_names (struct names *names)
{
  for (size_t i = 0; i < names->count; i++)
    free (names->list[i]);
  free (names->list);
}

/* The list in one piece: the pointers, a NULL, then what they point to. */
static char **
pack (const struct names *names)
{
  size_t size = (names->count + 1) * sizeof (char *);
  char **list = malloc (size + names->length);
  char *text;

  if (list == NULL)
    return NULL;
  text = (char *) list + size;
  for (size_t i = 0; i < names->count; i++) {
    list[i] = text;
    text = stpcpy (text, names->list[i]) + 1;
  }
  list[names->count] = NULL;
  return list;
}

/* What the server at URI lists. */
static int
ask_server (const char *uri, struct names *names)
{
  const struct nbd_connect_list list = { on_export, names };
  struct nbd_handle *nbd;
  int r;

  if (nbd_uri_check_credentials (uri) == -1)
    return -1;
  nbd = nbd_connect_start (uri, NBD_CONNECT_SECONDS);
  if (nbd == NULL)
    return -1;
  r = nbd_connect_list_exports (nbd, uri, &list);
  /* One that does not list still has a default. */
  if (r == -1 && (pb_get_errno () == ENOTSUP || pb_get_errno () == EPERM))
    r = 0;
  nbd_leave (nbd, monotonic_ns () + NS_PER_S);
  nbd_close (nbd);
  if (r == 0 && names->count == 0)
    add_name (names, "");
  return r;
}

char **
pb_nbd_list_disks (const char *uri)
{
  struct names CLEANUP (clear_names) names = { .count = 0 };
  char *CLEANUP_FREE own = NULL;
  char **list = NULL;

  if (nbd_uri_check (uri) == -1)
    return NULL;
  own = nbd_uri_export (uri);
  if (own && own[0] != '\0')
    add_name (&names, own);
  else if (own && ask_server (uri, &names) == -1)
    return NULL;
  if (own && !names.has_failed)
    list = pack (&names);
  if (list == NULL)
    pb_set_error (ENOMEM, "%s: %s", uri, strerror (ENOMEM));
  return list;
}
