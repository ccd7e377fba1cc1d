/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* session.h: the domain and the checkpoint that a command is about. */

#ifndef PULLBACK_CHECKPOINT_SESSION_H
#define PULLBACK_CHECKPOINT_SESSION_H

#include "cleanup.h"
#include "command.h"
#include "pullback.h"

enum session_kind {
  SESSION_READ,  /* others may read it at the same time */
  SESSION_CHANGE
};

/* Open the domain of --connect and --state into *DOMAIN.  Where that fails,
 * it is said on standard error, and the exit code for it is returned.
 */
enum exit_code session_open (const struct arguments *arguments,
                             enum session_kind kind, pb_domain **domain);

/* The same, and find the checkpoint that the first operand names.  The handle
 * has the domain with it.
 */
enum exit_code session_lookup (const struct arguments *arguments,
                               enum session_kind kind,
                               pb_checkpoint **checkpoint);

#endif /* PULLBACK_CHECKPOINT_SESSION_H */
