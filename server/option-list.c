/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* option-list.c: the option LIST: what exports are there? */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "byteorder.h"
#include "cleanup.h"
#include "handshake.h"
#include "nbd-protocol.h"
#include "visible.h"

/* SERVER: 32 bits, length of the name; the name; the rest is for people. */
static int
reply_server (struct connection *connection, const struct option *option,
              const struct export *export)
{
  size_t name = strlen (export->name), description;
  char *CLEANUP_FREE text = visible_description (connection, export);
  unsigned char *CLEANUP_FREE data = NULL;

  if (text == NULL)
    return -1;
  description = strlen (text);
  data = malloc (4 + name + description);
  if (data == NULL) {
    pb_set_error (errno, "the list of exports: %s", strerror (errno));
    return -1;
  }
  store_be32 (data, name);
  memcpy (data + 4, export->name, name);
  memcpy (data + 4 + name, text, description);
  return option_reply (connection, option, NBD_REP_SERVER, data,
                       4 + name + description);
}

enum option_result
option_list (struct connection *connection, const struct option *option)
{
  const struct exports *exports = connection->config->exports;

  if (option->length != 0)
    return option_refuse (connection, option, NBD_REP_ERR_INVALID,
                          "LIST has no data");
  for (size_t i = 0; i < exports->count; i++)
    if (visible_in_list (connection, &exports->list[i])
        && reply_server (connection, option, &exports->list[i]) == -1)
      return OPTION_FAILED;
  return option_ack (connection, option);
}
