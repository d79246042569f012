/*
 * The errno half of the failure matrix by a second harness, and the two must agree: the same call of a run, the k-th of its
 * number, fails with the same error, once inside of the program (its own sys_* functions stand aside) and once from outside
 * (ptrace). Both runs must count the same calls, be honest, and end with the same verdict, cause and exit status; and one
 * recovery clears what either left.
 *
 * In `make check` a sample from CRASH_OFFSET on; MATRIX=full takes all.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/cli/commands.h"
#include "tests/harness/crash.h"
#include "tests/harness/sys_faults.h"

static struct injected inside; /* what the run inside of this program did, in the other harness's words */

static void run_inside(int nr, unsigned at, int error)
{
	autofd int out = memfd_create("inside", MFD_CLOEXEC);
	*sys_fault = (struct sys_fault){ .at = at, .nr = nr, .error = error, .on = true };
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int argc = 0;
		while (crash_run_argv[argc + 1])
			argc++;
		if (dup2(out, 1) < 0 || dup2(out, 2) < 0 || !freopen("/dev/null", "r", stdin))
			_exit(126);
		struct invocation in = { .paths = &crash_world.paths, .argc = argc, .argv = (char **)(uintptr_t)(crash_run_argv + 1) };
		exit(cmd_run(&in));
	}
	assert_int_equal(waitpid(pid, &inside.wstatus, 0), pid);
	sys_fault->on = false;
	ssize_t n = pread(out, inside.out, sizeof inside.out - 1, 0);
	inside.out[n > 0 ? n : 0] = '\0';
	inside.fired = sys_fault->fired;
	inside.calls = 1000; /* it is past its start: the test's own */
}

/* "exit 3, IE, launch_failed" */
static const char *outcome(const struct injected *r, char *text, size_t cap)
{
	char status[32] = "", cause[64] = "";
	const char *at = strchr(r->out, '{');
	json_t *j = at ? json_loads(at, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	json_at(j, "status", status, sizeof status);
	json_at(j, "verdict.cause", cause, sizeof cause);
	json_decref(j);
	snprintf(text, cap, "%s %d, %s, %s", WIFEXITED(r->wstatus) ? "exit" : "signal",
		 WIFEXITED(r->wstatus) ? WEXITSTATUS(r->wstatus) : WTERMSIG(r->wstatus), status, cause);
	return text;
}

static bool settles(void)
{
	struct ran r;
	autofree char *left = world_left(&crash_world);
	if (*left) {
		world_run(&crash_world, &r, 60, NULL, crash_recovery_argv);
		ran_done(&r);
	}
	return world_clean_within(&crash_world, 2);
}

/* `looks`: how many calls of this number the eyes make before, to learn what the kernel can do: not by a sys_* function. */
static bool point(uint32_t nr, unsigned at, unsigned looks, int error)
{
	char a[160], b[160];
	struct inject_plan plan = { .act = INJECT_ERRNO, .at = at + looks, .only = &nr, .error = error };
	run_inside((int)nr, at, error);
	bool good = settles() && crash_run_honest(&inside, "");
	struct injected *outside = inject_run(&crash_world, &plan, crash_run_argv);
	good = settles() && crash_run_honest(outside, "") && !outside->late && good;
	outcome(&inside, a, sizeof a);
	outcome(outside, b, sizeof b);
	if (inside.fired != outside->fired || strcmp(a, b) != 0)
		good = false;
	if (!good)
		print_message("%s number %u (%s) fails with %s\ninside:  %s: %.400s\noutside: %s: %.400s\n", inject_name(nr), at,
			      sys_fault->where, strerrorname_np(error), a, inside.out, b, outside->out);
	inject_free(outside);
	return good;
}

static void injectors_agree(void **state)
{
	static const int otherwise[] = { EPERM, 0 };
	const char *asked = getenv("CRASH_OFFSET");
	unsigned stride = getenv("MATRIX") ? 1 : 15, nth = asked ? (unsigned)atoi(asked) : 0, points = 0, bad = 0;
	unsigned made[NR_ROOM], seen[NR_ROOM] = { 0 };
	struct inject_plan none = { .act = INJECT_NOTHING };
	(void)state;
	run_inside(NOT_ALONE, 0, 0); /* the first in a world makes its directories */
	run_inside(NOT_ALONE, 0, 0);
	if (WEXITSTATUS(inside.wstatus) != 0)
		fail_msg("undisturbed: %s", inside.out);
	memcpy(made, sys_fault->made, sizeof made);
	struct injected *r = inject_run(&crash_world, &none, crash_run_argv);
	for (unsigned i = 0; i < r->calls; i++)
		seen[r->v[i].nr < NR_ROOM ? r->v[i].nr : 0]++;
	inject_free(r);
	for (uint32_t nr = 0; nr < NR_ROOM; nr++) {
		bool looks = nr == SYS_open_tree || nr == SYS_clone3 || nr == SYS_seccomp || nr == SYS_landlock_create_ruleset;
		if (made[nr] && made[nr] + looks != seen[nr]) {
			print_message("%s: %u calls inside, %u outside\n", inject_name(nr), made[nr], seen[nr]);
			bad++;
		}
		for (unsigned at = 1; at <= made[nr]; at++)
			for (const int *error = inject_errors(nr) ?: otherwise; *error; error++)
				if (nth++ % stride == 0 && ++points)
					bad += !point(nr, at, looks, *error);
	}
	print_message("%u points\n", points);
	assert_true(points > 5);
	assert_int_equal(bad, 0);
}

int main(void)
{
	sys_fault_open();
	const struct CMUnitTest tests[] = { cmocka_unit_test(injectors_agree) };
	return crash_main("two injectors", tests, 1);
}
