/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* uuid.h: the identity of a domain. */

#ifndef PULLBACK_UUID_H
#define PULLBACK_UUID_H

/* TEXT, 32 hexadecimal digits with or without dashes between them, as 36
 * characters in lower case, freed by the caller.  EINVAL where it is none.
 */
char *uuid_normalize (const char *text);

#endif /* PULLBACK_UUID_H */
