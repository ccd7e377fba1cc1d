/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-rekey-limit.h: how far a session is at its start, for tests of its
 * limit.
 */

#ifndef PULLBACK_TLS_REKEY_LIMIT_H
#define PULLBACK_TLS_REKEY_LIMIT_H

/* gnutls sends 2^24 records with one key of AES-GCM; this is 256 before that,
 * as gnutls_record_set_state () takes it.
 */
static const unsigned char rekey_limit_sequence[8]
  = { 0, 0, 0, 0, 0, 0xff, 0xff, 0 };

#endif /* PULLBACK_TLS_REKEY_LIMIT_H */
