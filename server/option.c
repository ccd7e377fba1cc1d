/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option.c: what the handling of all options has in common. */

#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "byteorder.h"
#include "handshake.h"
#include "log.h"
#include "nbd-protocol.h"

#define REFUSAL_MAX 512

int
option_reply (struct connection *connection, const struct option *option,
              uint32_t type, const void *data, size_t count)
{
  struct transport *transport = connection->transport;
  unsigned char header[NBD_OPTION_REPLY_HEADER_SIZE];
  struct iovec iov[2] = { { .iov_base = header, .iov_len = sizeof header },
                          { .iov_base = (void *) data, .iov_len = count } };
  bool is_final = type == NBD_REP_ACK || (type & NBD_REP_ERROR (0));

  store_be64 (header, NBD_REPLY_MAGIC);
  store_be32 (header + 8, option->number);
  store_be32 (header + 12, type);
  store_be32 (header + 16, count);
  return transport->ops->send (transport, iov, 2, !is_final);
}

enum option_result
option_ack (struct connection *connection, const struct option *option)
{
  return option_reply (connection, option, NBD_REP_ACK, NULL, 0) == -1
           ? OPTION_FAILED
           : OPTION_NEXT;
}

static enum option_result
send_error (struct connection *connection, const struct option *option,
            uint32_t error, const char *text)
{
  return option_reply (connection, option, error, text, strlen (text)) == -1
           ? OPTION_FAILED
           : OPTION_NEXT;
}

enum option_result
option_refuse (struct connection *connection, const struct option *option,
               uint32_t error, const char *format, ...)
{
  char text[REFUSAL_MAX] = "";
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  /* "fixed newstyle" clients try options to see what a server has, so that is
   * nothing to log for everyone.
   */
  if (error != NBD_REP_ERR_UNSUP || log_is_verbose ())
    connection_log_refusal (connection, text);
  return send_error (connection, option, error, text);
}

enum option_result
option_refuse_export (struct connection *connection,
                      const struct option *option, const char *name,
                      uint32_t length)
{
  char text[REFUSAL_MAX];

  connection_log_refusal (connection, pb_get_error ());
  snprintf (text, sizeof text, "there is no export '%.*s'", SHOWN (length),
            name);
  return send_error (connection, option, NBD_REP_ERR_UNKNOWN, text);
}

bool
option_take_u16 (struct option_data *data, uint16_t *value)
{
  if (data->count < 2)
    return false;
  *value = load_be16 (data->bytes);
  data->bytes += 2;
  data->count -= 2;
  return true;
}

bool
option_take_u32 (struct option_data *data, uint32_t *value)
{
  if (data->count < 4)
    return false;
  *value = load_be32 (data->bytes);
  data->bytes += 4;
  data->count -= 4;
  return true;
}

bool
option_take_name (struct option_data *data, const char **name,
                  uint32_t *length)
{
  if (!option_take_u32 (data, length) || *length > data->count)
    return false;
  *name = (const char *) data->bytes;
  data->bytes += *length;
  data->count -= *length;
  return true;
}
