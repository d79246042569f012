/* The loop of the failure matrix: inject at a point, then demand the invariants. */
#ifndef TESTS_HARNESS_CRASH_H
#define TESTS_HARNESS_CRASH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/harness/inject.h"

struct crash_sweep {
	enum inject_act act;
	const char *const *argv;	      /* the program under injection */
	bool (*before)(struct world *w);      /* puts the world in place before each point; NULL: it is empty */
	const char *const *finish;	      /* what an operator runs again after the crash; NULL: nothing but recovery */
	/* INJECT_ERRNO: the result must be true or IE; called with what was printed and the exit status. */
	bool (*verdict)(const struct injected *r);
	/* results */
	unsigned calls, points, fired, dirty, failures;
};

extern const char *const crash_run_argv[];
extern struct world crash_world;

void crash_sweep(struct crash_sweep *s);
/* Skips without root, makes the world, runs the tests, demands that nothing is left. */
int crash_main(const char *name, const struct CMUnitTest *tests, size_t n);

#endif
