/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.h: another program, run to its end. */

#ifndef PULLBACK_PROCESS_H
#define PULLBACK_PROCESS_H

/* Run ARGV[0], which is looked for in $PATH, with the arguments ARGV (ended by
 * NULL), and wait for it.  No shell has a part in that.
 *
 * The program reads nothing, what it prints is dropped, and what it says on
 * standard error becomes part of the error.  Its messages are in English, its
 * signals as a program expects them, and it has no open file of ours but
 * KEEP_FD (-1: none).  It runs in a session of its own, so that an interrupt
 * from the terminal, or the end of this process, does not stop it halfway.
 *
 * Fails with ENOENT where there is no such program, and with EIO where it does
 * not exit with 0.  Safe in a program with threads, whose handling of signals
 * and of other children does not change; but a program that ignores SIGCHLD
 * loses the exit status: that is ECHILD, after the program has ended.
 */
int process_run (const char *const argv[], int keep_fd);

/* Is PROGRAM, a name without a slash, in $PATH?  If not, that is the error of
 * process_run (), ENOENT.
 */
int process_check (const char *program);

#endif /* PULLBACK_PROCESS_H */
