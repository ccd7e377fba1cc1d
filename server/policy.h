/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy.h: what the operator has said about security, as one thing that can be
 * replaced while clients are served: they keep what they have come under.
 */

#ifndef PULLBACK_POLICY_H
#define PULLBACK_POLICY_H

#include <stdbool.h>

#include "access.h"
#include "tls.h"

struct policy_config {
  enum tls_mode tls;
  const char *tls_certificates; /* a folder, or NULL */
  const char *tls_psk;          /* a file, or NULL */
  bool tls_verify_peer;
  bool needs_crl;     /* the folder must have ca-crl.pem, too */
  bool insecure;      /* serve whoever can connect */
  const char *access; /* a file of rules, or NULL */
};

struct policy;

/* Read all files that CONFIG names. */
struct policy *policy_new (const struct policy_config *config);

/* Can they be read a second time?  A pipe may keep its reader for ever. */
int policy_check_again (const struct policy_config *config);

/* Safe from any thread. */
struct policy *policy_ref (struct policy *policy);
void policy_unref (struct policy *policy);

/* NULL: there is no TLS. */
const struct tls_credentials *policy_credentials (const struct policy *policy);

/* Is there a list of revoked certificates? */
bool policy_has_crl (const struct policy *policy);

/* NULL: there are no rules, and whoever is served may see everything. */
const struct access *policy_access (const struct policy *policy);

enum policy_verdict {
  POLICY_REFUSED = -1, /* the error says why */
  POLICY_NEEDS_TLS,    /* not before the client has shown who it is by TLS */
  POLICY_GRANTED
};

/* May this client be served?  By the rules, where there are some.  Else it is
 * whoever runs the server, and root, over a unix socket, and who is known by
 * TLS through a key or a verified certificate.
 */
enum policy_verdict policy_judge (const struct policy *policy,
                                  const struct identity *identity);

/* Is nobody served without TLS who comes over a unix socket, or over TCP? */
bool policy_demands_tls (const struct policy *policy, bool is_unix);

/* Could a client that only its address is known of ever be served?  If not, the
 * error says what is missing.
 */
int policy_check_tcp (const struct policy *policy);

#endif /* PULLBACK_POLICY_H */
