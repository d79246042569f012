/*
 * Recovery when the host says no: on a planted host, the Nth of its system calls fails with each plausible error, for
 * N = 1, 2, ... until a recovery meets no fault. Whatever failed, it ends in time, never says "clean" while the kernel
 * shows something left, harms no canary, and a second recovery without faults finishes the work.
 *
 * In `make check` every fifteenth point from CRASH_OFFSET on; MATRIX=full takes all.
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/box/recover.h"
#include "tests/harness/lab.h"
#include "tests/harness/sys_faults.h"

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
	*sys_fault = (struct sys_fault){ .at = at, .nr = NOT_ALONE, .error = error, .on = true };
	int said = recover_once(w);
	sys_fault->on = false;
	*fired = sys_fault->fired;
	autofree char *left = world_left(w);
	bool good = said == SAID_LEFT || (said == SAID_CLEAN && !*left), unharmed = lab_unharmed(&l, text, sizeof text);
	int again = recover_once(w);
	autofree char *after = world_left(w);
	bool done = again == SAID_CLEAN && !*after;
	if (!good || !unharmed || !done)
		print_message("%s: call %u (%s) fails with %s: said %d, then %d; left: %s; after: %s; %s\n", fault, at, sys_fault->where,
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
	const char *asked = getenv("CRASH_OFFSET");
	unsigned step = getenv("MATRIX") ? 1 : 15, offset = asked ? (unsigned)atoi(asked) : 0, bad = 0, points = 0;
	world_open(&w, WORLD_MOUNTS);
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		bool fired = true;
		unsigned from = step > 1 ? 1 + (offset + (unsigned)i) % step : 1;
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
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	sys_fault_open();
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
		if (argc < 2 || strcmp(argv[1], faults[i]) == 0)
			tests[n++] = (struct CMUnitTest){ faults[i], sweep, NULL, NULL, (void *)(uintptr_t)faults[i] };
	return _cmocka_run_group_tests("errors of a recovery", tests, n, NULL, NULL);
}
