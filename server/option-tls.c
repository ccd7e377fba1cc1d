/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option-tls.c: the option STARTTLS. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>

#include "handshake.h"
#include "log.h"
#include "nbd-protocol.h"

/* "the server MUST NOT preserve any negotiation state". */
static void
forget_all (struct connection *connection)
{
  connection->style = REPLY_SIMPLE;
  connection_forget_contexts (connection);
}

enum option_result
option_starttls (struct connection *connection, const struct option *option)
{
  const struct tls_credentials *credentials
    = policy_credentials (connection->policy);
  struct transport *transport;

  if (option->length != 0)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "STARTTLS has no data");
  if (connection->identity.tls != IDENTITY_NO_TLS)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "there is TLS already");
  if (credentials == NULL)
    return option_refuse (connection, option, NBD_REP_ERR_POLICY,
                          "there is no TLS here");
  /* What came in plain must never be taken for what TLS protects; and a client
   * that waits for the answer, as it must, has sent nothing yet.
   */
  if (!input_is_empty (&connection->input)) {
    pb_set_error (EPROTO, "bytes behind STARTTLS, before its answer");
    return OPTION_FAILED;
  }
  if (option_ack (connection, option) == OPTION_FAILED)
    return OPTION_FAILED;

  forget_all (connection);
  transport = transport_tls_new (connection->transport, credentials,
                                 &connection->identity);
  /* The socket is closed with the connection, not here: until then it is known
   * to others by its number.
   */
  if (transport == NULL)
    return OPTION_FAILED;
  connection->transport = transport;
  connection->input.transport = transport;
  if (policy_judge (connection->policy, &connection->identity)
      != POLICY_GRANTED)
    return OPTION_FAILED;
  log_verbose ("client %" PRIu64 " is known as %s", connection->number,
               connection->identity.text);
  return OPTION_NEXT;
}
