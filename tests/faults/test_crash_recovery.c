/*
 * Recovery is itself killed: on a host with planted leftovers, at each of its system calls that changes something; then a
 * second recovery must finish the work. Likewise `rustbox cleanup` of a box that lives. In `make check` a sample.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/harness/crash.h"
#include "tests/harness/lab.h"

static const char *const recovery[] = { "rustbox", "health", "--recover", "--cleanup", "--json", NULL };
static const char *const cleanup[] = { "rustbox", "cleanup", "--box-id", "lives", NULL };
static struct lab lab;

/* Busy nested mounts with their holder, a nested cgroup, directories, and the ledger that names them. */
static bool plant(struct world *w)
{
	static const char *const faults[] = { "held_cwd", "nested", "cgroup_nested", "traps", "ledger_true" };
	static unsigned nth;
	lab_undo(&lab);
	lab_open(&lab, w, faults[nth++ % (sizeof faults / sizeof *faults)]);
	return lab_plant(&lab, lab_fault(lab.box)) == PLANTED;
}

static bool box_lives(struct world *w)
{
	struct ran r;
	world_call(w, &r, 10, "rustbox", "health", "--recover", "--cleanup", "--json");
	ran_done(&r);
	world_call(w, &r, 10, "rustbox", "init", "--box-id", "lives");
	if (r.code != 0)
		print_message("init: exit %d: %.500s\n", r.code, r.err);
	bool ok = r.code == 0;
	ran_done(&r);
	return ok;
}

static void sweep(const char *const *argv, bool (*before)(struct world *), enum inject_act act)
{
	struct crash_sweep s = { .act = act, .argv = argv, .before = before, .finish = argv == cleanup ? cleanup : NULL };
	if (!getenv("MATRIX"))
		setenv("CRASH_STRIDE", argv == cleanup ? "9" : "300", 1);
	lab_open(&lab, &crash_world, "none");
	crash_sweep(&s);
	lab_undo(&lab);
	print_message("%u calls, %u points, %u fired, %u had left something\n", s.calls, s.points, s.fired, s.dirty);
	assert_true(s.points > 3);
	assert_int_equal(s.failures, 0);
}

static void recovery_dies(void **state)
{
	(void)state;
	sweep(recovery, plant, INJECT_KILL_SELF);
}

static void all_of_recovery_dies(void **state)
{
	(void)state;
	sweep(recovery, plant, INJECT_KILL_ALL);
}

static void cleanup_dies(void **state)
{
	(void)state;
	sweep(cleanup, box_lives, INJECT_KILL_SELF);
}

static void recovery_fails(void **state)
{
	(void)state;
	if (!getenv("MATRIX"))
		skip();
	sweep(recovery, plant, INJECT_ERRNO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recovery_dies), cmocka_unit_test(all_of_recovery_dies),
		cmocka_unit_test(cleanup_dies), cmocka_unit_test(recovery_fails),
	};
	return crash_main("crashes of recovery", tests, sizeof tests / sizeof *tests);
}
