/* Whose a process or directory is: a table of clues, and unknown is never left over. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/ownership.h"

static struct ledger led[] = { { .box = "dead" }, { .box = "live", .held = true } };
static const struct ledgers known = { led, 2, true, { 0 } }, partly = { led, 2, false, { 0 } };

static void processes(void **state)
{
	static const struct {
		const char *what;
		struct process_clues c;
		enum owner owner;
	} cases[] = {
		{ "nothing", { 0 }, OWNER_FOREIGN },
		{ "in a dead box's cgroup", { .cgroup_box = "dead" }, OWNER_LEAK },
		{ "in a live box's cgroup", { .cgroup_box = "live", .in_pool = true }, OWNER_ACTIVE },
		{ "in a cgroup without ledger", { .cgroup_box = "lost" }, OWNER_LEAK },
		{ "the operator's shell in a box", { .cgroup_box = "dead", .self = true }, OWNER_SELF },
		{ "named by a dead ledger", { .ledger_box = "dead", .our_exe = true }, OWNER_LEAK },
		{ "named by a live ledger", { .ledger_box = "live" }, OWNER_ACTIVE },
		{ "a supervisor", { .our_exe = true }, OWNER_SERVICE },
		{ "an init of a dead box", { .our_exe = true, .pidns_box = "dead" }, OWNER_LEAK },
		{ "escaped from its cgroup", { .pidns_box = "dead", .in_pool = true }, OWNER_ORPHAN },
		{ "in a live box's namespace", { .pidns_box = "live", .in_pool = true }, OWNER_ACTIVE },
		{ "a pool uid on its own", { .in_pool = true }, OWNER_ORPHAN },
		{ "a pool uid being launched", { .in_pool = true, .live_parent = true }, OWNER_ACTIVE },
		{ "a zombie nobody reaps", { .in_pool = true, .zombie = true }, OWNER_LEAK },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ownership o = ownership_of_process(&known, &cases[i].c);
		if (o.owner != cases[i].owner)
			fail_msg("%s: %s, expected %s", cases[i].what, owner_word(o.owner), owner_word(cases[i].owner));
		assert_non_null(o.why);
	}
}

static void unknown_is_never_left_over(void **state)
{
	const struct process_clues pool = { .in_pool = true }, lost = { .cgroup_box = "lost" };
	(void)state;
	assert_int_equal(ownership_of_box(&partly, "lost").owner, OWNER_ACTIVE);
	assert_int_equal(ownership_of_box(&partly, "dead").owner, OWNER_LEAK); /* that one was read */
	assert_int_equal(ownership_of_process(&partly, &pool).owner, OWNER_ACTIVE);
	assert_int_equal(ownership_of_process(&partly, &lost).owner, OWNER_ACTIVE);
}

static void directories_by_their_maker(void **state)
{
	const struct world w = { "/tmp", "/run/rustbox", "/var/lib/rustbox", &known };
	(void)state;
	assert_int_equal(ownership_of_dir(&w, "dead", 0, 0, 61000).owner, OWNER_LEAK);
	assert_int_equal(ownership_of_dir(&w, "live", 0, 0, 61000).owner, OWNER_ACTIVE);
	assert_int_equal(ownership_of_dir(&w, "dead", 61127, 0, 61000).owner, OWNER_LEAK);
	assert_int_equal(ownership_of_dir(&w, "dead", 61128, 0, 61000).owner, OWNER_FOREIGN);
	assert_int_equal(ownership_of_dir(&w, "dead", 1000, 0, 61000).owner, OWNER_FOREIGN);
	assert_int_equal(ownership_of_dir(&w, "dead", 1000, 1000, 61000).owner, OWNER_LEAK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes),
		cmocka_unit_test(unknown_is_never_left_over),
		cmocka_unit_test(directories_by_their_maker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
