/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tls-rekey-limit.c: loaded before gnutls into a server: as soon as there is a
 * session it is as if nearly as many records had been sent as gnutls sends with
 * one key.  What happens then is gnutls's own doing; without this it would take
 * 256 GiB of data.
 */

#include "config.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <gnutls/gnutls.h>

#include "tls-rekey-limit.h"

int
gnutls_handshake (gnutls_session_t session)
{
  int (*handshake) (gnutls_session_t)
    = (int (*) (gnutls_session_t)) dlsym (RTLD_NEXT, "gnutls_handshake");
  int r = handshake (session);

  if (r == 0 && gnutls_record_set_state (session, 0, rekey_limit_sequence) < 0)
    abort ();
  return r;
}
