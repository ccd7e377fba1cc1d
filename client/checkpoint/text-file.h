/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* text-file.h: XML that users give as a file. */

#ifndef PULLBACK_CHECKPOINT_TEXT_FILE_H
#define PULLBACK_CHECKPOINT_TEXT_FILE_H

/* As much as the library and libvirt take. */
#define TEXT_FILE_MAX ((size_t) 1 << 20)

/* The text in the file PATH, or on standard input where PATH is "-".  Freed
 * by the caller; NULL, with an error set, where it cannot be read, is longer
 * than TEXT_FILE_MAX, or has a NUL in it.
 */
char *text_file_read (const char *path);

#endif /* PULLBACK_CHECKPOINT_TEXT_FILE_H */
