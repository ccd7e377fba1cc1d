/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-serve-privileges.c: what a server can and cannot do when it has given up
 * what it does not need.
 *
 * Arguments are such that a call which is not refused does no harm.
 */

#include "config.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "privileges.h"
#include "unit.h"

static const struct {
  const char *name;
  long number;
} refused[] = {
#define CALL(name) { #name, SYS_##name }
  /* programs and processes */
  CALL (execve), CALL (execveat), CALL (process_vm_readv),
  CALL (process_vm_writev), CALL (process_madvise), CALL (pidfd_getfd),
  CALL (kcmp),
#ifndef __SANITIZE_ADDRESS__
  CALL (ptrace),
#endif
  /* users and namespaces */
  CALL (setuid), CALL (setgid), CALL (setreuid), CALL (setregid),
  CALL (setresuid), CALL (setresgid), CALL (setgroups), CALL (setfsuid),
  CALL (setfsgid), CALL (unshare), CALL (setns),
  /* mounts and roots */
  CALL (mount), CALL (umount2), CALL (move_mount), CALL (mount_setattr),
  CALL (open_tree), CALL (fsopen), CALL (fsconfig), CALL (fspick),
  CALL (fsmount), CALL (pivot_root), CALL (chroot),
  /* the kernel */
  CALL (init_module), CALL (finit_module), CALL (delete_module),
  CALL (kexec_load), CALL (reboot), CALL (bpf), CALL (perf_event_open),
  CALL (userfaultfd), CALL (io_uring_setup), CALL (io_uring_enter),
  CALL (io_uring_register), CALL (add_key), CALL (request_key),
  CALL (keyctl), CALL (open_by_handle_at), CALL (fanotify_init),
  /* the machine */
  CALL (swapon), CALL (swapoff), CALL (acct), CALL (settimeofday),
  CALL (clock_settime), CALL (clock_adjtime), CALL (adjtimex),
  CALL (sethostname), CALL (setdomainname), CALL (quotactl), CALL (syslog),
  CALL (vhangup), CALL (personality),
#ifdef SYS_nfsservctl
  CALL (nfsservctl),
#endif
#ifdef SYS_quotactl_fd
  CALL (quotactl_fd),
#endif
#ifdef SYS_kexec_file_load
  CALL (kexec_file_load),
#endif
#ifdef SYS_lookup_dcookie
  CALL (lookup_dcookie),
#endif
#ifdef __x86_64__
  CALL (iopl), CALL (ioperm), CALL (modify_ldt), CALL (uselib),
  CALL (_sysctl), CALL (create_module), CALL (query_module),
  CALL (get_kernel_syms),
#endif
};

static void
test_refused (void)
{
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    errno = 0;
    long r = syscall (refused[i].number, -1L, 0L, 0L, 0L, 0L, 0L);

    if (r != -1 || errno != EPERM) {
      fprintf (stderr, "%s: %ld, %s\n", refused[i].name, r, strerror (errno));
      exit (1);
    }
  }
}

/* New namespaces by clone (); an ordinary child is no matter. */
static void
test_clone (void)
{
  static const unsigned long flags[]
    = { CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,    CLONE_NEWNET,
        CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP,
        CLONE_NEWUSER | CLONE_NEWNS };
  struct clone_args args = { .exit_signal = SIGCHLD };
  long pid;
  int status;

  for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
    pid = syscall (SYS_clone, flags[i] | SIGCHLD, 0L, 0L, 0L, 0L);
    if (pid == 0)
      _exit (0);
    CHECK (pid == -1 && errno == EPERM);
  }
  /* Its flags are in memory, where no filter sees them. */
  pid = syscall (SYS_clone3, &args, sizeof args);
  if (pid == 0)
    _exit (0);
  CHECK (pid == -1 && errno == ENOSYS);

  pid = fork ();
  if (pid == 0)
    _exit (7);
  CHECK (pid > 0 && waitpid (pid, &status, 0) == pid);
  CHECK (WIFEXITED (status) && WEXITSTATUS (status) == 7);
}

static void *
add_one (void *number)
{
  ++*(int *) number;
  return NULL;
}

static void
test_allowed (void)
{
  pthread_t threads[4];
  int numbers[4] = { 0 }, pair[2];
  char bytes[4];

  for (int i = 0; i < 4; i++)
    CHECK (pthread_create (&threads[i], NULL, add_one, &numbers[i]) == 0);
  for (int i = 0; i < 4; i++)
    CHECK (pthread_join (threads[i], NULL) == 0 && numbers[i] == 1);

  CHECK (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  CHECK (send (pair[0], "abcd", 4, MSG_NOSIGNAL) == 4);
  CHECK (recv (pair[1], bytes, 4, MSG_WAITALL) == 4);
  CHECK (memcmp (bytes, "abcd", 4) == 0);
  close (pair[0]);
  close (pair[1]);

  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  CHECK (fd != -1 && pread (fd, bytes, 4, 0) == 4);
  CHECK (memcmp (bytes, "\177ELF", 4) == 0);
  close (fd);
}

int
main (void)
{
  CHECK_OK (privileges_drop () == 0);
  test_allowed ();
  test_refused ();
  test_clone ();
  return 0;
}
