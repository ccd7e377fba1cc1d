/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-uri.h: what libnbd does not check of an NBD URI.
 *
 * libnbd 1.14 ignores parameters that it does not know, and where it finds no
 * certificate authority for an nbds URI it encrypts without verifying who is
 * at the other end.  A misspelt name must not do that to a backup.
 */

#ifndef PULLBACK_NBD_URI_H
#define PULLBACK_NBD_URI_H

/* Is URI one that can be connected to at all?  -1 with an error if not. */
int nbd_uri_check (const char *uri);

/* The name of the export in URI, which has passed nbd_uri_check (); "" where it
 * names none.  Freed by the caller; NULL where there is no memory.
 */
char *nbd_uri_export (const char *uri);

/* Does URI, which has passed nbd_uri_check (), go without TLS, or name a key
 * or a certificate authority that can be read?  -1 with an error if not.
 */
int nbd_uri_check_credentials (const char *uri);

#endif /* PULLBACK_NBD_URI_H */
