/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* handshake.h: fixed newstyle negotiation, one file for each kind of option. */

#ifndef PULLBACK_HANDSHAKE_H
#define PULLBACK_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "connection.h"

/* What a client may send in one handshake.  No sensible client comes near. */
#define OPTION_DATA_MAX      ((uint32_t) 256 << 10)
#define OPTIONS_MAX          1024
#define CONTEXT_QUERIES_MAX  1024

/* Negotiate until the client is to be served.  Returns 1 then, with the
 * connection's export set, 0 where the client has left, or -1 where it must
 * go.
 */
int handshake_run (struct connection *connection);

/* An option that a client has sent. */
struct option {
  uint32_t number;
  uint32_t length;
  const unsigned char *data;
};

enum option_result {
  OPTION_FAILED = -1, /* the connection must end; the error says why */
  OPTION_NEXT,        /* it was answered, also where that was an error */
  OPTION_TRANSMIT,    /* the handshake is over */
  OPTION_END          /* the client wants to leave */
};

/* One for each option, in option-*.c. */
enum option_result option_export_name (struct connection *connection,
                                       const struct option *option);
enum option_result option_info (struct connection *connection,
                                const struct option *option);
enum option_result option_go (struct connection *connection,
                              const struct option *option);
enum option_result option_list (struct connection *connection,
                                const struct option *option);
enum option_result option_starttls (struct connection *connection,
                                    const struct option *option);
enum option_result option_structured_reply (struct connection *connection,
                                            const struct option *option);
enum option_result option_extended_headers (struct connection *connection,
                                            const struct option *option);
enum option_result option_list_meta_context (struct connection *connection,
                                             const struct option *option);
enum option_result option_set_meta_context (struct connection *connection,
                                            const struct option *option);

/* Send a reply of TYPE with COUNT bytes of data.  A type that is neither ACK
 * nor an error is followed by another.
 */
int option_reply (struct connection *connection, const struct option *option,
                  uint32_t type, const void *data, size_t count);

/* Send ACK. */
enum option_result option_ack (struct connection *connection,
                               const struct option *option);

/* Send an error with text for the client's user, and log it. */
enum option_result option_refuse (struct connection *connection,
                                  const struct option *option, uint32_t error,
                                  const char *format, ...)
  __attribute__ ((__format__ (__printf__, 4, 5)));

/* Refuse the export that the client called NAME and visible_find () has not
 * found.  The client is told that there is none, the log why.
 */
enum option_result option_refuse_export (struct connection *connection,
                                         const struct option *option,
                                         const char *name, uint32_t length);

/* How many of a name's LENGTH bytes are shown, for "%.*s". */
#define SHOWN(length) ((int) ((length) < 256 ? (length) : 256))

/* Take a name, 32 bits of its length before it, off the front of what is left
 * of an option's data.  The name points into that.  Returns false where it
 * is not all there.
 */
struct option_data {
  const unsigned char *bytes;
  size_t count;
};

bool option_take_u16 (struct option_data *data, uint16_t *value);
bool option_take_u32 (struct option_data *data, uint32_t *value);
bool option_take_name (struct option_data *data, const char **name,
                       uint32_t *length);

#endif /* PULLBACK_HANDSHAKE_H */
