/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* editor.h: a text that the user edits. */

#ifndef PULLBACK_CHECKPOINT_EDITOR_H
#define PULLBACK_CHECKPOINT_EDITOR_H

/* Write TEXT to a new file that only its owner can read, in $TMPDIR or /tmp.
 * Returns the file's name, freed by the caller, or NULL with an error set.
 */
char *editor_write (const char *text);

/* Run $VISUAL, $EDITOR or vi, which may be a command with arguments, on the
 * file PATH, and wait until it ends.  An editor that fails is an error.
 */
int editor_run (const char *path);

#endif /* PULLBACK_CHECKPOINT_EDITOR_H */
