/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-credentials.c: certificates, keys, and what ciphers are good for. */

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "pullback.h"
#include "tls-internal.h"

/* TLS 1.2 or newer; AES-GCM before the rest, in the server's order: with a
 * pre-shared key gnutls's own order ends at CHACHA20, which takes 3.4 times as
 * long on processors that have instructions for AES.  CBC and what else remains
 * is for nobody.  Of TLS 1.2, gnutls has AES-GCM with DHE-PSK but not with
 * ECDHE-PSK, and goes by that before it goes by ciphers.
 */
#define PRIORITY                                                              \
  "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-CIPHER-ALL:+AES-256-GCM:"      \
  "+AES-128-GCM:+CHACHA20-POLY1305:%SERVER_PRECEDENCE"
#define PRIORITY_PSK PRIORITY ":+DHE-PSK:+ECDHE-PSK"

static int
fail (const char *file, int r)
{
  pb_set_error (EINVAL, "%s: %s", file, gnutls_strerror (r));
  return -1;
}

/* "FOLDER/NAME".  Where the file is not there it is NULL, with an error. */
static char *
path_in (const char *folder, const char *name)
{
  char *path;

  if (asprintf (&path, "%s/%s", folder, name) == -1) {
    pb_set_error (ENOMEM, "%s/%s: out of memory", folder, name);
    return NULL;
  }
  if (access (path, R_OK) == -1) {
    pb_set_error (errno, "%s: %s", path, strerror (errno));
    free (path);
    return NULL;
  }
  return path;
}

static int
load_certificates (struct tls_credentials *credentials, const char *folder,
                   bool needs_crl)
{
  char *CLEANUP_FREE authority = path_in (folder, "ca-cert.pem");
  char *CLEANUP_FREE certificate
    = authority ? path_in (folder, "server-cert.pem") : NULL;
  char *CLEANUP_FREE key
    = certificate ? path_in (folder, "server-key.pem") : NULL;
  int r;

  if (key == NULL)
    return -1;
  r = gnutls_certificate_allocate_credentials (&credentials->certificates);
  if (r < 0)
    return fail (folder, r);
  r = gnutls_certificate_set_x509_trust_file (
    credentials->certificates, authority, GNUTLS_X509_FMT_PEM);
  if (r < 0)
    return fail (authority, r);
  if (r == 0) {
    pb_set_error (EINVAL, "%s: there is no certificate in it", authority);
    return -1;
  }
  r = gnutls_certificate_set_x509_key_file (
    credentials->certificates, certificate, key, GNUTLS_X509_FMT_PEM);
  if (r < 0) {
    pb_set_error (EINVAL, "%s with %s: %s", certificate, key,
                  gnutls_strerror (r));
    return -1;
  }

  char *CLEANUP_FREE revoked = path_in (folder, "ca-crl.pem");
  if (revoked == NULL && (needs_crl || pb_get_errno () != ENOENT))
    return -1;
  if (revoked) {
    r = gnutls_certificate_set_x509_crl_file (
      credentials->certificates, revoked, GNUTLS_X509_FMT_PEM);
    if (r < 0)
      return fail (revoked, r);
    credentials->has_crl = true;
  }
  return 0;
}

/* For gnutls: the key that the client shows to have, if it does.  It takes
 * memory of gnutls's, which wipes it.  Returns 1 where there is no such user,
 * whom gnutls then tries a random key with.
 */
static int
give_key (gnutls_session_t session, const gnutls_datum_t *user,
          gnutls_datum_t *key)
{
  const struct tls_credentials *credentials
    = gnutls_session_get_ptr (session);
  const gnutls_datum_t *found = tls_psk_find (credentials->keys, user);

  if (found == NULL)
    return 1;
  key->data = gnutls_malloc (found->size);
  if (key->data == NULL)
    return -1;
  memcpy (key->data, found->data, found->size);
  key->size = found->size;
  return 0;
}

/* gnutls could read the file itself, but does it for each client: changes, also
 * half-written ones, would count before the server is told of them.
 */
static int
load_psk (struct tls_credentials *credentials, const char *file)
{
  int r;

  credentials->keys = tls_psk_read (file);
  if (credentials->keys == NULL)
    return -1;
  r = gnutls_psk_allocate_server_credentials (&credentials->psk);
  if (r < 0)
    return fail (file, r);
  gnutls_psk_set_server_credentials_function2 (credentials->psk, give_key);
  return 0;
}

struct tls_credentials *
tls_credentials_new (const char *folder, const char *psk_file,
                     bool verify_peer, bool needs_crl)
{
  struct tls_credentials *credentials = calloc (1, sizeof *credentials);
  const char *where;
  int r;

  if (credentials == NULL) {
    pb_set_error (errno, "TLS: %s", strerror (errno));
    return NULL;
  }
  credentials->verify_peer = verify_peer;
  if ((folder && load_certificates (credentials, folder, needs_crl) == -1)
      || (psk_file && load_psk (credentials, psk_file) == -1))
    goto error;
  r = gnutls_priority_init (&credentials->priority,
                            psk_file ? PRIORITY_PSK : PRIORITY, &where);
  if (r < 0) {
    fail ("TLS: what ciphers there may be", r);
    goto error;
  }
  return credentials;

error:
  tls_credentials_free (credentials);
  return NULL;
}

bool
tls_credentials_have_crl (const struct tls_credentials *credentials)
{
  return credentials->has_crl;
}

void
tls_credentials_free (struct tls_credentials *credentials)
{
  if (credentials == NULL)
    return;
  if (credentials->certificates)
    gnutls_certificate_free_credentials (credentials->certificates);
  if (credentials->psk)
    gnutls_psk_free_server_credentials (credentials->psk);
  tls_psk_free (credentials->keys);
  if (credentials->priority)
    gnutls_priority_deinit (credentials->priority);
  free (credentials);
}
