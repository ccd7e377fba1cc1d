/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sanitize-first.c: start AddressSanitizer before anything else.
 *
 * nbdkit is not built with AddressSanitizer, so it is loaded ahead of it, and
 * starts with the first allocation of the process.  In nbdkit that is one in
 * a constructor of p11-kit, inside newlocale (3): starting then looks up
 * symbols, whose absence is worded by gettext, which takes and gives back the
 * lock that newlocale holds.  From there on the lock is wrong, and a process
 * that has printed an error hangs in exit.  This is loaded too, is linked
 * with -z initfirst, and allocates at once.
 */

#include <stdlib.h>

static __attribute__ ((__constructor__)) void
allocate_first (void)
{
  free (malloc (1));
}
