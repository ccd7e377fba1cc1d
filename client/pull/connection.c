/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* connection.c: one connection to an NBD server, up to its export. */

#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "connection.h"
#include "nbd-util.h"
#include "pullback.h"
#include "rate.h"

/* A server without TLS just ends the connection, and gnutls names itself where
 * it found something wrong.
 */
static void
set_connect_error (const char *uri)
{
  const char *cause = nbd_get_error ();
  bool is_tls = strncmp (uri, "nbds", 4) == 0;

  set_nbd_error ("%s: cannot connect%s%s", uri, is_tls ? " with TLS" : "",
                 is_tls && cause && strstr (cause, "gnutls") == NULL
                   ? " (does the server offer it?)"
                   : "");
}

/* A server that is about to end, or that has all the clients it wants, may let
 * a new one wait for ever.
 */
#define CONNECT_SECONDS 60

static int
connect_in_time (struct nbd_handle *nbd, const char *uri)
{
  uint64_t end = monotonic_ns () + CONNECT_SECONDS * UINT64_C (1000000000);

  if (nbd_aio_connect_uri (nbd, uri) == -1) {
    set_connect_error (uri);
    return -1;
  }
  while (nbd_aio_is_connecting (nbd) == 1) {
    uint64_t now = monotonic_ns ();

    if (now >= end) {
      pb_set_error (ETIMEDOUT, "%s: cannot connect: the server has not "
                    "answered for %d seconds",
                    uri, CONNECT_SECONDS);
      return -1;
    }
    if (nbd_poll (nbd, (end - now) / 1000000 + 1) == -1) {
      set_connect_error (uri);
      return -1;
    }
  }
  if (nbd_is_gone (nbd)) {
    set_connect_error (uri);
    return -1;
  }
  return 0;
}

struct nbd_handle *
connection_start (const char *uri)
{
  struct nbd_handle *nbd = nbd_create ();

  if (nbd == NULL
      || nbd_set_opt_mode (nbd, true) == -1
      || nbd_set_full_info (nbd, true) == -1
      /* The URI comes from the user, so its key files are the user's too. */
      || nbd_set_uri_allow_local_file (nbd, true) == -1
      /* Reads are checked to cover the whole buffer instead (worker.c). */
      || nbd_set_pread_initialize (nbd, false) == -1) {
    set_nbd_error ("%s", uri);
    nbd_close (nbd);
    return NULL;
  }
  if (connect_in_time (nbd, uri) == -1) {
    nbd_close (nbd);
    return NULL;
  }
  if (nbd_aio_is_negotiating (nbd) != 1) {
    pb_set_error (ENOTSUP, "%s: the server only speaks the old style of NBD, "
                  "which knows no exports and no maps",
                  uri);
    nbd_close (nbd);
    return NULL;
  }
  return nbd;
}

/* What libnbd calls "not supported" is most often NBD_REP_ERR_TLS_REQD. */
void
connection_set_export_error (struct nbd_handle *nbd, const char *uri,
                             const char *export_name)
{
  bool needs_tls
    = nbd_get_errno () == ENOTSUP && nbd_get_tls_negotiated (nbd) == 0;

  set_nbd_error ("%s: export '%s'%s", uri, export_name,
                 needs_tls ? " (does the server ask for TLS, nbds?)" : "");
}

int
connection_go (struct nbd_handle *nbd, const char *uri,
               const char *export_name)
{
  if (nbd_set_export_name (nbd, export_name) == -1 || nbd_opt_go (nbd) == -1) {
    connection_set_export_error (nbd, uri, export_name);
    return -1;
  }
  return 0;
}
