/* Thin on purpose: one call each, errno folded into the result; see sys.h. */
#include "sandbox/kernel/sys.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"

static int result(long r)
{
	return r < 0 ? -errno : (int)r;
}
/* ---- files and directories ---- */

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	return result(openat(dirfd, path, flags | O_CLOEXEC | O_NOCTTY, mode));
}

int sys_openat2(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	/* The kernel refuses a mode where nothing can be created, and O_NOCTTY beside O_PATH. */
	struct open_how how = { .flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve,
				.mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0 };
	return result(syscall(SYS_openat2, dirfd, path, &how, sizeof how));
}

int sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return result(mkdirat(dirfd, path, mode));
}

int sys_unlinkat(int dirfd, const char *path, int flags)
{
	return result(unlinkat(dirfd, path, flags));
}

int sys_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return result(renameat2(from_fd, from, to_fd, to, flags));
}

int sys_symlinkat(const char *target, int dirfd, const char *path)
{
	return result(symlinkat(target, dirfd, path));
}

int sys_mknodat(int dirfd, const char *path, mode_t mode, dev_t dev)
{
	return result(mknodat(dirfd, path, mode, dev));
}

int sys_fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags)
{
	return result(fchownat(dirfd, path, uid, gid, flags));
}

int sys_fchmodat(int dirfd, const char *path, mode_t mode)
{
	return result(fchmodat(dirfd, path, mode, 0));
}

int sys_fchmod(int fd, mode_t mode)
{
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

int sys_ftruncate(int fd, off_t length)
{
	return result(ftruncate(fd, length));
}

int sys_set_mtime(int dirfd, const char *path, uint64_t wall_s)
{
	struct timespec t[2] = { { .tv_sec = (time_t)wall_s }, { .tv_sec = (time_t)wall_s } };
	return result(utimensat(dirfd, path, t, AT_SYMLINK_NOFOLLOW));
}

int sys_fsync(int fd)
{
	return result(fsync(fd));
}

ssize_t sys_write(int fd, const void *buf, size_t n)
{
	ssize_t r = write(fd, buf, n);
	return r < 0 ? -errno : r;
}

int sys_write_all(int fd, const void *buf, size_t n)
{
	const char *from = buf;
	while (n > 0) {
		ssize_t r = write(fd, from, n);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		from += r;
		n -= (size_t)r;
	}
	return 0;
}

int sys_write_file(int dirfd, const char *path, const char *text)
{
	autofd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	size_t n = strlen(text);
	ssize_t r;
	do
		r = write(fd, text, n);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -errno;
	return (size_t)r == n ? 0 : -EIO;
}

int sys_flock(int fd, int operation)
{
	return result(flock(fd, operation));
}

int sys_ofd_lock(int fd, int type)
{
	struct flock whole = { .l_type = (short)type, .l_whence = SEEK_SET };
	return result(fcntl(fd, F_OFD_SETLK, &whole));
}

int sys_get_attributes(int fd, unsigned *ret)
{
	unsigned flags = 0;
	int r = result(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	if (r >= 0)
		*ret = flags;
	return r;
}

int sys_set_attributes(int fd, unsigned flags)
{
	return result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
}

int sys_fcntl(int fd, int command, int arg)
{
	return result(fcntl(fd, command, arg));
}

int sys_pipe(int ret[2], int flags)
{
	return result(pipe2(ret, flags | O_CLOEXEC));
}

int sys_socketpair(int ret[2])
{
	return result(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret));
}

int sys_dup2(int from, int to)
{
	return result(dup2(from, to));
}

int sys_close_range(unsigned first, unsigned last, unsigned flags)
{
	return result(syscall(SYS_close_range, first, last, flags));
}

mode_t sys_umask(mode_t mask)
{
	return umask(mask);
}

int sys_chdir(const char *path)
{
	return result(chdir(path));
}

int sys_fchdir(int fd)
{
	return result(fchdir(fd));
}

/* ---- processes ---- */

pid_t sys_clone3(struct clone_args *args)
{
	return result(syscall(SYS_clone3, args, sizeof *args));
}

pid_t sys_fork(void)
{
	return result(fork());
}

pid_t sys_vfork_run(int (*run)(void *), void *arg, void *stack_end)
{
	return result(clone(run, stack_end, CLONE_VM | CLONE_VFORK | SIGCHLD, arg));
}

/* Without libc, whose errno is the caller's: he runs at the same time. */
static long bare_call(long number, long a, long b, long c)
{
	long r;
	__asm__ volatile("syscall" : "=a"(r) : "0"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
	return r;
}

static int make_netns(void *fd)
{
	long r = bare_call(SYS_unshare, CLONE_NEWNET, 0, 0);
	r = r ? r : bare_call(SYS_openat, AT_FDCWD, (long)"/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	__atomic_store_n((int *)fd, (int)r, __ATOMIC_RELEASE);
	return 0;
}

int sys_make_netns_beside(int *fd, int *pidfd, void *stack_end)
{
	return result(clone(make_netns, stack_end, CLONE_VM | CLONE_FILES | CLONE_PIDFD | SIGCHLD, fd, pidfd));
}

int sys_execve(const char *path, char *const *argv, char *const *env)
{
	return result(execve(path, argv, env));
}

int sys_unshare(int flags)
{
	return result(unshare(flags));
}

int sys_setns(int fd, int type)
{
	return result(setns(fd, type));
}

int sys_run_on(unsigned cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return result(sched_setaffinity(0, sizeof set, &set));
}

int sys_pidfd_open(pid_t pid)
{
	return result(syscall(SYS_pidfd_open, pid, 0));
}

int sys_pidfd_signal(int pidfd, int signal)
{
	return result(syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0));
}

int sys_pidfd_wait(int pidfd, int options, siginfo_t *ret, struct rusage *usage)
{
	siginfo_t info = { 0 };
	int r;
	do
		r = result(syscall(SYS_waitid, P_PIDFD, pidfd, &info, options | WEXITED, usage));
	while (r == -EINTR);
	if (r >= 0)
		*ret = info;
	return r;
}

pid_t sys_wait_any(int *status, int options, struct rusage *usage)
{
	return result(wait4(-1, status, options, usage));
}

pid_t sys_setsid(void)
{
	return result(setsid());
}

int sys_sigmask(int how, const sigset_t *set, sigset_t *old)
{
	return result(sigprocmask(how, set, old));
}

int sys_signal_default(int signal)
{
	struct sigaction fallback = { .sa_handler = SIG_DFL };
	return result(sigaction(signal, &fallback, NULL));
}

int sys_signal_ignore(int signal)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	return result(sigaction(signal, &ignore, NULL));
}

int sys_signalfd(const sigset_t *set)
{
	return result(signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK));
}

int sys_sethostname(const char *name)
{
	return result(sethostname(name, strlen(name)));
}

int sys_rlimit(int resource, const struct rlimit *limit)
{
	return result(setrlimit((__rlimit_resource_t)resource, limit));
}

int sys_prctl(int option, unsigned long a2, unsigned long a3, unsigned long a4, unsigned long a5)
{
	return result(prctl(option, a2, a3, a4, a5));
}

/* ---- credentials ---- */

int sys_setgroups(size_t n, const gid_t *groups)
{
	return result(setgroups(n, groups));
}

int sys_setresgid(gid_t gid)
{
	return result(setresgid(gid, gid, gid));
}

int sys_setresuid(uid_t uid)
{
	return result(setresuid(uid, uid, uid));
}

int sys_capset(const struct __user_cap_data_struct data[static 2])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	return result(syscall(SYS_capset, &header, data));
}

int sys_execute_only_beneath(int dirfd)
{
	const struct landlock_ruleset_attr handled = { .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE };
	const struct landlock_path_beneath_attr beneath = { .allowed_access = LANDLOCK_ACCESS_FS_EXECUTE,
							    .parent_fd = dirfd };
	/* Only the first field: that is what the oldest version knows. */
	autofd int rules = result(syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0));
	if (rules < 0)
		return rules;
	int r = result(syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0));
	return r < 0 ? r : result(syscall(SYS_landlock_restrict_self, rules, 0));
}

int sys_seccomp_filter(const struct sock_fprog *program)
{
	return result(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, program));
}
