/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* access.c: who is granted what by the rules of an access file. */

#include "config.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "access-rules.h"

static bool
address_is_in (const struct access_network *network,
               const struct identity *identity)
{
  const unsigned char *bytes = NULL;
  unsigned whole = network->bits / 8, rest = network->bits % 8;

  if (identity_address (identity, &bytes) != network->size
      || memcmp (bytes, network->bytes, whole) != 0)
    return false;
  return rest == 0
         || ((bytes[whole] ^ network->bytes[whole]) >> (8 - rest)) == 0;
}

static bool
condition_holds (const struct access_condition *condition,
                 const struct identity *identity)
{
  switch (condition->kind) {
  case ACCESS_CERTIFICATE:
    return identity->tls == IDENTITY_CERTIFICATE
           && fnmatch (condition->pattern, identity->tls_name, FNM_NOESCAPE)
                == 0;
  case ACCESS_PSK:
    return identity->tls == IDENTITY_PSK
           && fnmatch (condition->pattern, identity->tls_name, FNM_NOESCAPE)
                == 0;
  case ACCESS_USER:
    return identity->is_unix && identity->uid == condition->uid;
  case ACCESS_ADDRESS:
    return address_is_in (&condition->network, identity);
  }
  return false;
}

static bool
rule_holds (const struct access_rule *rule, const struct identity *identity)
{
  for (size_t i = 0; i < rule->nr_conditions; i++)
    if (!condition_holds (&rule->conditions[i], identity))
      return false;
  return true;
}

/* Does the rule hold for this client and the export? */
static bool
rule_is_about (const struct access_rule *rule,
               const struct identity *identity, const char *name)
{
  return fnmatch (rule->export, name, FNM_NOESCAPE) == 0
         && rule_holds (rule, identity);
}

bool
access_knows (const struct access *access, const struct identity *identity)
{
  for (size_t i = 0; i < access->nr_rules; i++)
    if (rule_holds (&access->rules[i], identity))
      return true;
  return false;
}

unsigned
access_rights (const struct access *access, const struct identity *identity,
               const char *name)
{
  unsigned rights = 0;

  for (size_t i = 0; i < access->nr_rules; i++)
    if (rule_is_about (&access->rules[i], identity, name))
      rights |= access->rules[i].rights;
  return rights;
}

bool
access_may_map (const struct access *access, const struct identity *identity,
                const char *name, const char *map)
{
  for (size_t i = 0; i < access->nr_rules; i++) {
    const struct access_rule *rule = &access->rules[i];

    if (!rule_is_about (rule, identity, name))
      continue;
    for (size_t j = 0; j < rule->nr_maps; j++)
      if (fnmatch (rule->maps[j], map, FNM_NOESCAPE) == 0)
        return true;
  }
  return false;
}

bool
access_admits_plain (const struct access *access, bool is_unix)
{
  enum access_kind kind = is_unix ? ACCESS_USER : ACCESS_ADDRESS;

  for (size_t i = 0; i < access->nr_rules; i++) {
    const struct access_rule *rule = &access->rules[i];
    size_t j = 0;

    while (j < rule->nr_conditions && rule->conditions[j].kind == kind)
      j++;
    if (j == rule->nr_conditions)
      return true;
  }
  return false;
}

bool
access_needs_tls (const struct access *access, enum identity_tls tls)
{
  enum access_kind kind
    = tls == IDENTITY_PSK ? ACCESS_PSK : ACCESS_CERTIFICATE;

  for (size_t i = 0; i < access->nr_rules; i++)
    for (size_t j = 0; j < access->rules[i].nr_conditions; j++)
      if (access->rules[i].conditions[j].kind == kind)
        return true;
  return false;
}

void
access_free (struct access *access)
{
  if (access == NULL)
    return;
  for (size_t i = 0; i < access->nr_rules; i++) {
    struct access_rule *rule = &access->rules[i];

    for (size_t j = 0; j < rule->nr_conditions; j++)
      free (rule->conditions[j].pattern);
    for (size_t j = 0; j < rule->nr_maps; j++)
      free (rule->maps[j]);
    free (rule->conditions);
    free (rule->maps);
    free (rule->export);
  }
  free (access->rules);
  free (access);
}
