/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option.c: what the handling of all options has in common. */

#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "byteorder.h"
#include "handshake.h"
#include "log.h"
#include "nbd-protocol.h"
#include "round.h"

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

enum option_result
option_refuse (struct connection *connection, const struct option *option,
               uint32_t error, const char *format, ...)
{
  char text[REFUSAL_MAX];
  va_list args;
  int n;

  va_start (args, format);
  n = vsnprintf (text, sizeof text, format, args);
  va_end (args);
  if (n < 0)
    n = 0;
  /* "fixed newstyle" clients try options to see what a server has, so that is
   * nothing to log for everyone.
   */
  if (error == NBD_REP_ERR_UNSUP)
    log_verbose ("client %" PRIu64 " (%s): %s", connection->number,
                 connection->identity.text, text);
  else
    log_line ("client %" PRIu64 " (%s): refused: %s", connection->number,
              connection->identity.text, text);
  return option_reply (connection, option, error, text,
                       min_u64 (n, sizeof text - 1))
             == -1
           ? OPTION_FAILED
           : OPTION_NEXT;
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
