/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* connection.c: one client, from its first byte to its last. */

#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection.h"
#include "handshake.h"
#include "log.h"
#include "transmission.h"

/* Errors name files, whose paths may be long. */
#define LOG_TEXT_MAX 4096

struct connection *
connection_new (const struct server_config *config, struct policy *policy,
                int fd, const struct identity *identity, uint64_t number)
{
  struct connection *connection = calloc (1, sizeof *connection);

  if (connection == NULL) {
    pb_set_error (errno, "client %s: %s", identity->text, strerror (errno));
    close (fd);
    return NULL;
  }
  pthread_mutex_init (&connection->long_answer.lock, NULL); /* neither fails */
  pthread_cond_init (&connection->long_answer.change, NULL); /* on Linux */
  connection->config = config;
  connection->policy = policy_ref (policy);
  connection->identity = *identity;
  connection->origin = *identity;
  connection->number = number;
  connection->fd = fd;
  connection->transport = transport_plain_new (fd);
  connection->input.transport = connection->transport;
  if (connection->transport == NULL) {
    connection_free (connection);
    return NULL;
  }
  return connection;
}

void
connection_log (struct connection *connection, const char *format, ...)
{
  char text[LOG_TEXT_MAX];
  va_list args;

  if (atomic_fetch_add (&connection->nr_logged, 1) >= CONNECTION_LOG_MAX)
    return;
  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  log_line ("client %" PRIu64 " (%s): %s", connection->number,
            connection->identity.text, text);
}

void
connection_log_refusal (struct connection *connection, const char *why)
{
  if (connection->export)
    connection_log (connection, "refused: export '%s': %s",
                    connection->export->name, why);
  else
    connection_log (connection, "refused: %s", why);
}

static void
log_left_out (const struct connection *connection)
{
  if (connection->nr_logged > CONNECTION_LOG_MAX)
    log_line ("client %" PRIu64 " (%s): %u more such lines were left out",
              connection->number, connection->identity.text,
              connection->nr_logged - CONNECTION_LOG_MAX);
}

static void
log_failure (const struct connection *connection)
{
  if (connection->is_draining)
    return; /* that is what the client was cut by */
  log_line ("client %" PRIu64 " (%s): disconnected: %s", connection->number,
            connection->identity.text, pb_get_error ());
}

void
connection_run (struct connection *connection)
{
  int r;

  log_verbose ("client %" PRIu64 " (%s): connected", connection->number,
               connection->identity.text);
  transport_set_deadline (connection->transport,
                          clock_ms ()
                            + connection->config->handshake_timeout_ms);
  r = handshake_run (connection);
  if (r == 1) {
    transport_set_deadline (connection->transport, 0);
    log_verbose ("client %" PRIu64 " (%s): is served '%s'", connection->number,
                 connection->identity.text, connection->export->name);
    r = transmission_run (connection);
    if (connection->transport->ops->linger)
      connection->transport->ops->linger (connection->transport);
  }
  log_left_out (connection);
  if (r == -1)
    log_failure (connection);
  else
    log_verbose ("client %" PRIu64 " (%s): has left", connection->number,
                 connection->identity.text);
}

void
connection_drain (struct connection *connection)
{
  connection->is_draining = true;
  shutdown (connection->fd, SHUT_RD); /* fails where it has ended already */
}

void
connection_cut (struct connection *connection)
{
  connection->is_draining = true;
  shutdown (connection->fd, SHUT_RDWR);
}

void
connection_forget_contexts (struct connection *connection)
{
  free (connection->context_export);
  free (connection->contexts);
  connection->context_export = NULL;
  connection->contexts = NULL;
  connection->nr_contexts = 0;
}

void
connection_free (struct connection *connection)
{
  if (connection == NULL)
    return;
  connection_forget_contexts (connection);
  transport_free (connection->transport);
  policy_unref (connection->policy);
  pthread_cond_destroy (&connection->long_answer.change);
  pthread_mutex_destroy (&connection->long_answer.lock);
  free (connection);
}
