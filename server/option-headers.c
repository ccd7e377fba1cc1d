/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option-headers.c: the options that choose the style of replies:
 * STRUCTURED_REPLY and EXTENDED_HEADERS.
 */

#include "config.h"

#include "handshake.h"
#include "nbd-protocol.h"

enum option_result
option_structured_reply (struct connection *connection,
                         const struct option *option)
{
  if (option->length != 0)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "STRUCTURED_REPLY has no data");
  /* "The client has already successfully negotiated extended headers, which
   * takes precedence over this option."
   */
  if (connection->style == REPLY_EXTENDED)
    return option_refuse (connection, option, NBD_REP_ERR_EXT_HEADER_REQD,
                          "extended headers are agreed on already");
  if (connection->style == REPLY_STRUCTURED)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "structured replies are agreed on already");
  connection->style = REPLY_STRUCTURED;
  return option_ack (connection, option);
}

enum option_result
option_extended_headers (struct connection *connection,
                         const struct option *option)
{
  if (option->length != 0)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "EXTENDED_HEADERS has no data");
  if (connection->style == REPLY_EXTENDED)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "extended headers are agreed on already");
  connection->style = REPLY_EXTENDED;
  return option_ack (connection, option);
}
