/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* percent.h: any string as printable ASCII.
 *
 * Names of files and bitmaps may hold every byte but NUL, and XML cannot.  A
 * byte that is not printable ASCII, or that means something in XML or here, is
 * written as "%" and two hexadecimal digits, as in a URI.
 */

#ifndef PULLBACK_PERCENT_H
#define PULLBACK_PERCENT_H

/* Freed by the caller; NULL only where memory is short. */
char *percent_encode (const char *text);

/* The inverse, freed by the caller.  EINVAL, with WHAT in the error, where TEXT
 * is not what percent_encode () makes: "%00", or digits that are none.
 */
char *percent_decode (const char *what, const char *text);

#endif /* PULLBACK_PERCENT_H */
