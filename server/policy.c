/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* policy.c: what the operator has said about security. */

#include "config.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy.h"
#include "pullback.h"

struct policy {
  atomic_uint references;
  enum tls_mode tls;
  struct tls_credentials *credentials;
  bool identifies_tls; /* TLS can tell who a client is */
  bool insecure;
  struct access *access;
};

/* A rule that can never hold is a mistake that its author wants to know of. */
static int
check_rules (const struct policy *policy, const struct policy_config *config)
{
  bool has_certificates = config->tls != TLS_OFF && config->tls_verify_peer;
  bool has_keys = config->tls != TLS_OFF && config->tls_psk;
  bool is_keys = access_needs_tls (policy->access, IDENTITY_PSK) && !has_keys;

  if (!is_keys
      && (has_certificates
          || !access_needs_tls (policy->access, IDENTITY_CERTIFICATE)))
    return 0;
  pb_set_error (EINVAL, "%s: a rule is about %s, but %s is not in use",
                config->access,
                is_keys ? "pre-shared keys" : "certificates",
                is_keys ? "--tls-psk" : "--tls-verify-peer");
  return -1;
}

struct policy *
policy_new (const struct policy_config *config)
{
  struct policy *policy = calloc (1, sizeof *policy);

  if (policy == NULL) {
    pb_set_error (errno, "security: %s", strerror (errno));
    return NULL;
  }
  policy->references = 1;
  policy->tls = config->tls;
  policy->insecure = config->insecure;
  policy->identifies_tls = config->tls_psk || config->tls_verify_peer;
  if (config->access) {
    policy->access = access_read (config->access);
    if (policy->access == NULL || check_rules (policy, config) == -1) {
      policy_unref (policy);
      return NULL;
    }
  }
  if (config->tls == TLS_OFF)
    return policy;
  policy->credentials
    = tls_credentials_new (config->tls_certificates, config->tls_psk,
                           config->tls_verify_peer, config->needs_crl);
  if (policy->credentials == NULL) {
    policy_unref (policy);
    return NULL;
  }
  return policy;
}

static int
check_regular (const char *file)
{
  struct stat st;

  if (file == NULL || stat (file, &st) == -1 || S_ISREG (st.st_mode))
    return 0; /* what else is wrong is found when it is read */
  pb_set_error (EINVAL, "%s: is no regular file, and is read once only", file);
  return -1;
}

int
policy_check_again (const struct policy_config *config)
{
  return check_regular (config->access) == 0
           ? check_regular (config->tls_psk)
           : -1;
}

struct policy *
policy_ref (struct policy *policy)
{
  atomic_fetch_add (&policy->references, 1);
  return policy;
}

void
policy_unref (struct policy *policy)
{
  if (policy == NULL || atomic_fetch_sub (&policy->references, 1) > 1)
    return;
  tls_credentials_free (policy->credentials);
  access_free (policy->access);
  free (policy);
}

const struct tls_credentials *
policy_credentials (const struct policy *policy)
{
  return policy->credentials;
}

bool
policy_has_crl (const struct policy *policy)
{
  return policy->credentials && tls_credentials_have_crl (policy->credentials);
}

const struct access *
policy_access (const struct policy *policy)
{
  return policy->access;
}

static bool
is_own_user (const struct identity *identity)
{
  return identity->is_unix
         && (identity->uid == geteuid () || identity->uid == 0);
}

static bool
is_known (const struct policy *policy, const struct identity *identity)
{
  if (policy->access)
    return access_knows (policy->access, identity);
  return policy->insecure || is_own_user (identity)
         || identity->tls == IDENTITY_PSK
         || identity->tls == IDENTITY_CERTIFICATE;
}

enum policy_verdict
policy_judge (const struct policy *policy, const struct identity *identity)
{
  if (policy->tls == TLS_REQUIRE && identity->tls == IDENTITY_NO_TLS)
    return POLICY_NEEDS_TLS;
  if (is_known (policy, identity))
    return POLICY_GRANTED;
  if (policy->credentials && policy->identifies_tls
      && identity->tls == IDENTITY_NO_TLS)
    return POLICY_NEEDS_TLS;
  if (policy->access)
    pb_set_error (EACCES, "no rule is about this client");
  else if (identity->is_unix)
    pb_set_error (EACCES, "only user %ju, who runs the server, and root may "
                          "connect",
                  (uintmax_t) geteuid ());
  else
    pb_set_error (EACCES, "nothing says who this client is");
  return POLICY_REFUSED;
}

bool
policy_demands_tls (const struct policy *policy, bool is_unix)
{
  if (policy->tls == TLS_REQUIRE)
    return true;
  if (policy->credentials == NULL || !policy->identifies_tls)
    return false;
  return policy->access ? !access_admits_plain (policy->access, is_unix)
                        : !is_unix && !policy->insecure;
}

int
policy_check_tcp (const struct policy *policy)
{
  if (policy->access || policy->insecure
      || (policy->credentials && policy->identifies_tls))
    return 0;
  if (policy->credentials)
    pb_set_error (EACCES, "TLS without --tls-verify-peer does not tell who a "
                          "client is; say --insecure if anybody may read the "
                          "disks");
  else
    pb_set_error (EACCES, "anybody who reaches that address could read the "
                          "disks; use TLS, or say --insecure if that is "
                          "meant");
  return -1;
}
