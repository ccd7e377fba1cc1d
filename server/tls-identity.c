/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-identity.c: who a client is, by its certificate or its key. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <gnutls/x509.h>

#include "pullback.h"
#include "tls-internal.h"

static int
fail (const char *what, int r)
{
  pb_set_error (EPROTO, "TLS: %s: %s", what, gnutls_strerror (r));
  return -1;
}

/* The name that IDENTITY goes by from here on. */
static int
set_name (struct identity *identity, enum identity_tls kind, const char *name,
          size_t length)
{
  size_t used = strlen (identity->text);

  if (length >= sizeof identity->tls_name
      || memchr (name, '\0', length) != NULL) {
    pb_set_error (EACCES, "TLS: the client has a name that is too long, or no "
                          "text");
    return -1;
  }
  identity->tls = kind;
  memcpy (identity->tls_name, name, length);
  identity->tls_name[length] = '\0';
  snprintf (identity->text + used, sizeof identity->text - used, " %s %s",
            kind == IDENTITY_PSK ? "psk" : "certificate",
            identity->tls_name);
  return 0;
}

/* The distinguished name of the first certificate of CHAIN, as RFC 4514 writes
 * it; freed by gnutls_free ().
 */
static int
get_name (const gnutls_datum_t *chain, gnutls_datum_t *name)
{
  gnutls_x509_crt_t certificate;
  int r = gnutls_x509_crt_init (&certificate);

  if (r >= 0) {
    r = gnutls_x509_crt_import (certificate, chain, GNUTLS_X509_FMT_DER);
    if (r >= 0)
      r = gnutls_x509_crt_get_dn3 (certificate, name, 0);
    gnutls_x509_crt_deinit (certificate);
  }
  /* Alternative names alone do for a certificate, but no rule knows them. */
  if (r == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE
      || (r >= 0 && name->size == 0)) {
    gnutls_free (name->data);
    pb_set_error (EACCES, "TLS: the client's certificate has no subject name, "
                          "so that no rule could name it");
    return -1;
  }
  return r < 0 ? fail ("the name of the client's certificate", r) : 0;
}

/* What to tell a client whose certificate has this STATUS. */
static gnutls_alert_description_t
alert_of (unsigned status)
{
  static const struct {
    unsigned status;
    gnutls_alert_description_t alert;
  } alerts[] = {
    { GNUTLS_CERT_REVOKED, GNUTLS_A_CERTIFICATE_REVOKED },
    { GNUTLS_CERT_SIGNER_NOT_FOUND, GNUTLS_A_UNKNOWN_CA },
    { GNUTLS_CERT_EXPIRED, GNUTLS_A_CERTIFICATE_EXPIRED },
    { GNUTLS_CERT_NOT_ACTIVATED, GNUTLS_A_CERTIFICATE_EXPIRED },
    { GNUTLS_CERT_PURPOSE_MISMATCH, GNUTLS_A_UNSUPPORTED_CERTIFICATE },
  };

  for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++)
    if (status & alerts[i].status)
      return alerts[i].alert;
  return GNUTLS_A_BAD_CERTIFICATE;
}

/* The certificate called NAME was signed by our authority, is valid now, was
 * not revoked, and is for clients.
 */
static int
verify_certificate (gnutls_session_t session, const char *name,
                    gnutls_alert_description_t *alert)
{
  gnutls_typed_vdata_st purpose
    = { .type = GNUTLS_DT_KEY_PURPOSE_OID,
        .data = (unsigned char *) GNUTLS_KP_TLS_WWW_CLIENT };
  gnutls_datum_t text = { NULL, 0 };
  unsigned status;
  int r = gnutls_certificate_verify_peers (session, &purpose, 1, &status);

  if (r < 0)
    return fail ("the client's certificate", r);
  if (status == 0)
    return 0;
  *alert = alert_of (status);
  r = gnutls_certificate_verification_status_print (status, GNUTLS_CRT_X509,
                                                    &text, 0);
  pb_set_error (EACCES, "TLS: the client's certificate %s is refused: %s",
                name, r < 0 ? "not valid" : (const char *) text.data);
  gnutls_free (text.data);
  return -1;
}

static int
identify_by_certificate (gnutls_session_t session, struct identity *identity,
                         gnutls_alert_description_t *alert)
{
  const gnutls_datum_t *chain = gnutls_certificate_get_peers (session, NULL);
  gnutls_datum_t name = { NULL, 0 };
  int r;

  if (chain == NULL) {
    pb_set_error (EACCES, "TLS: the client has no certificate");
    return -1;
  }
  if (get_name (chain, &name) == -1)
    return -1;
  r = verify_certificate (session, (const char *) name.data, alert);
  if (r == 0)
    r = set_name (identity, IDENTITY_CERTIFICATE, (const char *) name.data,
                  strlen ((const char *) name.data));
  gnutls_free (name.data);
  return r;
}

int
tls_identify (gnutls_session_t session,
              const struct tls_credentials *credentials,
              struct identity *identity, gnutls_alert_description_t *alert)
{
  const char *user;
  size_t used = strlen (identity->text);

  *alert = GNUTLS_A_BAD_CERTIFICATE;
  if (gnutls_auth_client_get_type (session) == GNUTLS_CRD_PSK) {
    *alert = GNUTLS_A_UNKNOWN_PSK_IDENTITY;
    user = gnutls_psk_server_get_username (session);
    if (user == NULL) {
      pb_set_error (EACCES, "TLS: the client's key has no user");
      return -1;
    }
    return set_name (identity, IDENTITY_PSK, user, strlen (user));
  }
  if (credentials->verify_peer)
    return identify_by_certificate (session, identity, alert);
  identity->tls = IDENTITY_TLS_UNKNOWN;
  snprintf (identity->text + used, sizeof identity->text - used, " TLS");
  return 0;
}
