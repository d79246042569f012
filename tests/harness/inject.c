/*
 * Theory: a tracer process of its own forks the program, so that its waitpid(-1) never eats a child of the
 * test. Each call is counted where it is entered; the result is read where it returns. The log is in memory
 * shared with the test, which therefore has it whatever dies.
 */
#include "tests/harness/inject.h"

#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <seccomp.h>

#include "probes/base/own.h"

enum { FAMILY = 64 };

struct tracee {
	pid_t pid;
	int last;     /* index of the call it is in, -1 when in none */
	bool started; /* its first stop has been seen */
	bool failing; /* the call it is in was turned into nothing: its result becomes the error */
	bool asked_0; /* it is in a brk(2) whose argument was taken away: it gets it back, for it compares with it */
};

struct tracer {
	const struct world *w;
	const struct inject_plan *plan;
	struct injected *r;
	struct tracee v[FAMILY];
	unsigned n;
	pid_t main;
	unsigned counted;
	bool execed; /* counting begins with the exec of the first program */
};

static struct tracee *tracee_of(struct tracer *t, pid_t pid)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->v[i].pid == pid)
			return &t->v[i];
	if (t->n == FAMILY)
		return NULL;
	t->v[t->n] = (struct tracee){ .pid = pid, .last = -1 };
	return &t->v[t->n++];
}

static void forget(struct tracer *t, pid_t pid)
{
	for (unsigned i = 0; i < t->n; i++)
		if (t->v[i].pid == pid)
			t->v[i] = t->v[--t->n];
}

/* Is what it just became one of ours (re-exec, or rustbox-ops behind rustbox)? */
static bool is_product(const struct tracer *t, pid_t pid)
{
	char link[64], exe[PATH_ROOM * 2];
	snprintf(link, sizeof link, "/proc/%d/exe", pid);
	ssize_t n = readlink(link, exe, sizeof exe - 1);
	if (n < 0)
		return false;
	exe[n] = '\0';
	size_t len = strlen(t->w->build);
	return (!strncmp(exe, t->w->build, len) && !strncmp(exe + len, "/rustbox", 8)) || strstr(exe, "memfd:rustbox");
}

/* By a call that does nothing: none at all (-1) would be looked up in the box's filter, and end in SIGSYS there. */
static void skip_call(pid_t pid)
{
	ptrace(PTRACE_POKEUSER, pid, (void *)(8L * ORIG_RAX), (void *)(long)SYS_getpid);
}

static void fire(struct tracer *t, struct tracee *self)
{
	t->r->fired = true;
	/* brk(2) knows no errors: what it can't grant it answers with the break as it was, which is what it answers to 0. */
	if (t->plan->act == INJECT_ERRNO && t->r->v[self->last].nr == SYS_brk) {
		ptrace(PTRACE_POKEUSER, self->pid, (void *)(8L * RDI), (void *)0L);
		self->asked_0 = true;
		return;
	}
	skip_call(self->pid);
	if (t->plan->act == INJECT_ERRNO) {
		self->failing = true;
		return;
	}
	if (t->plan->act == INJECT_KILL_SELF) {
		kill(self->pid, SIGKILL); /* a tracee in a stop: the number is its own */
		return;
	}
	for (unsigned i = 0; i < t->n; i++)
		kill(t->v[i].pid, SIGKILL);
}

static void enter(struct tracer *t, struct tracee *self, const struct __ptrace_syscall_info *info)
{
	struct injected *r = t->r;
	self->last = -1;
	if (!t->execed || r->calls >= INJECT_ROOM)
		return;
	struct inject_call *c = &r->v[r->calls];
	*c = (struct inject_call){ .pid = self->pid, .nr = (uint32_t)info->entry.nr, .main = self->pid == t->main };
	c->place = info->instruction_pointer * 31 + info->stack_pointer; /* a path to a call has a depth of stack of its own */
	for (int i = 0; i < 3; i++)
		c->args[i] = info->entry.args[i];
	self->last = (int)r->calls++;
	bool idle = inject_is_idle(r, r->calls - 1);
	r->acting += !idle;
	bool counts = (!t->plan->acting || !idle) && (!t->plan->only || *t->plan->only == c->nr);
	t->counted += counts;
	if (t->plan->act != INJECT_NOTHING && counts && t->counted == t->plan->at)
		fire(t, self);
}

static void leave(struct tracer *t, struct tracee *self, const struct __ptrace_syscall_info *info)
{
	if (self->asked_0) {
		ptrace(PTRACE_POKEUSER, self->pid, (void *)(8L * RDI), (void *)t->r->v[self->last].args[0]);
		self->asked_0 = false;
	}
	if (self->failing) {
		ptrace(PTRACE_POKEUSER, self->pid, (void *)(8L * RAX), (void *)(long)-t->plan->error);
		self->failing = false;
	} else if (self->last >= 0) {
		t->r->v[self->last].result = info->exit.rval;
	}
	self->last = -1;
}

/* Handles one stop; returns the signal to pass on, or -1 when the process was let go. */
static int stopped(struct tracer *t, struct tracee *self, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	if (sig == (SIGTRAP | 0x80)) {
		struct __ptrace_syscall_info info;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, self->pid, (void *)sizeof info, &info) <= 0)
			return 0;
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
			enter(t, self, &info);
		else if (info.op == PTRACE_SYSCALL_INFO_EXIT)
			leave(t, self, &info);
		return 0;
	}
	if (event == PTRACE_EVENT_EXEC) {
		self->last = -1;
		if (is_product(t, self->pid)) {
			t->execed = true;
			return 0;
		}
		t->r->let_go++;
		ptrace(PTRACE_DETACH, self->pid, NULL, NULL);
		return -1;
	}
	if (event != 0) /* fork, vfork, clone: the child reports by its own first stop */
		return 0;
	if (sig == SIGSTOP && !self->started) { /* the stop that attaching makes */
		self->started = true;
		return 0;
	}
	return sig;
}

static void one_wait(struct tracer *t, pid_t pid, int status)
{
	if (WIFEXITED(status) || WIFSIGNALED(status)) {
		if (pid == t->main) {
			t->r->wstatus = status;
			t->r->died = world_now();
		}
		forget(t, pid);
		return;
	}
	struct tracee *self = tracee_of(t, pid);
	if (!self) {
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
		return;
	}
	int pass = stopped(t, self, status);
	if (pass < 0)
		forget(t, pid);
	else
		ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)pass);
}

static void child(const struct world *w, const char *const *argv, int out)
{
	char path[PATH_ROOM * 2];
	snprintf(path, sizeof path, "%s/%s", w->build, argv[0]);
	setsid();
	int in = open("/dev/null", O_RDONLY);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(126);
	close(in);
	setenv("RUSTBOX_ROOT", w->root, 1);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static volatile sig_atomic_t signal_late;
static void on_alarm(int s)
{
	(void)s;
	signal_late = 1;
}

static void trace(struct tracer *t, const char *const *argv, int out)
{
	struct sigaction alarm_action = { .sa_handler = on_alarm }; /* no SA_RESTART: ends the wait */
	sigaction(SIGALRM, &alarm_action, NULL);
	t->main = fork();
	if (t->main == 0)
		child(t->w, argv, out);
	int status;
	if (t->main < 0 || waitpid(t->main, &status, 0) < 0)
		return;
	ptrace(PTRACE_SETOPTIONS, t->main, NULL,
	       (void *)(long)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
			      PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL));
	tracee_of(t, t->main)->started = true;
	ptrace(PTRACE_SYSCALL, t->main, NULL, NULL);
	unsigned limit = (unsigned)(world_patience(t->plan->seconds > 0 ? t->plan->seconds : 20) + 0.999);
	struct itimerval timer = { .it_value = { .tv_sec = limit }, .it_interval = { .tv_usec = 200000 } };
	setitimer(ITIMER_REAL, &timer, NULL);
	while (t->n > 0) {
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid > 0) {
			one_wait(t, pid, status);
		} else if (errno == EINTR && signal_late) {
			t->r->late = true;
			for (unsigned i = 0; i < t->n; i++)
				kill(t->v[i].pid, SIGKILL);
		} else if (errno != EINTR) {
			break;
		}
	}
}

struct injected *inject_run(const struct world *w, const struct inject_plan *plan, const char *const *argv)
{
	struct injected *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	autofd int out = memfd_create("injected", MFD_CLOEXEC);
	if (r == MAP_FAILED || out < 0)
		abort();
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		struct tracer t = { .w = w, .plan = plan, .r = r };
		trace(&t, argv, out);
		_exit(0);
	}
	if (pid < 0)
		abort();
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	ssize_t n = pread(out, r->out, sizeof r->out - 1, 0);
	r->out[n > 0 ? n : 0] = '\0';
	return r;
}

void inject_free(struct injected *r)
{
	munmap(r, sizeof *r);
}

const char *inject_name(uint32_t nr)
{
	static char name[32];
	char *resolved = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)nr);
	snprintf(name, sizeof name, "%s", resolved ? resolved : "?");
	free(resolved);
	return name;
}

/* Closing lets go of a lock, except where the log shows that this descriptor was only read from. */
static bool closes_a_look(const struct injected *r, unsigned i)
{
	uint64_t fd = r->v[i].args[0];
	for (unsigned k = i; k-- > 0;) {
		const struct inject_call *c = &r->v[k];
		if (c->pid != r->v[i].pid)
			continue;
		if ((c->nr == SYS_flock || c->nr == SYS_fcntl) && c->args[0] == fd)
			return false;
		if (c->nr == SYS_openat && c->result == (int64_t)fd)
			return inject_is_idle(r, k);
	}
	return false;
}

bool inject_is_idle(const struct injected *r, unsigned i)
{
	switch (r->v[i].nr) {
	case SYS_openat: return !(r->v[i].args[2] & (O_CREAT | O_TRUNC));
	case SYS_close: return closes_a_look(r, i);
	case 457: case 458: /* statmount, listmount */
	case SYS_brk: case SYS_mmap: case SYS_munmap: case SYS_mprotect: case SYS_mremap: case SYS_madvise:
	case SYS_read: case SYS_pread64: case SYS_lseek: case SYS_fstat: case SYS_newfstatat: case SYS_stat:
	case SYS_lstat: case SYS_statx: case SYS_statfs: case SYS_fstatfs: case SYS_access: case SYS_faccessat:
	case SYS_readlink: case SYS_readlinkat: case SYS_getdents64: case SYS_getpid: case SYS_gettid: case SYS_getppid:
	case SYS_getuid: case SYS_geteuid: case SYS_getgid: case SYS_getegid: case SYS_getrandom: case SYS_uname:
	case SYS_arch_prctl: case SYS_set_tid_address: case SYS_set_robust_list: case SYS_rseq: case SYS_prlimit64:
	case SYS_sigaltstack: case SYS_rt_sigaction: case SYS_rt_sigprocmask: case SYS_clock_gettime: case SYS_gettimeofday:
	case SYS_poll: case SYS_ppoll: case SYS_epoll_wait: case SYS_epoll_ctl: case SYS_epoll_create1: case SYS_pipe2:
	case SYS_timerfd_create: case SYS_timerfd_settime: case SYS_signalfd4: case SYS_pidfd_open: case SYS_memfd_create:
	case SYS_capget: case SYS_getsid: case SYS_getpgrp: case SYS_sysinfo: case SYS_getcwd: case SYS_futex:
	case SYS_close_range: case SYS_wait4: case SYS_waitid: case SYS_sched_getaffinity: case SYS_nanosleep:
		return true;
	default:
		return false;
	}
}

const int *inject_errors(uint32_t nr)
{
	static const int opening[] = { EMFILE, ENOENT, EACCES, 0 }, making[] = { ENOSPC, EROFS, 0 }, mounting[] = { EPERM, ENOMEM, EBUSY, 0 };
	static const int writing[] = { ENOSPC, EIO, EINTR, 0 }, reading[] = { EIO, EINTR, 0 }, forking[] = { EAGAIN, ENOMEM, 0 };
	static const int removing[] = { EBUSY, EPERM, EROFS, 0 }, mapping[] = { ENOMEM, 0 }, waiting[] = { EINTR, 0 };
	static const int locking[] = { EWOULDBLOCK, ENOLCK, 0 }, fds[] = { EMFILE, ENFILE, 0 }, refused[] = { EPERM, 0 };
	switch (nr) {
	case SYS_open: case SYS_openat: case 437 /* openat2 */: return opening;
	case SYS_mkdir: case SYS_mkdirat: case SYS_mknodat: case SYS_symlinkat: case SYS_ftruncate: case SYS_renameat: case SYS_rename:
	case SYS_fsync: return making;
	case SYS_mount: case 428: case 429: case 430: case 431: case 432: case 442: case SYS_pivot_root: return mounting;
	case SYS_write: case SYS_pwrite64: case SYS_writev: return writing;
	case SYS_read: case SYS_pread64: case SYS_getdents64: return reading;
	case SYS_clone: case 435: case SYS_fork: case SYS_vfork: return forking;
	case SYS_rmdir: case SYS_unlink: case SYS_unlinkat: case SYS_umount2: return removing;
	case SYS_mmap: case SYS_brk: return mapping;
	case SYS_poll: case SYS_ppoll: case SYS_wait4: case SYS_waitid: case SYS_epoll_wait: return waiting;
	case SYS_flock: return locking;
	case SYS_pipe2: case SYS_dup: case SYS_socketpair: case SYS_timerfd_create: case SYS_signalfd4: case SYS_memfd_create:
	case SYS_pidfd_open: case SYS_epoll_create1: return fds;
	case SYS_prctl: case SYS_setresuid: case SYS_setresgid: case SYS_setgroups: case SYS_capset: case SYS_seccomp:
	case SYS_prlimit64: case SYS_setsid: case SYS_unshare: case SYS_setns: case SYS_sethostname: case 424: return refused;
	default: return NULL;
	}
}
