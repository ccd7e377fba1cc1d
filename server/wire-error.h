/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wire-error.h: errno values as NBD error numbers. */

#ifndef PULLBACK_WIRE_ERROR_H
#define PULLBACK_WIRE_ERROR_H

#include <stdint.h>

/* The protocol's number for ERRNUM ("Error values"); what it has no number for
 * is an input/output error.
 */
uint32_t wire_error (int errnum);

#endif /* PULLBACK_WIRE_ERROR_H */
