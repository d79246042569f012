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
	unsigned sample;		      /* `make check` takes every so many-th point, the same each time; MATRIX=full all */
	bool pairs;			      /* the recovery after the crash dies, too, before a call drawn by lot */
	unsigned same;			      /* INJECT_ERRNO: so many calls from one place in the code at most; 0: all */
	/* INJECT_ERRNO: is what it printed and its exit status the truth, seeing what is left (or ""). */
	bool (*verdict)(const struct injected *r, const char *left);
	/* results; again: of the pairs' second crashes, those that came before the recovery's end */
	unsigned calls, points, fired, again, dirty, failures;
};

extern const char *const crash_run_argv[], *const crash_recovery_argv[];
extern struct world crash_world;

/* A verdict for runs: the exit status and what was printed must agree, and be OK or an error of ours, never a program's fault. */
bool crash_run_honest(const struct injected *r, const char *left);
void crash_sweep(struct crash_sweep *s);
/* The same, says how many there were, and fails the test when one failed or there were fewer than `least`. */
void crash_sweep_holds(struct crash_sweep *s, unsigned least);
/* Skips without root, makes the world, runs the tests, demands that nothing is left. */
int crash_main(const char *name, const struct CMUnitTest *tests, size_t n);

#endif
