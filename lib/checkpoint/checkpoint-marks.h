/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* checkpoint-marks.h: what only we know of a checkpoint, and its format has no
 * place for: processing instructions before the root element of its file, which
 * others ignore.
 *
 *   <?pullback bitmaps='independent'?>
 *   <?pullback disk='vda' image='/img/a.qcow2' file-system='12' inode='34'?>
 *
 * In the name of an image, bytes are written as percent.h says.
 */

#ifndef PULLBACK_CHECKPOINT_MARKS_H
#define PULLBACK_CHECKPOINT_MARKS_H

#include <stdio.h>

#include "checkpoint-def.h"
#include "xml.h"

int checkpoint_marks_write (FILE *stream, const struct checkpoint_def *def);

/* Add to DEF, which has its disks, what the marks in DOC say; those of disks
 * that DEF has not got say nothing.  EINVAL for one that cannot be understood:
 * what it says may be what keeps a bitmap from being believed.
 */
int checkpoint_marks_parse (struct checkpoint_def *def, const xmlDoc *doc);

#endif /* PULLBACK_CHECKPOINT_MARKS_H */
