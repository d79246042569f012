/*
 * The meaning of crash-safe: for every system call N of `rustbox run -- true`, die before it; then within
 * a second no process of the box lives, health answers, one recovery leaves the world clean, a second one
 * finds nothing, and a box that runs beside all this keeps its verdict.
 *
 * A point stands for all calls since the last one that could change something outside the process (reads and mappings
 * cannot): the states are all there, in a fraction of the time. `make check` takes every fourth. From the
 * environment: MATRIX=full takes every call; CRASH_STRIDE=n, CRASH_OFFSET=k take every n-th from the k-th.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/harness/crash.h"

static void sweep(void **state)
{
	struct crash_sweep s = { .act = *(const enum inject_act *)*state, .argv = crash_run_argv, .sample = 4 };
	crash_sweep_holds(&s, 20);
}

/* Twice in a row: the run dies at one point, the recovery after it at another; the next recovery ends the matter. */
static void pairs(void **state)
{
	struct crash_sweep s = { .act = *(const enum inject_act *)*state, .argv = crash_run_argv, .sample = 20, .pairs = true };
	unsetenv("CRASH_EVERY");
	crash_sweep_holds(&s, 5);
	assert_true(s.again > 0);
}

int main(void)
{
	if (getenv("MATRIX"))
		setenv("CRASH_EVERY", "1", 0);
	static const enum inject_act self = INJECT_KILL_SELF, all = INJECT_KILL_ALL;
	const struct CMUnitTest tests[] = {
		{ "the caller dies at each point of a run", sweep, NULL, NULL, (void *)(uintptr_t)&self },
		{ "all of rustbox dies at each point of a run", sweep, NULL, NULL, (void *)(uintptr_t)&all },
		{ "the caller dies, then its recovery", pairs, NULL, NULL, (void *)(uintptr_t)&self },
		{ "all of rustbox dies, then its recovery", pairs, NULL, NULL, (void *)(uintptr_t)&all },
	};
	return crash_main("crash sweep", tests, sizeof tests / sizeof *tests);
}
