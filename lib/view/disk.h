/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk.h: inside the view of a disk at rest. */

#ifndef PULLBACK_VIEW_DISK_H
#define PULLBACK_VIEW_DISK_H

#include "pullback.h"

/* The image of VIEW, which pb_view_open_disk () has opened.  It is the view's,
 * and locked against writers as long as that.
 */
const pb_image *disk_view_image (const pb_view *view);

#endif /* PULLBACK_VIEW_DISK_H */
