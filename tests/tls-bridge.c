/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-bridge.c: TLS for a client that has none: what comes on descriptor 4 goes
 * out by TLS on the connected socket that is descriptor 3, and back.
 *
 *   tls-bridge psk USER HEX-KEY
 *   tls-bridge x509 [CERTIFICATE KEY]
 *
 * The server is not verified: this is about what the server does.  PRIORITY in
 * the environment says what TLS there may be, as gnutls has it.  What the
 * server says in an alert goes to standard error.
 */

#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gnutls/gnutls.h>

#define SOCKET 3
#define INSIDE 4

static int
fail (const char *what, int r)
{
  fprintf (stderr, "tls-bridge: %s: %s\n", what, gnutls_strerror (r));
  return 1;
}

static void
set_priority (gnutls_session_t session, const char *usual)
{
  const char *priority = getenv ("PRIORITY");
  int r = gnutls_priority_set_direct (session, priority ? priority : usual,
                                      NULL);

  if (r < 0) {
    fail (priority, r);
    exit (2);
  }
}

static void
tell_alert (gnutls_session_t session, int r)
{
  if (r == GNUTLS_E_FATAL_ALERT_RECEIVED)
    fprintf (stderr, "tls-bridge: alert: %s\n",
             gnutls_alert_get_name (gnutls_alert_get (session)));
}

static int
write_all (const char *bytes, ssize_t count)
{
  while (count > 0) {
    ssize_t n = write (INSIDE, bytes, count);

    if (n <= 0)
      return -1;
    bytes += n;
    count -= n;
  }
  return 0;
}

/* Until one side closes. */
static int
bridge (gnutls_session_t session)
{
  struct pollfd fds[2] = { { .fd = SOCKET, .events = POLLIN },
                           { .fd = INSIDE, .events = POLLIN } };
  char buffer[16384];
  ssize_t n;

  for (;;) {
    if (gnutls_record_check_pending (session) == 0
        && poll (fds, 2, -1) == -1)
      return 1;
    if (gnutls_record_check_pending (session) > 0 || fds[0].revents) {
      n = gnutls_record_recv (session, buffer, sizeof buffer);
      if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
        continue;
      tell_alert (session, n);
      if (n <= 0 || write_all (buffer, n) == -1)
        return n == 0 ? 0 : 1;
    }
    if (fds[1].revents) {
      n = read (INSIDE, buffer, sizeof buffer);
      if (n <= 0)
        return 0;
      if (gnutls_record_send (session, buffer, n) != n)
        return 1;
    }
  }
}

int
main (int argc, char *argv[])
{
  gnutls_certificate_credentials_t certificates;
  gnutls_psk_client_credentials_t psk;
  gnutls_session_t session;
  int r;

  /* A certificate is shown also where the server asks for one by another
   * authority.
   */
  gnutls_init (&session, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
  if (argc == 4 && strcmp (argv[1], "psk") == 0) {
    gnutls_datum_t key
      = { (unsigned char *) argv[3], (unsigned) strlen (argv[3]) };

    set_priority (session, "NORMAL:+ECDHE-PSK:+DHE-PSK");
    gnutls_psk_allocate_client_credentials (&psk);
    gnutls_psk_set_client_credentials (psk, argv[2], &key,
                                       GNUTLS_PSK_KEY_HEX);
    gnutls_credentials_set (session, GNUTLS_CRD_PSK, psk);
  }
  else if (argc >= 2 && strcmp (argv[1], "x509") == 0) {
    set_priority (session, "NORMAL");
    gnutls_certificate_allocate_credentials (&certificates);
    if (argc == 4) {
      r = gnutls_certificate_set_x509_key_file (certificates, argv[2], argv[3],
                                                GNUTLS_X509_FMT_PEM);
      if (r < 0)
        return fail (argv[2], r);
    }
    gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, certificates);
  }
  else {
    fprintf (stderr, "usage: tls-bridge psk USER HEX-KEY\n"
                     "       tls-bridge x509 [CERTIFICATE KEY]\n");
    return 2;
  }
  gnutls_transport_set_int (session, SOCKET);
  do
    r = gnutls_handshake (session);
  while (r < 0 && !gnutls_error_is_fatal (r));
  if (r < 0) {
    tell_alert (session, r);
    return fail ("handshake", r);
  }
  fprintf (stderr, "tls-bridge: %s\n",
           gnutls_session_get_desc (session));
  r = bridge (session);
  shutdown (SOCKET, SHUT_RDWR);
  return r;
}
