/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls.h: TLS by gnutls: credentials, and a transport around another one. */

#ifndef PULLBACK_TLS_H
#define PULLBACK_TLS_H

#include <stdbool.h>

#include "identity.h"
#include "transport.h"

enum tls_mode {
  TLS_OFF,
  TLS_ON,     /* for clients that ask for it */
  TLS_REQUIRE /* nothing is served without it */
};

/* What the server proves itself with, and knows clients by.  Many sessions use
 * it at once; it does not change.
 */
struct tls_credentials;

/* Read all files.  FOLDER has ca-cert.pem, server-cert.pem, server-key.pem and
 * perhaps ca-crl.pem, as nbdkit and libvirt have them; PSK_FILE has a line
 * USER:KEY for each user, as psktool(1) writes it.  Either may be NULL.  With
 * VERIFY_PEER a client that comes by certificates must have one that the
 * authority has signed for clients.  With NEEDS_CRL there must be a ca-crl.pem.
 */
struct tls_credentials *tls_credentials_new (const char *folder,
                                             const char *psk_file,
                                             bool verify_peer, bool needs_crl);
bool tls_credentials_have_crl (const struct tls_credentials *credentials);
void tls_credentials_free (struct tls_credentials *credentials);

/* Shake hands over PLAIN, before its deadline, and note in IDENTITY who the
 * client is.  PLAIN is owned from here on, but not where this fails.  CREDENTIALS
 * must outlive the transport.
 */
struct transport *transport_tls_new (struct transport *plain,
                                     const struct tls_credentials *credentials,
                                     struct identity *identity);

#endif /* PULLBACK_TLS_H */
