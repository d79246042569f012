/*
 * Every system call that changes the host, and nothing else: sys.c and sys_mount.c. No other file of the
 * product makes one (tests/checks/hands.sh proves it on the objects' symbols), so that a reviewer reads two files
 * to know what rustbox can do to a machine, and a test can stand in front of any call with -Wl,--wrap=sys_….
 *
 * All return what the kernel returns, or -errno; errno itself is not part of the interface. None of them
 * allocates, so that the launcher's child may use them after clone. Descriptors are always close-on-exec.
 */
#ifndef SANDBOX_KERNEL_SYS_H
#define SANDBOX_KERNEL_SYS_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/capability.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "probes/base/err.h"

struct mount_attr;
struct clone_args;
struct sock_fprog;

/* ---- files and directories ---- */
int sys_openat(int dirfd, const char *path, int flags, mode_t mode) MUST_CHECK;
/* `resolve` is RESOLVE_*: the only way to open a path that somebody else may be changing. */
int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve) MUST_CHECK;
int sys_mkdirat(int dirfd, const char *path, mode_t mode) MUST_CHECK;
int sys_unlinkat(int dirfd, const char *path, int flags) MUST_CHECK;
int sys_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) MUST_CHECK;
int sys_symlinkat(const char *target, int dirfd, const char *path) MUST_CHECK;
int sys_mknodat(int dirfd, const char *path, mode_t mode, dev_t dev) MUST_CHECK;
int sys_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags) MUST_CHECK;
int sys_fchmodat(int dirfd, const char *path, mode_t mode) MUST_CHECK;
int sys_fchmod(int fd, mode_t mode) MUST_CHECK;
int sys_ftruncate(int fd, off_t length) MUST_CHECK;
int sys_set_mtime(int dirfd, const char *path, uint64_t wall_s) MUST_CHECK; /* and the access time; follows no link */
int sys_fsync(int fd) MUST_CHECK;
/* Writes all of it or fails; retries EINTR. For regular and kernel files, not for pipes. */
int sys_write_all(int fd, const void *buf, size_t n) MUST_CHECK;
ssize_t sys_write(int fd, const void *buf, size_t n) MUST_CHECK;
/* Opens, writes `text` in one write(2) and closes: how kernel files (cgroupfs) want it. */
int sys_write_file(int dirfd, const char *path, const char *text) MUST_CHECK;
int sys_flock(int fd, int operation) MUST_CHECK;
/* An open-file-description write lock on the whole file (F_OFD_SETLK): independent of flock(2). -EAGAIN when
 * somebody else has it. type is F_WRLCK, F_RDLCK or F_UNLCK. */
int sys_ofd_lock(int fd, int type) MUST_CHECK;
int sys_get_attributes(int fd, unsigned *ret) MUST_CHECK; /* FS_IOC_GETFLAGS */
int sys_set_attributes(int fd, unsigned flags) MUST_CHECK;
int sys_fcntl(int fd, int command, int arg) MUST_CHECK;
int sys_pipe(int ret[2], int flags) MUST_CHECK;
/* Two ends that see each other's death, carry whole messages (SOCK_SEQPACKET), and descriptors with them. */
int sys_socketpair(int ret[2]) MUST_CHECK;
int sys_dup2(int from, int to) MUST_CHECK; /* `to` stays open across exec: stdin, stdout, stderr */
int sys_close_range(unsigned first, unsigned last, unsigned flags) MUST_CHECK;
mode_t sys_umask(mode_t mask);
int sys_chdir(const char *path) MUST_CHECK;
int sys_fchdir(int fd) MUST_CHECK;

/* ---- mounts ---- */
int sys_mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)
	MUST_CHECK;
int sys_umount2(const char *target, int flags) MUST_CHECK;
/* 1 when the mount with this unique id is in our namespace, 0 when not; -ENOSYS before Linux 6.8. */
int sys_mount_exists(uint64_t unique_id) MUST_CHECK;
int sys_fsopen(const char *type) MUST_CHECK;
int sys_fsconfig_string(int fd, const char *key, const char *value) MUST_CHECK;
int sys_fsconfig_flag(int fd, const char *key) MUST_CHECK;
int sys_fsconfig_create(int fd) MUST_CHECK;
int sys_fsmount(int fd, unsigned attributes) MUST_CHECK;
int sys_open_tree(int dirfd, const char *path, unsigned flags) MUST_CHECK;
int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to, unsigned flags) MUST_CHECK;
int sys_mount_setattr(int dirfd, const char *path, unsigned flags, const struct mount_attr *attr) MUST_CHECK;
int sys_pivot_root(const char *new_root, const char *put_old) MUST_CHECK;
int sys_chroot(const char *path) MUST_CHECK; /* a view, not a wall: drills only, inside namespaces of their own */

/* ---- processes ---- */
/* With fork semantics; *pidfd is set when args->flags has CLONE_PIDFD. */
pid_t sys_clone3(struct clone_args *args) MUST_CHECK;
pid_t sys_fork(void) MUST_CHECK;
/* Like vfork(2): the child runs `run` on the given stack in the caller's memory, and the caller waits until it has
 * exec'd or exited. What run returns is its exit status. It must not allocate, nor change what the caller needs. */
pid_t sys_vfork_run(int (*run)(void *), void *arg, void *stack_end) MUST_CHECK;
/* A process in our memory and with our descriptors makes a network namespace and stores a descriptor of it, or -errno,
 * in *fd before it ends, which *pidfd tells. It uses the stack until then. */
int sys_make_netns_beside(int *fd, int *pidfd, void *stack_end) MUST_CHECK;
int sys_execve(const char *path, char *const *argv, char *const *env) MUST_CHECK;
int sys_unshare(int flags) MUST_CHECK;
int sys_setns(int fd, int type) MUST_CHECK;
int sys_run_on(unsigned cpu) MUST_CHECK; /* only there from now on */
int sys_pidfd_open(pid_t pid) MUST_CHECK;
/* The only way rustbox signals a process it did not make: by an fd whose identity was checked. */
int sys_pidfd_signal(int pidfd, int signal) MUST_CHECK;
/* waitid(P_PIDFD): *usage counts the process and all it reaped. options as in waitid(2); WEXITED is added. */
int sys_pidfd_wait(int pidfd, int options, siginfo_t *ret, struct rusage *usage) MUST_CHECK;
pid_t sys_wait_any(int *status, int options, struct rusage *usage) MUST_CHECK; /* wait4(-1) */
pid_t sys_setsid(void) MUST_CHECK;
int sys_sigmask(int how, const sigset_t *set, sigset_t *old) MUST_CHECK;
int sys_signal_default(int signal) MUST_CHECK;
int sys_signal_ignore(int signal) MUST_CHECK;
int sys_signalfd(const sigset_t *set) MUST_CHECK;
int sys_sethostname(const char *name) MUST_CHECK;
int sys_rlimit(int resource, const struct rlimit *limit) MUST_CHECK;
int sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5) MUST_CHECK;

/* ---- credentials ---- */
int sys_setgroups(size_t n, const gid_t *groups) MUST_CHECK;
int sys_setresgid(gid_t gid) MUST_CHECK; /* real, effective and saved alike */
int sys_setresuid(uid_t uid) MUST_CHECK;
int sys_capset(const struct __user_cap_data_struct data[static 2]) MUST_CHECK;
/* Landlock: from now on only files beneath the directory can be executed, whatever path leads to others. */
int sys_execute_only_beneath(int dirfd) MUST_CHECK;
int sys_seccomp_filter(const struct sock_fprog *program) MUST_CHECK;

#endif
