/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* visible.c: the exports as one client sees them. */

#include "config.h"

#include <errno.h>

#include "handshake.h"
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

bool
visible_context (const struct connection *connection,
                 const struct export *export, const struct context *context)
{
  const struct access *access = policy_access (connection->policy);

  return access == NULL || context->kind != CONTEXT_DIRTY
         || access_may_map (access, &connection->identity, export->name,
                            context->map);
}
