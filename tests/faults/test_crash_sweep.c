/*
 * The meaning of crash-safe: for every system call N of `rustbox run -- true`, die before it; then within
 * a second no process of the box lives, health answers, one recovery leaves the world clean, a second one
 * finds nothing, and a box that runs beside all this keeps its verdict.
 *
 * By default a point stands for all calls since the last one that could change something outside the
 * process (reads and mappings cannot): the states are all there, in a fraction of the time. From the
 * environment: CRASH_EVERY=1 takes every call; CRASH_STRIDE=n, CRASH_OFFSET=k take every n-th point. Without any of
 * them, `make check` takes every fourth, another quarter each day.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/harness/crash.h"

static void sweep(void **state)
{
	struct crash_sweep s = { .act = *(const enum inject_act *)*state, .argv = crash_run_argv };
	crash_sweep(&s);
	print_message("%u calls, %u points, %u fired, %u had left something\n", s.calls, s.points, s.fired, s.dirty);
	assert_true(s.points > 20);
	assert_int_equal(s.failures, 0);
}

int main(void)
{
	if (!getenv("CRASH_EVERY") && !getenv("CRASH_STRIDE")) {
		char today[8];
		snprintf(today, sizeof today, "%d", (int)(time(NULL) / 86400 % 4));
		setenv("CRASH_STRIDE", "4", 1);
		setenv("CRASH_OFFSET", today, 1);
	}
	static const enum inject_act self = INJECT_KILL_SELF, all = INJECT_KILL_ALL;
	const struct CMUnitTest tests[] = {
		{ "the caller dies at each point of a run", sweep, NULL, NULL, (void *)(uintptr_t)&self },
		{ "all of rustbox dies at each point of a run", sweep, NULL, NULL, (void *)(uintptr_t)&all },
	};
	return crash_main("crash sweep", tests, sizeof tests / sizeof *tests);
}
