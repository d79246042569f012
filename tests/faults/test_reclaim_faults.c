/*
 * Recovery when the host says no: on a planted host, the Nth of its system calls fails with each plausible error, for
 * N = 1, 2, ... until a recovery meets no fault. Whatever failed, it ends in time, never says "clean" while the kernel
 * shows something left, harms no canary, and a second recovery without faults finishes the work.
 *
 * In `make check` every seventh point (another each day); MATRIX=full takes all.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/box/recover.h"
#include "sandbox/kernel/sys.h"
#include "tests/harness/lab.h"

/* Shared with every child the engine forks: one count for all of them. */
static struct fault_plan {
	unsigned at, calls;
	int error;
	bool on, fired;
	char where[40];
} *plan;

static bool trips(const char *name)
{
	if (!plan || !plan->on || __atomic_add_fetch(&plan->calls, 1, __ATOMIC_SEQ_CST) != plan->at)
		return false;
	plan->fired = true;
	(void)snprintf(plan->where, sizeof plan->where, "%s", name);
	return true;
}

#define FAIL(type, name, params, args)           \
	type __real_##name params;               \
	type __wrap_##name params;               \
	type __wrap_##name params                \
	{                                        \
		if (trips(#name))                \
			return (type)-plan->error; \
		return __real_##name args;       \
	}

FAIL(int, sys_openat, (int d, const char *p, int f, mode_t m), (d, p, f, m))
FAIL(int, sys_openat2, (int d, const char *p, int f, mode_t m, uint64_t r), (d, p, f, m, r))
FAIL(int, sys_unlinkat, (int d, const char *p, int f), (d, p, f))
FAIL(int, sys_renameat2, (int a, const char *p, int b, const char *q, unsigned f), (a, p, b, q, f))
FAIL(int, sys_ftruncate, (int fd, off_t n), (fd, n))
FAIL(ssize_t, sys_write, (int fd, const void *b, size_t n), (fd, b, n))
FAIL(int, sys_write_all, (int fd, const void *b, size_t n), (fd, b, n))
FAIL(int, sys_write_file, (int d, const char *p, const char *t), (d, p, t))
FAIL(int, sys_flock, (int fd, int o), (fd, o))
FAIL(int, sys_ofd_lock, (int fd, int t), (fd, t))
FAIL(int, sys_umount2, (const char *t, int f), (t, f))
FAIL(int, sys_mount_exists, (uint64_t id), (id))
FAIL(int, sys_fchdir, (int fd), (fd))
FAIL(pid_t, sys_fork, (void), ())
FAIL(int, sys_pipe, (int r[2], int f), (r, f))
FAIL(int, sys_dup2, (int a, int b), (a, b))
FAIL(int, sys_close_range, (unsigned a, unsigned b, unsigned f), (a, b, f))
FAIL(int, sys_pidfd_open, (pid_t p), (p))
FAIL(int, sys_pidfd_signal, (int fd, int s), (fd, s))
FAIL(int, sys_pidfd_wait, (int fd, int o, siginfo_t *i, struct rusage *u), (fd, o, i, u))
FAIL(int, sys_mkdirat, (int d, const char *p, mode_t m), (d, p, m))
FAIL(int, sys_signal_default, (int s), (s))

enum { SAID_CLEAN = 0, SAID_LEFT = 1, LIMIT_S = 60 };

/* In a process of its own, as in life: 0 it says clean, 1 it says something is left. */
static int recover_once(const struct world *w)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		autoarena struct arena a = { 0 };
		struct scope scope = scope_host(&w->paths);
		struct reclaim_how how = { .scope = &scope, .umount_ms = 2000, .kill_ms = 2000, .rmdir_ms = 1000 };
		struct recovery r;
		struct snapshot first;
		alarm(LIMIT_S);
		recover_look(&scope, &a, &first);
		recover_all(&how, &first, &a, &r);
		_exit(r.clean ? SAID_CLEAN : SAID_LEFT);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static bool point(struct world *w, const char *fault, unsigned at, int error, bool *fired)
{
	static struct lab l;
	char text[1024] = "";
	lab_open(&l, w, "leak");
	if (lab_plant(&l, lab_fault(fault)) != PLANTED)
		fail_msg("%s: %s", fault, l.why);
	*plan = (struct fault_plan){ .at = at, .error = error, .on = true };
	int said = recover_once(w);
	plan->on = false;
	*fired = plan->fired;
	autofree char *left = world_left(w);
	bool good = said == SAID_LEFT || (said == SAID_CLEAN && !*left), unharmed = lab_unharmed(&l, text, sizeof text);
	int again = recover_once(w);
	autofree char *after = world_left(w);
	bool done = again == SAID_CLEAN && !*after;
	if (!good || !unharmed || !done)
		print_message("%s: call %u (%s) fails with %s: said %d, then %d; left: %s; after: %s; %s\n", fault, at, plan->where,
			      strerrorname_np(error), said, again, left, after, text);
	if (!done) {
		struct ran r;
		world_call(w, &r, 60, "rustbox", "reclaim", "all", "--all", "--json");
		print_message("by hand: exit %d %.900s%.300s\n", r.code, r.out, r.err);
		ran_done(&r);
	}
	lab_undo(&l);
	return good && unharmed && done;
}

static void sweep(void **state)
{
	static const int errors[] = { EIO, EBUSY, ENOSPC, EPERM, ENOENT, EMFILE };
	const char *fault = *state;
	struct world w;
	unsigned step = getenv("MATRIX") ? 1 : 7, bad = 0, points = 0;
	world_open(&w, WORLD_MOUNTS);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		bool fired = true;
		unsigned from = step > 1 ? 1 + (unsigned)(time(NULL) / 86400 + (long)i) % step : 1;
		for (unsigned at = from; fired && at < 2000; at += step, points++)
			bad += !point(&w, fault, at, errors[i], &fired);
	}
	assert_true(world_remove(&w));
	print_message("%s: %u points\n", fault, points);
	assert_true(points > 10);
	assert_int_equal(bad, 0);
}

int main(int argc, char **argv)
{
	static const char *const faults[] = { "ledger_true", "nested", "cgroup_nested", "traps", "held_cwd", "ledger_garbage" };
	struct CMUnitTest tests[sizeof faults / sizeof *faults];
	size_t n = 0;
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (plan == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (argc < 2 || strcmp(argv[1], faults[i]) == 0)
			tests[n++] = (struct CMUnitTest){ faults[i], sweep, NULL, NULL, (void *)(uintptr_t)faults[i] };
	return _cmocka_run_group_tests("errors of a recovery", tests, n, NULL, NULL);
}
