/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* pid-file.h: a file that says that the server is ready, and its process id. */

#ifndef PULLBACK_PID_FILE_H
#define PULLBACK_PID_FILE_H

/* Write this process's id into the file PATH, in one step: whoever sees the
 * file sees all of it.  One that another server has left there is replaced; what
 * is no pid file is not (EEXIST).
 */
int pid_file_write (const char *path);

/* Remove it, where it still is this process's. */
void pid_file_remove (const char *path);

#endif /* PULLBACK_PID_FILE_H */
