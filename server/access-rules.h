/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* access-rules.h: rules as they are in memory, between what reads them from a
 * file and what judges by them.
 */

#ifndef PULLBACK_ACCESS_RULES_H
#define PULLBACK_ACCESS_RULES_H

#include <stddef.h>

#include "access.h"

enum access_kind {
  ACCESS_CERTIFICATE,
  ACCESS_PSK,
  ACCESS_USER,
  ACCESS_ADDRESS
};

struct access_network {
  unsigned char bytes[16];
  size_t size;   /* 4 or 16 bytes */
  unsigned bits; /* that count, at most size * 8 */
};

struct access_condition {
  enum access_kind kind;
  char *pattern;                 /* CERTIFICATE, PSK */
  uid_t uid;                     /* USER */
  struct access_network network; /* ADDRESS */
};

struct access_rule {
  size_t nr_conditions; /* > 0; all must hold */
  struct access_condition *conditions;
  char *export;         /* pattern */
  unsigned rights;      /* of enum access_rights */
  size_t nr_maps;
  char **maps;          /* patterns */
};

struct access {
  size_t nr_rules;
  struct access_rule *rules;
};

#endif /* PULLBACK_ACCESS_RULES_H */
