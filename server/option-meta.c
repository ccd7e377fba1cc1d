/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option-meta.c: the options about metadata contexts: LIST_META_CONTEXT and
 * SET_META_CONTEXT.
 */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "cleanup.h"
#include "handshake.h"
#include "nbd-protocol.h"
#include "visible.h"

/* How much of the names of hidden contexts is told in one line. */
#define HIDDEN_NAMES_MAX 1024

/* What both options have in their data.  All but the list points into that. */
struct query {
  const char *text;
  uint32_t length;
};

struct queries {
  const char *export_name;
  uint32_t export_name_length;
  uint32_t count;
  struct query *list;
};

static void
cleanup_queries (struct queries *queries)
{
  free (queries->list);
}

/* Returns 0, or the error of the protocol. */
static uint32_t
parse_queries (const struct option *option, struct queries *queries)
{
  struct option_data data = { option->data, option->length };
  uint32_t nr;

  if (!option_take_name (&data, &queries->export_name,
                         &queries->export_name_length)
      || queries->export_name_length > NBD_STRING_MAX
      || !option_take_u32 (&data, &nr))
    return NBD_REP_ERR_INVALID;
  if (nr > CONTEXT_QUERIES_MAX)
    return NBD_REP_ERR_TOO_BIG;
  queries->list = calloc (nr + 1, sizeof queries->list[0]);
  if (queries->list == NULL)
    return NBD_REP_ERR_TOO_BIG;
  for (; queries->count < nr; queries->count++) {
    struct query *query = &queries->list[queries->count];

    if (!option_take_name (&data, &query->text, &query->length)
        || query->length > NBD_STRING_MAX)
      return NBD_REP_ERR_INVALID;
  }
  return data.count == 0 ? 0 : NBD_REP_ERR_INVALID;
}

/* Is TEXT, of LENGTH bytes, one of the queries? */
static bool
has_query (const struct queries *queries, const char *text, size_t length)
{
  for (uint32_t i = 0; i < queries->count; i++)
    if (queries->list[i].length == length
        && memcmp (queries->list[i].text, text, length) == 0)
      return true;
  return false;
}

/* Is the context meant by a query to list?  Those can stop after a colon:
 * "base:", "qemu:", "qemu:dirty-bitmap:".  No query at all means every one.
 */
static bool
is_listed (const struct queries *queries, const struct context *context)
{
  size_t length = strlen (context->name);
  size_t prefix = length - strlen (context->map);

  if (queries->count == 0 || has_query (queries, context->name, length))
    return true;
  if (context->kind == CONTEXT_DIRTY
      && has_query (queries, context->name, prefix))
    return true;
  return has_query (queries, context->name,
                    strcspn (context->name, ":") + 1);
}

static int
reply_context (struct connection *connection, const struct option *option,
               const struct context *context, uint32_t id)
{
  size_t length = strlen (context->name);
  unsigned char *CLEANUP_FREE data = malloc (4 + length);

  if (data == NULL) {
    pb_set_error (errno, "metadata context %s: %s", context->name,
                  strerror (errno));
    return -1;
  }
  store_be32 (data, id);
  memcpy (data + 4, context->name, length);
  return option_reply (connection, option, NBD_REP_META_CONTEXT, data,
                       4 + length);
}

static enum option_result
refuse_export (struct connection *connection, const struct option *option,
               const struct queries *queries)
{
  return option_refuse_export (connection, option, queries->export_name,
                               queries->export_name_length);
}

/* Log which contexts were asked for by their full names, and are hidden from
 * the client.  It is told nothing of them.
 */
static void
log_hidden (struct connection *connection, const struct export *export,
            const struct queries *queries)
{
  char names[HIDDEN_NAMES_MAX] = "";
  size_t length = 0;

  for (size_t i = 0; i < export->nr_contexts; i++) {
    const char *name = export->contexts[i].name;

    if (has_query (queries, name, strlen (name))
        && !visible_context (connection, export, &export->contexts[i])
        && length < sizeof names)
      length += snprintf (names + length, sizeof names - length, " %s", name);
  }
  if (length > 0)
    connection_log (connection, "refused: no rule lets it see%s of export '%s'",
                    names, export->name);
}

enum option_result
option_list_meta_context (struct connection *connection,
                          const struct option *option)
{
  struct queries CLEANUP (cleanup_queries) queries = { 0 };
  uint32_t error = parse_queries (option, &queries);
  const struct export *export;

  if (error)
    return option_refuse (connection, option, error,
                          "the option's data is malformed");
  export = visible_find (connection, queries.export_name,
                         queries.export_name_length);
  if (export == NULL)
    return refuse_export (connection, option, &queries);
  log_hidden (connection, export, &queries);
  for (size_t i = 0; i < export->nr_contexts; i++)
    if (is_listed (&queries, &export->contexts[i])
        && visible_context (connection, export, &export->contexts[i])
        && reply_context (connection, option, &export->contexts[i], 0) == -1)
      return OPTION_FAILED;
  return option_ack (connection, option);
}

/* A bitmap is loaded by its first user, so whether it can be is only known
 * now.  What cannot be used is not selected.
 */
static bool
is_usable (struct connection *connection, const struct export *export,
           const struct context *context)
{
  pb_extents *extents;

  if (context->kind != CONTEXT_DIRTY)
    return true;
  extents = pb_view_dirty_extents (export->view, context->map, 0, 0);
  if (extents == NULL)
    connection_log (connection, "disk %s: %s cannot be used: %s", export->name,
                    context->name, pb_get_error ());
  pb_extents_free (extents);
  return extents != NULL;
}

/* Select what is asked for by its full name, and tell the client. */
static int
select_contexts (struct connection *connection, const struct option *option,
                 const struct export *export, const struct queries *queries)
{
  connection->contexts
    = calloc (export->nr_contexts, sizeof connection->contexts[0]);
  connection->context_export
    = strndup (queries->export_name, queries->export_name_length);
  if (connection->contexts == NULL || connection->context_export == NULL) {
    pb_set_error (errno, "metadata contexts: %s", strerror (errno));
    return -1;
  }
  for (size_t i = 0; i < export->nr_contexts; i++) {
    const struct context *context = &export->contexts[i];

    if (!has_query (queries, context->name, strlen (context->name))
        || !visible_context (connection, export, context)
        || !is_usable (connection, export, context))
      continue;
    if (reply_context (connection, option, context, connection->nr_contexts)
        == -1)
      return -1;
    connection->contexts[connection->nr_contexts++] = i;
  }
  return 0;
}

enum option_result
option_set_meta_context (struct connection *connection,
                         const struct option *option)
{
  struct queries CLEANUP (cleanup_queries) queries = { 0 };
  const struct export *export;
  uint32_t error;

  /* Whatever was selected before is no more, also where this fails. */
  connection_forget_contexts (connection);
  if (connection->style == REPLY_SIMPLE)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "metadata contexts need structured replies first");
  error = parse_queries (option, &queries);
  if (error)
    return option_refuse (connection, option, error,
                          "the option's data is malformed");
  export = visible_find (connection, queries.export_name,
                         queries.export_name_length);
  if (export == NULL)
    return refuse_export (connection, option, &queries);
  log_hidden (connection, export, &queries);
  if (select_contexts (connection, option, export, &queries) == -1)
    return OPTION_FAILED;
  return option_ack (connection, option);
}
