/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-psk.h: users and their pre-shared keys, as a file has them. */

#ifndef PULLBACK_TLS_PSK_H
#define PULLBACK_TLS_PSK_H

#include <gnutls/gnutls.h>

/* Does not change, so that any number of threads may use it. */
struct tls_psk;

/* Read FILE: a line USER:KEY for each user, as psktool(1) writes it.  The key
 * is hexadecimal; a USER that starts with '#' is too, behind that.  An error
 * names the line.
 */
struct tls_psk *tls_psk_read (const char *file);

/* The key of the user called NAME, or NULL.  It is PSK's. */
const gnutls_datum_t *tls_psk_find (const struct tls_psk *psk,
                                    const gnutls_datum_t *name);

/* Keys do not stay in memory.  NULL does nothing. */
void tls_psk_free (struct tls_psk *psk);

#endif /* PULLBACK_TLS_PSK_H */
