/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* session.c: the domain and the checkpoint that a command is about. */

#include "config.h"

#include "say.h"
#include "session.h"

enum exit_code
session_open (const struct arguments *arguments, enum session_kind kind,
              pb_domain **domain)
{
  unsigned flags = kind == SESSION_READ ? PB_DOMAIN_READ_ONLY : 0;

  if (!has_option (arguments, OPTION_CONNECT))
    return wrong (arguments->command,
                  "no domain is named: give --connect URI, or set "
                  "PULLBACK_CONNECT");
  flags |= flag_of (arguments, OPTION_DATA_FILE, PB_DOMAIN_DATA_FILE);
  *domain = pb_domain_open (arguments->value[OPTION_CONNECT],
                            arguments->value[OPTION_STATE], flags);
  return *domain ? EXIT_CODE_DONE : failed ();
}

enum exit_code
session_lookup (const struct arguments *arguments, enum session_kind kind,
                pb_checkpoint **checkpoint)
{
  CLEANUP_DOMAIN pb_domain *domain = NULL;
  enum exit_code code = session_open (arguments, kind, &domain);

  if (code != EXIT_CODE_DONE)
    return code;
  *checkpoint
    = pb_domain_checkpoint_lookup_by_name (domain, arguments->operands[0], 0);
  return *checkpoint ? EXIT_CODE_DONE : failed ();
}
