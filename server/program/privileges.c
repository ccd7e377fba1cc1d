/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* privileges.c: giving up what a server has no use for.
 *
 * The list of system calls is one of what is refused, not of what is allowed:
 * the C library and gnutls choose their calls anew with each version, and a
 * server that dies of an upgrade is soon run without any filter.
 */

#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "privileges.h"
#include "pullback.h"

static const int refused[] = {
  /* programs and processes */
  SCMP_SYS (execve),
  SCMP_SYS (execveat),
  SCMP_SYS (process_vm_readv),
  SCMP_SYS (process_vm_writev),
  SCMP_SYS (process_madvise),
  SCMP_SYS (pidfd_getfd),
  SCMP_SYS (kcmp),
#ifndef __SANITIZE_ADDRESS__ /* its search for leaks traces the process */
  SCMP_SYS (ptrace),
#endif
  /* users and namespaces */
  SCMP_SYS (setuid),
  SCMP_SYS (setgid),
  SCMP_SYS (setreuid),
  SCMP_SYS (setregid),
  SCMP_SYS (setresuid),
  SCMP_SYS (setresgid),
  SCMP_SYS (setgroups),
  SCMP_SYS (setfsuid),
  SCMP_SYS (setfsgid),
  SCMP_SYS (unshare),
  SCMP_SYS (setns),
  /* mounts and roots */
  SCMP_SYS (mount),
  SCMP_SYS (umount),
  SCMP_SYS (umount2),
  SCMP_SYS (move_mount),
  SCMP_SYS (mount_setattr),
  SCMP_SYS (open_tree),
  SCMP_SYS (fsopen),
  SCMP_SYS (fsconfig),
  SCMP_SYS (fspick),
  SCMP_SYS (fsmount),
  SCMP_SYS (pivot_root),
  SCMP_SYS (chroot),
  /* the kernel */
  SCMP_SYS (create_module),
  SCMP_SYS (init_module),
  SCMP_SYS (finit_module),
  SCMP_SYS (delete_module),
  SCMP_SYS (query_module),
  SCMP_SYS (get_kernel_syms),
  SCMP_SYS (kexec_load),
  SCMP_SYS (kexec_file_load),
  SCMP_SYS (reboot),
  SCMP_SYS (bpf),
  SCMP_SYS (perf_event_open),
  SCMP_SYS (userfaultfd),
  SCMP_SYS (io_uring_setup),
  SCMP_SYS (io_uring_enter),
  SCMP_SYS (io_uring_register),
  SCMP_SYS (add_key),
  SCMP_SYS (request_key),
  SCMP_SYS (keyctl),
  SCMP_SYS (open_by_handle_at),
  SCMP_SYS (fanotify_init),
  SCMP_SYS (lookup_dcookie),
  SCMP_SYS (syslog),
  SCMP_SYS (_sysctl),
  SCMP_SYS (uselib),
  SCMP_SYS (modify_ldt),
  SCMP_SYS (personality),
  /* the machine */
  SCMP_SYS (iopl),
  SCMP_SYS (ioperm),
  SCMP_SYS (pciconfig_read),
  SCMP_SYS (pciconfig_write),
  SCMP_SYS (pciconfig_iobase),
  SCMP_SYS (swapon),
  SCMP_SYS (swapoff),
  SCMP_SYS (acct),
  SCMP_SYS (stime),
  SCMP_SYS (settimeofday),
  SCMP_SYS (clock_settime),
  SCMP_SYS (clock_settime64),
  SCMP_SYS (clock_adjtime),
  SCMP_SYS (clock_adjtime64),
  SCMP_SYS (adjtimex),
  SCMP_SYS (sethostname),
  SCMP_SYS (setdomainname),
  SCMP_SYS (quotactl),
  SCMP_SYS (quotactl_fd),
  SCMP_SYS (nfsservctl),
  SCMP_SYS (vhangup),
};

/* What clone () must not make.  CLONE_NEWTIME is not among its flags. */
static const uint64_t refused_clones[] = {
  CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
  CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET,
};

/* Where the kernel has its flags. */
#ifdef __s390__
#define CLONE_FLAGS_ARGUMENT 1
#else
#define CLONE_FLAGS_ARGUMENT 0
#endif

static int
drop_capabilities (void)
{
  struct __user_cap_header_struct header
    = { .version = _LINUX_CAPABILITY_VERSION_3 };
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

  if (syscall (SYS_capset, &header, none) == -1) {
    pb_set_error (errno, "capabilities cannot be dropped: %s",
                  strerror (errno));
    return -1;
  }
  return 0;
}

static int
refuse_namespaces (scmp_filter_ctx filter)
{
  size_t nr = sizeof refused_clones / sizeof refused_clones[0];
  int r = 0;

  for (size_t i = 0; i < nr && r == 0; i++)
    r = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (clone), 1,
                          SCMP_CMP64 (CLONE_FLAGS_ARGUMENT,
                                      SCMP_CMP_MASKED_EQ, refused_clones[i],
                                      refused_clones[i]));
  /* Its flags are in memory, where a filter does not see them; as on a kernel
   * that does not have it the C library falls back to clone ().
   */
  if (r == 0)
    r = seccomp_rule_add (filter, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3),
                          0);
  return r;
}

static int
add_rules (scmp_filter_ctx filter)
{
  int r = 0;

  for (size_t i = 0; i < sizeof refused / sizeof refused[0] && r == 0; i++)
    r = seccomp_rule_add (filter, SCMP_ACT_ERRNO (EPERM), refused[i], 0);
  return r == 0 ? refuse_namespaces (filter) : r;
}

static int
refuse_system_calls (void)
{
  scmp_filter_ctx filter = seccomp_init (SCMP_ACT_ALLOW);
  int r;

  if (filter == NULL) {
    pb_set_error (ENOMEM, "seccomp: out of memory");
    return -1;
  }
  r = add_rules (filter);
  if (r == 0)
    r = seccomp_load (filter);
  seccomp_release (filter);
  if (r < 0) {
    pb_set_error (-r, "seccomp: %s", strerror (-r));
    return -1;
  }
  return 0;
}

int
privileges_drop (void)
{
  if (drop_capabilities () == -1)
    return -1;
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
    pb_set_error (errno, "no_new_privs: %s", strerror (errno));
    return -1;
  }
  return refuse_system_calls ();
}
