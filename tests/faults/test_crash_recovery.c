/*
 * Recovery itself meets trouble: on a host with planted leftovers it is killed at each of its system calls that changes
 * something, or any of its calls fails; then a second recovery must finish the work, and one that says "clean" must have been
 * right. Likewise `rustbox cleanup` of a box that lives. In `make check` a sample.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/wait.h>

#include "tests/harness/crash.h"
#include "tests/harness/lab.h"

static const char *const cleanup[] = { "rustbox", "cleanup", "--box-id", "lives", NULL };
/* Busy nested mounts with their holder, a nested cgroup, directories, and the ledger that names them. */
static const char *const faults[] = { "held_cwd", "nested", "cgroup_nested", "traps", "ledger_true" };
static const char *planted;
static struct lab lab;

static bool plant(struct world *w)
{
	lab_undo(&lab);
	lab_open(&lab, w, planted);
	return lab_plant(&lab, lab_fault(planted)) == PLANTED;
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

/* Exit 0 is a word: nothing is left. Otherwise it says what, or why it could not; never silence. */
static bool honest(const struct injected *r, const char *left)
{
	if (WIFSIGNALED(r->wstatus)) /* out of memory aborts: arena.h says so */
		return WTERMSIG(r->wstatus) == SIGABRT;
	return WEXITSTATUS(r->wstatus) == 0 ? !*left : *r->out != '\0';
}

static void on_each_plant(enum inject_act act, unsigned sample)
{
	for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
		struct crash_sweep s = { .act = act, .argv = crash_recovery_argv, .before = plant, .verdict = honest, .sample = sample,
					 .same = 1 };
		planted = faults[i];
		lab_open(&lab, &crash_world, planted);
		crash_sweep_holds(&s, 1);
		lab_undo(&lab);
	}
}

static void recovery_dies(void **state)
{
	(void)state;
	on_each_plant(INJECT_KILL_SELF, 80);
}

static void all_of_recovery_dies(void **state)
{
	(void)state;
	on_each_plant(INJECT_KILL_ALL, 80);
}

static void recovery_fails(void **state)
{
	(void)state;
	on_each_plant(INJECT_ERRNO, 200);
}

static void cleanup_dies(void **state)
{
	struct crash_sweep s = { .act = INJECT_KILL_SELF, .argv = cleanup, .before = box_lives, .finish = cleanup, .sample = 9 };
	(void)state;
	crash_sweep_holds(&s, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recovery_dies), cmocka_unit_test(all_of_recovery_dies),
		cmocka_unit_test(cleanup_dies), cmocka_unit_test(recovery_fails),
	};
	return crash_main("crashes of recovery", tests, sizeof tests / sizeof *tests);
}
