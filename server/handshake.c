/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* handshake.c: fixed newstyle negotiation: the greeting, and the loop over
 * options.
 */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "cleanup.h"
#include "handshake.h"
#include "log.h"
#include "nbd-protocol.h"

static enum option_result
option_abort (struct connection *connection, const struct option *option)
{
  /* "the client [...] MAY [...] close without waiting for the reply". */
  if (option_reply (connection, option, NBD_REP_ACK, NULL, 0) == -1)
    log_verbose ("client %" PRIu64 " did not wait for an answer to its goodbye",
                 connection->number);
  return OPTION_END;
}

static const struct {
  uint32_t number;
  enum option_result (*handle) (struct connection *connection,
                                const struct option *option);
} options[] = {
  { NBD_OPT_EXPORT_NAME, option_export_name },
  { NBD_OPT_ABORT, option_abort },
  { NBD_OPT_LIST, option_list },
  { NBD_OPT_STARTTLS, option_starttls },
  { NBD_OPT_INFO, option_info },
  { NBD_OPT_GO, option_go },
  { NBD_OPT_STRUCTURED_REPLY, option_structured_reply },
  { NBD_OPT_LIST_META_CONTEXT, option_list_meta_context },
  { NBD_OPT_SET_META_CONTEXT, option_set_meta_context },
  { NBD_OPT_EXTENDED_HEADERS, option_extended_headers },
};

/* "FORCEDTLS": what a client can say before anybody knows who it is. */
static bool
is_free_to_all (uint32_t number)
{
  return number == NBD_OPT_STARTTLS || number == NBD_OPT_ABORT;
}

static enum option_result
demand_tls (struct connection *connection, const struct option *option)
{
  if (option->number == NBD_OPT_EXPORT_NAME) {
    pb_set_error (EACCES, "EXPORT_NAME without TLS");
    return OPTION_FAILED;
  }
  return option_refuse (connection, option, NBD_REP_ERR_TLS_REQD,
                        "option %" PRIu32 " needs TLS first", option->number);
}

static enum option_result
handle_option (struct connection *connection, const struct option *option)
{
  /* "In non-fixed newstyle only one option can be set". */
  if (!connection->is_fixed && option->number != NBD_OPT_EXPORT_NAME) {
    pb_set_error (EINVAL, "option %" PRIu32 " from a client that did not "
                          "agree to fixed newstyle",
                  option->number);
    return OPTION_FAILED;
  }
  if (!is_free_to_all (option->number)
      && policy_judge (connection->policy, &connection->identity)
           != POLICY_GRANTED)
    return demand_tls (connection, option);
  for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
    if (options[i].number == option->number)
      return options[i].handle (connection, option);
  return option_refuse (connection, option, NBD_REP_ERR_UNSUP,
                        "option %" PRIu32 " is not supported",
                        option->number);
}

/* Returns 1, 0 where the client has left, or -1. */
static int
greet (struct connection *connection)
{
  unsigned char greeting[18], flags[4];
  uint32_t client;
  int r;

  store_be64 (greeting, NBD_MAGIC);
  store_be64 (greeting + 8, NBD_OPTION_MAGIC);
  store_be16 (greeting + 16, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
  if (transport_send (connection->transport, greeting, sizeof greeting, false)
      == -1)
    return -1;
  r = input_take (&connection->input, flags, sizeof flags);
  if (r != 1)
    return r;
  client = load_be32 (flags);
  /* "the server MUST close the TCP connection if it does not recognize the
   * client's flags".
   */
  if (client & ~(uint32_t) (NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES)) {
    pb_set_error (EINVAL, "unknown handshake flags 0x%" PRIx32, client);
    return -1;
  }
  connection->is_fixed = client & NBD_FLAG_FIXED_NEWSTYLE;
  connection->no_zeroes = client & NBD_FLAG_NO_ZEROES;
  return 1;
}

/* An option with more data than is ever looked at: "The request or the reply is
 * too large to process".  How long that may go on is bounded by the handshake's
 * deadline.
 */
static enum option_result
drop_option (struct connection *connection, const struct option *option)
{
  if (option->number == NBD_OPT_EXPORT_NAME) {
    pb_set_error (EINVAL, "an export name of %" PRIu32 " bytes",
                  option->length);
    return OPTION_FAILED;
  }
  if (input_take_rest (&connection->input, NULL, option->length) == -1)
    return OPTION_FAILED;
  return option_refuse (connection, option, NBD_REP_ERR_TOO_BIG,
                        "option %" PRIu32 " has %" PRIu32 " bytes of data",
                        option->number, option->length);
}

static enum option_result
receive_option (struct connection *connection)
{
  unsigned char header[NBD_OPTION_HEADER_SIZE];
  struct option option;
  int r = input_take (&connection->input, header, sizeof header);

  if (r == 0)
    return OPTION_END;
  if (r == -1)
    return OPTION_FAILED;
  if (load_be64 (header) != NBD_OPTION_MAGIC) {
    pb_set_error (EINVAL, "an option has the wrong magic number 0x%" PRIx64,
                  load_be64 (header));
    return OPTION_FAILED;
  }
  option.number = load_be32 (header + 8);
  option.length = load_be32 (header + 12);
  if (option.length > OPTION_DATA_MAX)
    return drop_option (connection, &option);

  unsigned char *CLEANUP_FREE data = malloc (option.length + 1);
  if (data == NULL) {
    pb_set_error (errno, "an option's data: %s", strerror (errno));
    return OPTION_FAILED;
  }
  option.data = data;
  if (input_take_rest (&connection->input, data, option.length) == -1)
    return OPTION_FAILED;
  return handle_option (connection, &option);
}

int
handshake_run (struct connection *connection)
{
  int r = greet (connection);

  if (r != 1)
    return r;
  for (unsigned n = 0; n < OPTIONS_MAX; n++) {
    enum option_result result = receive_option (connection);

    if (result != OPTION_NEXT)
      return result == OPTION_TRANSMIT ? 1 : result == OPTION_END ? 0 : -1;
  }
  pb_set_error (EINVAL, "the client sent more than %d options", OPTIONS_MAX);
  return -1;
}
