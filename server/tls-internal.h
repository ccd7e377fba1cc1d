/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-internal.h: what the files of TLS share, with gnutls's own types. */

#ifndef PULLBACK_TLS_INTERNAL_H
#define PULLBACK_TLS_INTERNAL_H

#include <gnutls/gnutls.h>

#include "tls.h"
#include "tls-psk.h"

struct tls_credentials {
  gnutls_certificate_credentials_t certificates; /* or NULL, as psk */
  gnutls_psk_server_credentials_t psk;
  struct tls_psk *keys; /* that psk gives out */
  gnutls_priority_t priority;
  bool verify_peer;
  bool has_crl;
};

/* Note in IDENTITY who the client of SESSION is, whose handshake is done.  An
 * error says why that does not do, and ALERT what the client is to be told.
 */
int tls_identify (gnutls_session_t session,
                  const struct tls_credentials *credentials,
                  struct identity *identity,
                  gnutls_alert_description_t *alert);

#endif /* PULLBACK_TLS_INTERNAL_H */
