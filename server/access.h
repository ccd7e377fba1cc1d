/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* access.h: the rules of an access file: who is granted what.
 *
 * A rule is a line
 *
 *   allow WHO... export PATTERN RIGHT...
 *
 * where WHO is "certificate PATTERN" (of the DN), "psk PATTERN" (of the user),
 * "user NAME-OR-NUMBER" (of a unix socket's peer) or "address ADDRESS[/BITS]",
 * all of which must hold, and RIGHT is "list", "read", "map" or "map=PATTERN".
 * Patterns are those of the shell.  Words with spaces are in double quotes; a
 * line that starts with '#' is a comment.  Rights of all rules that hold add
 * up; what no rule grants is refused.
 */

#ifndef PULLBACK_ACCESS_H
#define PULLBACK_ACCESS_H

#include <stdbool.h>

#include "identity.h"

enum access_rights {
  ACCESS_LIST = 1, /* see that the export is there, and its size */
  ACCESS_READ = 2, /* read it */
  ACCESS_MAP = 4   /* at least one of its maps, if there is such */
};

struct access;

/* Read the rules of FILE. */
struct access *access_read (const char *file);
void access_free (struct access *access);

/* Does any rule hold for this client? */
bool access_knows (const struct access *access,
                   const struct identity *identity);

/* What the client may do with the export called NAME: of enum access_rights. */
unsigned access_rights (const struct access *access,
                        const struct identity *identity, const char *name);

/* May it have the export's dirty map called MAP? */
bool access_may_map (const struct access *access,
                     const struct identity *identity, const char *name,
                     const char *map);

/* Could a rule hold for a client without TLS that comes over a unix socket, or
 * over TCP?
 */
bool access_admits_plain (const struct access *access, bool is_unix);

/* Is there a rule about clients that TLS tells so, IDENTITY_PSK or
 * IDENTITY_CERTIFICATE?
 */
bool access_needs_tls (const struct access *access, enum identity_tls tls);

#endif /* PULLBACK_ACCESS_H */
