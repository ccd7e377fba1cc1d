/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-disks.h: the images behind a model, and what happens to them while
 * no checkpoint tool looks: a guest writes, crashes, snapshots are taken,
 * bitmaps are meddled with.  Each function changes images and model alike.
 */

#ifndef PULLBACK_CHECKPOINT_DISKS_H
#define PULLBACK_CHECKPOINT_DISKS_H

#include "checkpoint-model.h"

/* One to three disks in FOLDER, the first of them always a qcow2 image.  If
 * MAY_BE_ODD, some may be raw, read-only, or an empty drive.
 */
void disks_make (struct model *model, const char *folder, bool may_be_odd);

/* Two qcow2 images of 1 MiB, without anything random. */
void disks_make_two (struct model *model, const char *folder);

/* The domain's URI, into URI of COUNT bytes; a libvirt <domain> in
 * FOLDER/domain.xml if AS_XML.
 */
void disks_uri (const struct model *model, const char *folder, bool as_xml,
                char *uri, size_t count);

/* Random writes, discards and zero writes on a disk, by qemu-io; if KILLED, it
 * is killed before it closes the image.
 */
void disks_write (struct model *model, size_t disk, bool killed);

/* An overlay in FOLDER on top of a disk, with new bitmaps as libvirt makes
 * them, or a random part of these.
 */
void disks_snapshot (struct model *model, size_t disk, const char *folder,
                     bool as_libvirt);

/* qemu-img bitmap. */
void disks_add_bitmap (struct model *model, size_t disk, const char *name,
                       uint64_t granularity);
void disks_remove_bitmap (struct model *model, size_t disk, size_t layer,
                          const char *name);
void disks_disable_bitmap (struct model *model, size_t disk, size_t layer,
                           const char *name);

/* What older libvirt would have made: on each disk COUNT bitmaps, a, b, c, of
 * which only the last records, with writes in between; and perhaps overlays, if
 * there is a FOLDER for them.  Their checkpoints are in the model, but do not
 * exist yet.
 */
void disks_make_chain (struct model *model, const char *folder, size_t count);

/* Lock an image as QEMU does: a process that writes or reads it.  Closing the
 * file ends it.
 */
int disks_hold (const char *path, bool writes);

/* Hold the bitmaps of all layers against the model's.  Returns false with the
 * difference in TEXT.
 */
bool disks_compare (const struct model *model, char *text, size_t count);

/* The same of one disk, as qemu-img info shows it. */
bool disks_compare_with_qemu (const struct model *model, size_t disk,
                              char *text, size_t count);

/* Take over what is in a bitmap that is as the model says, but has more in it.
 */
void disks_enlarge (struct model *model);

/* Take over what the images have. */
void disks_resync (struct model *model);

#endif /* PULLBACK_CHECKPOINT_DISKS_H */
