/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* drop-disk.h: a disk taken out of checkpoints that cannot say any more what
 * has changed on it.
 */

#ifndef PULLBACK_DROP_DISK_H
#define PULLBACK_DROP_DISK_H

#include "domain.h"

/* Take the disk out of the checkpoint NAME, and remove its bitmap from every
 * layer.  Where older checkpoints' changes are spread over a chain of bitmaps
 * that this one has broken, they would seem whole without it: the disk is taken
 * out of them as well.
 */
int domain_drop_disk (pb_domain *domain, const char *name, const char *disk);

#endif /* PULLBACK_DROP_DISK_H */
