/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* names.h: what names of disks and checkpoints consist of. */

#ifndef PULLBACK_NAMES_H
#define PULLBACK_NAMES_H

/* '/' parts the name of a disk from that of a dirty map in an export's name,
 * and files are called as checkpoints are: so it is not among them.
 */
#define NAME_CHARACTERS                                                       \
  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

#endif /* PULLBACK_NAMES_H */
