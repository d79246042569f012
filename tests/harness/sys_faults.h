/*
 * The second injector: stands in front of the product's own sys_* calls (sandbox/kernel/sys.h) and makes one of them fail,
 * without the kernel being asked. A test that includes this is linked with WRAP_<test> := $(SYS_FAULTS), which the Makefile
 * reads from the rows below.
 */
#ifndef TESTS_HARNESS_SYS_FAULTS_H
#define TESTS_HARNESS_SYS_FAULTS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/kernel/sys.h"

enum { NOT_ALONE = -1 /* which of its number a call is, is not the same in every run, or not the same from outside */, NR_ROOM = 512 };

/* Shared with every child the product makes: one count for all of them. */
static struct sys_fault {
	unsigned at, calls; /* the at-th call (of that number) fails */
	int nr;		    /* NOT_ALONE: whichever it is */
	int error;
	bool on, fired;
	char where[40];
	unsigned made[NR_ROOM]; /* by number, while it is on */
} *sys_fault;

static void sys_fault_open(void)
{
	sys_fault = mmap(NULL, sizeof *sys_fault, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sys_fault == MAP_FAILED)
		abort();
}

static bool sys_fault_trips(const char *name, int nr)
{
	struct sys_fault *f = sys_fault;
	if (!f || !f->on)
		return false;
	if (nr != NOT_ALONE)
		__atomic_add_fetch(&f->made[nr], 1, __ATOMIC_SEQ_CST);
	if ((f->nr != NOT_ALONE && f->nr != nr) || __atomic_add_fetch(&f->calls, 1, __ATOMIC_SEQ_CST) != f->at)
		return false;
	f->fired = true;
	(void)snprintf(f->where, sizeof f->where, "%s", name);
	return true;
}

/*	type, name, the number of the system call, parameters, arguments */
#define SYS_FAULTS(X)                                                                                                           \
	X(int, sys_openat, NOT_ALONE, (int d, const char *p, int f, mode_t m), (d, p, f, m))                                    \
	X(int, sys_openat2, NOT_ALONE, (int d, const char *p, int f, mode_t m, uint64_t r), (d, p, f, m, r))                    \
	X(int, sys_mkdirat, NOT_ALONE, (int d, const char *p, mode_t m), (d, p, m)) /* supervisor and init at the same time */  \
	X(int, sys_unlinkat, SYS_unlinkat, (int d, const char *p, int f), (d, p, f))                                            \
	X(int, sys_renameat2, SYS_renameat2, (int a, const char *p, int b, const char *q, unsigned f), (a, p, b, q, f))         \
	X(int, sys_symlinkat, SYS_symlinkat, (const char *t, int d, const char *p), (t, d, p))                                  \
	X(int, sys_mknodat, SYS_mknodat, (int d, const char *p, mode_t m, dev_t v), (d, p, m, v))                               \
	X(int, sys_fchownat, SYS_fchownat, (int d, const char *p, uid_t u, gid_t g, int f), (d, p, u, g, f))                    \
	X(int, sys_ftruncate, SYS_ftruncate, (int fd, off_t n), (fd, n))                                                        \
	X(ssize_t, sys_write, NOT_ALONE, (int fd, const void *b, size_t n), (fd, b, n))                                         \
	X(int, sys_write_all, NOT_ALONE, (int fd, const void *b, size_t n), (fd, b, n))                                         \
	X(int, sys_write_file, NOT_ALONE, (int d, const char *p, const char *t), (d, p, t))                                     \
	X(int, sys_flock, SYS_flock, (int fd, int o), (fd, o))                                                                  \
	X(int, sys_ofd_lock, NOT_ALONE, (int fd, int t), (fd, t))                                                               \
	X(int, sys_memfd, SYS_memfd_create, (const char *n, unsigned f), (n, f))                                                \
	X(int, sys_pipe, NOT_ALONE, (int r[2], int f), (r, f))                                                                  \
	X(int, sys_socketpair, SYS_socketpair, (int r[2]), (r))                                                                 \
	X(int, sys_dup2, NOT_ALONE, (int a, int b), (a, b))                                                                     \
	X(int, sys_close_range, SYS_close_range, (unsigned a, unsigned b, unsigned f), (a, b, f))                               \
	X(int, sys_chdir, SYS_chdir, (const char *p), (p))                                                                      \
	X(int, sys_fchdir, SYS_fchdir, (int fd), (fd))                                                                          \
	X(int, sys_mount, SYS_mount, (const char *s, const char *t, const char *y, unsigned long f, const char *d),             \
	  (s, t, y, f, d))                                                                                                      \
	X(int, sys_umount2, SYS_umount2, (const char *t, int f), (t, f))                                                        \
	X(int, sys_mount_exists, NOT_ALONE, (uint64_t id), (id))                                                                \
	X(int, sys_fsopen, SYS_fsopen, (const char *t), (t))                                                                    \
	X(int, sys_fsconfig_string, SYS_fsconfig, (int fd, const char *k, const char *v), (fd, k, v))                           \
	X(int, sys_fsconfig_flag, SYS_fsconfig, (int fd, const char *k), (fd, k))                                               \
	X(int, sys_fsconfig_create, SYS_fsconfig, (int fd), (fd))                                                               \
	X(int, sys_fsmount, SYS_fsmount, (int fd, unsigned a), (fd, a))                                                         \
	X(int, sys_open_tree, SYS_open_tree, (int d, const char *p, unsigned f), (d, p, f))                                     \
	X(int, sys_move_mount, SYS_move_mount, (int a, const char *p, int b, const char *q, unsigned f), (a, p, b, q, f))       \
	X(int, sys_mount_setattr, SYS_mount_setattr, (int d, const char *p, unsigned f, const struct mount_attr *a),            \
	  (d, p, f, a))                                                                                                         \
	X(int, sys_pivot_root, SYS_pivot_root, (const char *n, const char *o), (n, o))                                          \
	X(pid_t, sys_clone3, SYS_clone3, (struct clone_args *a), (a))                                                           \
	X(pid_t, sys_fork, NOT_ALONE, (void), ())                                                                               \
	X(int, sys_pidfd_open, SYS_pidfd_open, (pid_t p), (p))                                                                  \
	X(int, sys_pidfd_signal, SYS_pidfd_send_signal, (int fd, int s), (fd, s))                                               \
	X(int, sys_pidfd_wait, NOT_ALONE, (int fd, int o, siginfo_t *i, struct rusage *u), (fd, o, i, u))                       \
	X(pid_t, sys_setsid, SYS_setsid, (void), ())                                                                            \
	X(int, sys_signal_default, NOT_ALONE, (int s), (s))                                                                     \
	X(int, sys_signalfd, NOT_ALONE, (const sigset_t *s), (s)) /* supervisor and init at the same time */                    \
	X(int, sys_timerfd, NOT_ALONE, (uint64_t a, uint64_t e), (a, e))                                                        \
	X(int, sys_sethostname, SYS_sethostname, (const char *n), (n))                                                          \
	X(int, sys_prctl, SYS_prctl, (int o, unsigned long a, unsigned long b, unsigned long c, unsigned long d),               \
	  (o, a, b, c, d))                                                                                                      \
	X(int, sys_setgroups, SYS_setgroups, (size_t n, const gid_t *g), (n, g))                                                \
	X(int, sys_setresgid, SYS_setresgid, (gid_t g), (g))                                                                    \
	X(int, sys_setresuid, SYS_setresuid, (uid_t u), (u))                                                                    \
	X(int, sys_capset, SYS_capset, (const struct __user_cap_data_struct d[static 2]), (d))                                  \
	X(int, sys_execute_only_beneath, SYS_landlock_create_ruleset, (int d), (d))                                             \
	X(int, sys_seccomp_filter, SYS_seccomp, (const struct sock_fprog *p), (p))

#define X(type, name, nr, params, args)                   \
	type __real_##name params;                        \
	type __wrap_##name params;                        \
	type __wrap_##name params                         \
	{                                                 \
		if (sys_fault_trips(#name, nr))           \
			return (type)-sys_fault->error;   \
		return __real_##name args;                \
	}
SYS_FAULTS(X)
#undef X

#endif
