/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option-export.c: the options by which a client chooses an export:
 * EXPORT_NAME, INFO and GO.
 */

#include "config.h"

#include <errno.h>
#include <string.h>

#include "byteorder.h"
#include "cleanup.h"
#include "handshake.h"
#include "nbd-protocol.h"
#include "visible.h"

/* "Metadata contexts [...] apply only to the export that they were negotiated
 * for", by its name.
 */
static bool
contexts_are_for (const struct connection *connection, const char *name,
                  uint32_t length)
{
  return connection->context_export
         && strlen (connection->context_export) == length
         && memcmp (connection->context_export, name, length) == 0;
}

/* Everything that is served is a frozen view, read-only, so what one connection
 * reads every other one does, and a flush has nothing to do.
 */
static uint16_t
transmission_flags (const struct connection *connection, const char *name,
                    uint32_t length)
{
  uint16_t flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_READ_ONLY
                   | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_CACHE;

  if (connection->config->max_connections > 1)
    flags |= NBD_FLAG_CAN_MULTI_CONN;
  if (connection->style != REPLY_SIMPLE)
    flags |= NBD_FLAG_SEND_DF;
  if (connection->style == REPLY_EXTENDED && connection->nr_contexts > 0
      && contexts_are_for (connection, name, length))
    flags |= NBD_FLAG_BLOCK_STATUS_PAYLOAD;
  return flags;
}

static bool
may_open (const struct connection *connection, const struct export *export)
{
  return visible_rights (connection, export) & (ACCESS_READ | ACCESS_MAP);
}

/* The client is to be served EXPORT, which it called NAME.  This is before it
 * is told: then it may connect once more, and not be taken for one in its
 * handshake.
 */
static void
choose (struct connection *connection, const struct export *export,
        const char *name, uint32_t length)
{
  if (!contexts_are_for (connection, name, length))
    connection->nr_contexts = 0;
  connection->export = export;
  connection->is_served = true;
  connection->may_read = visible_rights (connection, export) & ACCESS_READ;
}

enum option_result
option_export_name (struct connection *connection, const struct option *option)
{
  unsigned char reply[NBD_EXPORT_NAME_REPLY_SIZE
                      + NBD_EXPORT_NAME_REPLY_ZEROES] = { 0 };
  const char *name = (const char *) option->data;
  const struct export *export
    = visible_find (connection, name, option->length);

  /* There is no way to say no but to close. */
  if (export == NULL)
    return OPTION_FAILED;
  if (!may_open (connection, export)) {
    pb_set_error (EACCES, "export '%s' may only be listed", export->name);
    return OPTION_FAILED;
  }
  if (connection->style == REPLY_EXTENDED) {
    pb_set_error (EINVAL, "EXPORT_NAME after extended headers were agreed on");
    return OPTION_FAILED;
  }
  choose (connection, export, name, option->length);
  store_be64 (reply, pb_view_get_size (export->view));
  store_be16 (reply + 8,
              transmission_flags (connection, name, option->length));
  if (transport_send (connection->transport, reply,
                      connection->no_zeroes ? NBD_EXPORT_NAME_REPLY_SIZE
                                            : sizeof reply,
                      false)
      == -1)
    return OPTION_FAILED;
  return OPTION_TRANSMIT;
}

/* An information reply whose value is text. */
static int
reply_text (struct connection *connection, const struct option *option,
            enum nbd_info info, const char *text)
{
  unsigned char data[2 + NBD_STRING_MAX];
  size_t length = strnlen (text, NBD_STRING_MAX);

  store_be16 (data, info);
  memcpy (data + 2, text, length);
  return option_reply (connection, option, NBD_REP_INFO, data, 2 + length);
}

static int
reply_description (struct connection *connection, const struct option *option,
                   const struct export *export)
{
  char *CLEANUP_FREE text = visible_description (connection, export);

  return text ? reply_text (connection, option, NBD_INFO_DESCRIPTION, text)
              : -1;
}

static int
reply_block_size (struct connection *connection, const struct option *option,
                  const struct export *export)
{
  uint32_t minimum, preferred, maximum;
  unsigned char data[14];

  pb_view_get_block_size (export->view, &minimum, &preferred, &maximum);
  store_be16 (data, NBD_INFO_BLOCK_SIZE);
  store_be32 (data + 2, minimum);
  store_be32 (data + 6, preferred);
  store_be32 (data + 10, maximum);
  return option_reply (connection, option, NBD_REP_INFO, data, sizeof data);
}

/* One piece of information that the client has asked for.  Unknown kinds, and
 * what is sent anyway, are ignored.
 */
static int
reply_info (struct connection *connection, const struct option *option,
            const struct export *export, uint16_t info)
{
  switch (info) {
  case NBD_INFO_NAME:
    return reply_text (connection, option, info, export->name);
  case NBD_INFO_DESCRIPTION:
    return reply_description (connection, option, export);
  case NBD_INFO_BLOCK_SIZE:
    return reply_block_size (connection, option, export);
  default:
    return 0;
  }
}

/* "NBD_INFO_EXPORT" is sent whether it was asked for or not. */
static int
reply_export (struct connection *connection, const struct option *option,
              const struct export *export, const char *name, uint32_t length)
{
  unsigned char data[12];

  store_be16 (data, NBD_INFO_EXPORT);
  store_be64 (data + 2, pb_view_get_size (export->view));
  store_be16 (data + 10, transmission_flags (connection, name, length));
  return option_reply (connection, option, NBD_REP_INFO, data, sizeof data);
}

/* INFO and GO differ only in what follows them. */
static enum option_result
inform (struct connection *connection, const struct option *option,
        enum option_result result)
{
  struct option_data data = { option->data, option->length };
  const struct export *export;
  uint16_t nr_infos, info;
  unsigned told = 0; /* kinds, each of which is told once */
  const char *name;
  uint32_t length;

  if (!option_take_name (&data, &name, &length)
      || !option_take_u16 (&data, &nr_infos)
      || data.count != (size_t) nr_infos * 2 || length > NBD_STRING_MAX)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "the option's data is malformed");
  export = visible_find (connection, name, length);
  if (export == NULL)
    return option_refuse_export (connection, option, name, length);
  if (result == OPTION_TRANSMIT && !may_open (connection, export))
    return option_refuse (connection, option, NBD_REP_ERR_POLICY,
                          "export '%s' may only be listed", export->name);

  if (reply_export (connection, option, export, name, length) == -1)
    return OPTION_FAILED;
  while (option_take_u16 (&data, &info)) {
    bool was_told = info <= NBD_INFO_BLOCK_SIZE && told & (1U << info);

    if (!was_told && reply_info (connection, option, export, info) == -1)
      return OPTION_FAILED;
    if (info <= NBD_INFO_BLOCK_SIZE)
      told |= 1U << info;
  }
  if (result == OPTION_TRANSMIT)
    choose (connection, export, name, length);
  return option_ack (connection, option) == OPTION_FAILED ? OPTION_FAILED
                                                          : result;
}

enum option_result
option_info (struct connection *connection, const struct option *option)
{
  return inform (connection, option, OPTION_NEXT);
}

enum option_result
option_go (struct connection *connection, const struct option *option)
{
  return inform (connection, option, OPTION_TRANSMIT);
}
