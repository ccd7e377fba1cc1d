/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* privileges.h: giving up what a server that only reads and sends has no use
 * for, so that a client that breaks into it has no use of it either.
 */

#ifndef PULLBACK_PRIVILEGES_H
#define PULLBACK_PRIVILEGES_H

/* From here on this process and all its threads, of which there must be only
 * one yet, have no capabilities, can gain no privileges, and fail (EPERM) at
 * system calls that run programs, trace processes, change mounts, namespaces,
 * users, the kernel or settings of the machine.  Files that are open stay so;
 * a socket that needs a capability to be bound must be bound before.
 */
int privileges_drop (void);

#endif /* PULLBACK_PRIVILEGES_H */
