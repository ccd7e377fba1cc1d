/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* file-limit.h: how many files the server may have open, and its children. */

#ifndef PULLBACK_FILE_LIMIT_H
#define PULLBACK_FILE_LIMIT_H

/* Raise this process's limit as far as it may be, since each client takes a
 * descriptor.  Where it cannot be raised, accepting says so when it is reached.
 */
void file_limit_raise (void);

/* In a child, before it becomes another program: the limit as it was.  Some
 * programs use select (), or go through all descriptors that there could be.
 */
void file_limit_restore (void);

#endif /* PULLBACK_FILE_LIMIT_H */
