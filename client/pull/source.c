/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* source.c: the export that is pulled, and where its dirty map is found. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "nbd-connect.h"
#include "nbd-export.h"
#include "nbd-handle.h"
#include "nbd-uri.h"
#include "pullback.h"
#include "source.h"

const char *
map_source_name (enum map_source map_source)
{
  static const char *const names[] = {
    [MAP_SOURCE_NONE] = "none",
    [MAP_SOURCE_CONTEXT] = "context",
    [MAP_SOURCE_EXPORT] = "export",
  };

  return names[map_source];
}

/* Names that the server told of, for an error message. */
struct name_list {
  char text[1024];
  unsigned count;
};

static void
append_name (struct name_list *list, const char *name)
{
  char clean[128];
  size_t length = strlen (list->text);

  printable (name, clean, sizeof clean);
  snprintf (list->text + length, sizeof list->text - length, "%s'%s'",
            list->count++ ? ", " : "", clean);
}

static int
append_export (void *opaque, const char *name, const char *description)
{
  (void) description;
  append_name (opaque, name);
  return 0;
}

static int
append_context (void *opaque, const char *name, const char *description)
{
  size_t length = strlen (NBD_CONTEXT_DIRTY_BITMAP);

  (void) description;
  if (strncmp (name, NBD_CONTEXT_DIRTY_BITMAP, length) == 0)
    append_name (opaque, name + length);
  return 0;
}

/* Extend "no such export" by the exports there are. */
static void
explain_unknown_export (struct nbd_handle *nbd, const char *uri,
                        const char *export_name)
{
  struct name_list exports = { .count = 0 };
  const struct nbd_connect_list list = { append_export, &exports };

  if (pb_get_errno () != ENOENT)
    return;
  nbd_connect_list_exports (nbd, uri, &list); /* what it can list, at best */
  pb_set_error (ENOENT, "%s: the server does not give the export '%s'%s%s",
                uri, export_name, exports.count ? "; it has " : "",
                exports.text);
}

static void
set_no_map_error (struct nbd_handle *nbd, const struct source *source,
                  const char *canonical, const char *bitmap,
                  bool export_exists)
{
  struct name_list maps = { .count = 0 }, exports = { .count = 0 };
  const struct nbd_connect_list map_list = { append_context, &maps };
  const struct nbd_connect_list export_list = { append_export, &exports };

  nbd_clear_meta_contexts (nbd);
  nbd_set_export_name (nbd, source->export_name);
  /* What cannot be listed is left out of the message. */
  if (nbd_add_meta_context (nbd, NBD_CONTEXT_DIRTY_BITMAP) != -1)
    nbd_connect_list_contexts (nbd, source->uri, &map_list);
  nbd_connect_list_exports (nbd, source->uri, &export_list);
  pb_set_error (ENOENT,
                "%s: export '%s' has no usable dirty map '%s': there is "
                "neither a context " NBD_CONTEXT_DIRTY_BITMAP
                "%s nor %s '%s/%s'%s%s%s%s; without it only a full backup "
                "is safe (a bitmap that cannot be trusted is not offered; the "
                "server's messages say why)",
                source->uri, canonical, bitmap, bitmap,
                export_exists ? "a dirty map in the export" : "an export",
                canonical, bitmap,
                maps.count ? "; dirty bitmaps here: " : "", maps.text,
                exports.count ? "; exports here: " : "", exports.text);
}

/* A connection that is negotiating. */
static struct nbd_handle *
connect_to (const char *uri, unsigned seconds)
{
  struct nbd_handle *nbd = nbd_connect_start (uri, seconds);

  /* Reads are checked to cover the whole buffer instead (worker.c). */
  if (nbd && nbd_set_pread_initialize (nbd, false) == -1) {
    set_nbd_error ("%s", uri);
    nbd_close (nbd);
    return NULL;
  }
  return nbd;
}

/* A connection to the map's export, for the map alone. */
static struct nbd_handle *
connect_map (const char *uri, const char *export_name)
{
  struct nbd_handle *nbd = connect_to (uri, NBD_CONNECT_SECONDS);

  if (nbd == NULL)
    return NULL;
  if (nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1) {
    set_nbd_error ("%s", uri);
    goto fail;
  }
  if (nbd_connect_go (nbd, uri, export_name, NBD_CONNECT_SECONDS) == -1)
    goto fail;
  if (nbd_export_kind_of (nbd) != NBD_EXPORT_MAP
      || nbd_can_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) != 1) {
    pb_set_error (ENOTSUP, "%s: export '%s' does not give its map "
                  "(base:allocation)",
                  uri, export_name);
    goto fail;
  }
  return nbd;

 fail:
  nbd_close (nbd);
  return NULL;
}

/* Look for the export CANONICAL/BITMAP, on the connection that is there: a
 * server may take only one at a time.  Returns 1 and connects to it if found,
 * 0 if not, -1 on error.  *EXPORT_EXISTS says whether there is some export of
 * that name.
 */
static int
find_map_export (struct source *source, const char *canonical,
                 const char *bitmap, bool *export_exists)
{
  char *name = NULL;

  *export_exists = false;
  if (asprintf (&name, "%s/%s", canonical, bitmap) == -1) {
    pb_set_error (ENOMEM, "%s: %s", source->uri, strerror (ENOMEM));
    return -1;
  }
  /* A name that is too long for NBD is on no server. */
  *export_exists = nbd_connect_info (source->nbd, source->uri, name) == 0;
  switch (*export_exists ? nbd_export_kind_of (source->nbd)
                         : NBD_EXPORT_OTHER) {
  case NBD_EXPORT_OTHER:
    free (name);
    return 0;
  case NBD_EXPORT_DISABLED_MAP:
    pb_set_error (ESTALE, "%s: the bitmap of export '%s' is disabled: changes "
                  "made since then are not in it; only a full backup is safe",
                  source->uri, name);
    free (name);
    return -1;
  case NBD_EXPORT_MAP:
    break;
  }
  source->map_nbd = connect_map (source->uri, name);
  source->map_name = name;
  source->map_source = MAP_SOURCE_EXPORT;
  return source->map_nbd ? 1 : -1;
}

/* On a connection that is negotiating, and goes on to do so. */
static int
find_map (struct source *source, const char *bitmap)
{
  char *context = NULL, *canonical = NULL;
  char *CLEANUP_FREE description = NULL;
  bool export_exists;
  int result = -1;

  if (asprintf (&context, NBD_CONTEXT_DIRTY_BITMAP "%s", bitmap) == -1) {
    pb_set_error (ENOMEM, "%s: %s", source->uri, strerror (ENOMEM));
    return -1;
  }
  if (nbd_add_meta_context (source->nbd, context) == -1) {
    set_nbd_error ("%s: dirty map '%s'", source->uri, bitmap);
    goto out;
  }
  if (nbd_connect_info (source->nbd, source->uri, source->export_name) == -1) {
    explain_unknown_export (source->nbd, source->uri, source->export_name);
    goto out;
  }
  if (nbd_can_meta_context (source->nbd, context) == 1) {
    description = nbd_get_export_description (source->nbd);
    if (nbd_export_has_disabled (description, bitmap)) {
      pb_set_error (ESTALE, "%s: the bitmap '%s' of export '%s' is disabled: "
                    "changes made since then are not in it; only a full "
                    "backup is safe",
                    source->uri, bitmap, source->export_name);
      goto out;
    }
    source->map_source = MAP_SOURCE_CONTEXT;
    source->map_name = context;
    context = NULL;
    result = 0;
    goto out;
  }
  canonical = nbd_export_canonical_name (source->nbd, source->export_name);
  if (canonical == NULL) {
    pb_set_error (ENOMEM, "%s: %s", source->uri, strerror (ENOMEM));
    goto out;
  }
  switch (find_map_export (source, canonical, bitmap, &export_exists)) {
  case 1:
    result = 0;
    break;
  case 0:
    set_no_map_error (source->nbd, source, canonical, bitmap, export_exists);
    break;
  }

 out:
  free (context);
  free (canonical);
  return result;
}

static int
read_limits (struct source *source)
{
  struct nbd_export_limits limits, map_limits = { .min_block = 1 };

  if (nbd_export_get_limits (source->nbd, source->uri, source->export_name,
                             &limits)
        == -1
      || (source->map_nbd
          && nbd_export_get_limits (source->map_nbd, source->uri,
                                    source->map_name, &map_limits)
               == -1))
    return -1;
  source->size = limits.size;
  source->min_block = limits.min_block;
  source->max_block = limits.max_block;
  source->map_min_block = map_limits.min_block;
  source->multi_conn = nbd_can_multi_conn (source->nbd) == 1;
  source->has_allocation
    = nbd_can_meta_context (source->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == 1;
  return 0;
}

/* A map of another disk, or of this one at another time, is none. */
static int
check_map_size (const struct source *source)
{
  int64_t size;

  if (source->map_nbd == NULL)
    return 0;
  size = nbd_get_size (source->map_nbd);
  if (size < 0 || (uint64_t) size != source->size) {
    pb_set_error (EINVAL, "%s: dirty map '%s' has %" PRIi64
                  " bytes, but its disk, export '%s', has %" PRIu64,
                  source->uri, source->map_name, size, source->export_name,
                  source->size);
    return -1;
  }
  return 0;
}

int
source_open (struct source *source, const char *uri, const char *bitmap)
{
  *source = (struct source) { .uri = uri };
  if (nbd_uri_check_credentials (uri) == -1)
    return -1;
  source->nbd = connect_to (uri, NBD_CONNECT_SECONDS);
  if (source->nbd == NULL)
    return -1;
  source->export_name = nbd_get_export_name (source->nbd);
  if (source->export_name == NULL) {
    set_nbd_error ("%s", uri);
    goto fail;
  }
  if (nbd_add_meta_context (source->nbd, LIBNBD_CONTEXT_BASE_ALLOCATION)
      == -1) {
    set_nbd_error ("%s", uri);
    goto fail;
  }
  if (bitmap && find_map (source, bitmap) == -1)
    goto fail;
  if (nbd_connect_go (source->nbd, uri, source->export_name,
                      NBD_CONNECT_SECONDS)
      == -1) {
    explain_unknown_export (source->nbd, uri, source->export_name);
    goto fail;
  }
  if (source->map_source == MAP_SOURCE_CONTEXT
      && nbd_can_meta_context (source->nbd, source->map_name) != 1) {
    pb_set_error (EIO, "%s: the server took back its context '%s'", uri,
                  source->map_name);
    goto fail;
  }
  if (read_limits (source) == -1 || check_map_size (source) == -1)
    goto fail;
  return 0;

 fail:
  source_close (source);
  return -1;
}

struct nbd_handle *
source_connect (const struct source *source, unsigned seconds)
{
  struct nbd_handle *nbd = connect_to (source->uri, seconds);

  if (nbd == NULL)
    return NULL;
  /* The maps are asked for everywhere, since any connection may map. */
  if (nbd_add_meta_context (nbd, LIBNBD_CONTEXT_BASE_ALLOCATION) == -1
      || (source->map_source == MAP_SOURCE_CONTEXT
          && nbd_add_meta_context (nbd, source->map_name) == -1)) {
    set_nbd_error ("%s", source->uri);
    goto fail;
  }
  if (nbd_connect_go (nbd, source->uri, source->export_name, seconds) == -1)
    goto fail;
  if (nbd_get_size (nbd) != (int64_t) source->size) {
    pb_set_error (ESTALE, "%s: export '%s' had %" PRIu64 " bytes, and now has "
                  "%" PRIi64,
                  source->uri, source->export_name, source->size,
                  nbd_get_size (nbd));
    goto fail;
  }
  return nbd;

 fail:
  nbd_close (nbd);
  return NULL;
}

void
source_disconnect (struct source *source)
{
  nbd_close (source->map_nbd);
  nbd_close (source->nbd);
  source->map_nbd = source->nbd = NULL;
}

void
source_close (struct source *source)
{
  source_disconnect (source);
  free (source->map_name);
  free (source->export_name);
  *source = (struct source) { .uri = source->uri };
}
