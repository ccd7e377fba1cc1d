/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* nbd-description.h: what the descriptions of our servers' exports tell their
 * clients.
 *
 * Neither the allocation that an export tells of nor a metadata context has a
 * way to say that it is a map of changes, or that QEMU does not record into its
 * bitmap any more, so that an increment from it alone would miss changes.  So
 * descriptions say it, and clients of ours look for it there.  These texts are
 * on the wire between releases: they stay as they are.
 */

#ifndef PULLBACK_NBD_DESCRIPTION_H
#define PULLBACK_NBD_DESCRIPTION_H

/* How the description of each export of our nbdkit plugin that is a dirty map
 * starts, and of no other one, and how it ends where the map is disabled.
 */
#define NBD_DESCRIPTION_MAP          "pullback dirty map "
#define NBD_DESCRIPTION_MAP_DISABLED ", disabled"

/* How backup-serve's description of a disk goes on where maps of it are
 * disabled, before the name of each in quotes, and how it ends where not all
 * have room.
 */
#define NBD_DESCRIPTION_DISABLED_MAPS        ", disabled dirty maps:"
#define NBD_DESCRIPTION_DISABLED_MAPS_OTHERS " and others"

#endif /* PULLBACK_NBD_DESCRIPTION_H */
