/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* visible.c: the exports as one client sees them. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"
#include "nbd-description.h"
#include "nbd-protocol.h"
#include "visible.h"

unsigned
visible_rights (const struct connection *connection,
                const struct export *export)
{
  const struct access *access = policy_access (connection->policy);

  return access
           ? access_rights (access, &connection->identity, export->name)
           : ACCESS_LIST | ACCESS_READ | ACCESS_MAP;
}

bool
visible_in_list (const struct connection *connection,
                 const struct export *export)
{
  return visible_rights (connection, export) & ACCESS_LIST;
}

/* What the empty name means to this client. */
static const struct export *
find_only (const struct connection *connection)
{
  const struct exports *exports = connection->config->exports;
  const struct export *found = NULL;

  for (size_t i = 0; i < exports->count; i++)
    if (visible_rights (connection, &exports->list[i])
        & (ACCESS_READ | ACCESS_MAP)) {
      if (found)
        return NULL;
      found = &exports->list[i];
    }
  return found;
}

const struct export *
visible_find (const struct connection *connection, const char *name,
              uint32_t length)
{
  const struct export *export
    = length == 0
        ? find_only (connection)
        : exports_find (connection->config->exports, name, length);

  if (export == NULL)
    pb_set_error (ENOENT, "there is no export '%.*s'", SHOWN (length), name);
  else if (visible_rights (connection, export) == 0) {
    pb_set_error (EACCES, "no rule lets it see export '%s'", export->name);
    return NULL;
  }
  return export;
}

char *
visible_description (const struct connection *connection,
                     const struct export *export)
{
  size_t room
    = NBD_STRING_MAX - strlen (NBD_DESCRIPTION_DISABLED_MAPS_OTHERS);
  const char *start = NBD_DESCRIPTION_DISABLED_MAPS;
  char *description = NULL;
  size_t size = 0;
  FILE *stream = open_memstream (&description, &size);

  if (stream == NULL)
    goto error;
  /* That there are disabled maps is more important than the end of a name. */
  fprintf (stream, "disk %.*s", (int) (room - strlen ("disk ") - strlen (start)),
           export->name);
  for (size_t i = 0; i < export->nr_contexts; i++) {
    const struct context *context = &export->contexts[i];

    if (!context->is_disabled
        || !visible_context (connection, export, context))
      continue;
    if (fflush (stream) == EOF
        || size + strlen (start) + strlen (context->map) + 3 > room) {
      fprintf (stream, "%s%s", start, NBD_DESCRIPTION_DISABLED_MAPS_OTHERS);
      break;
    }
    fprintf (stream, "%s '%s'", start, context->map);
    start = "";
  }
  if (fclose (stream) == 0)
    return description;

error:
  pb_set_error (ENOMEM, "export '%s': out of memory", export->name);
  free (description);
  return NULL;
}

bool
visible_context (const struct connection *connection,
                 const struct export *export, const struct context *context)
{
  const struct access *access = policy_access (connection->policy);

  return access == NULL || context->kind != CONTEXT_DIRTY
         || access_may_map (access, &connection->identity, export->name,
                            context->map);
}
