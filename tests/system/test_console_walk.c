/*
 * Procedures walked in a real terminal on real faults, with the kernel's own files asked afterwards: P2 with a
 * busy mount and P5 for the directories it leaves, P4 and P3
 * for a live cgroup, P6, and P1 for everything at once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/console.h"

/* x shows the plan; the plan's key or phrase commits it. */
static void commit(struct pty *p, const char *with)
{
	pty_send(p, "x");
	assert_true(pty_wait(p, "WILL RUN", 3));
	pty_settle(p, 0.2, 1);
	pty_send(p, with);
	assert_true(pty_wait_gone(p, "WILL RUN", 3));
}

static void p2_with_a_busy_mount(void **state)
{
	static struct lab busy, nested;
	struct world *w = world_need(state);
	console_plant(&busy, w, "held_cwd");
	console_plant(&nested, w, "nested");
	struct pty *p = console_armed(w, "leak");
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	commit(p, "Y");
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 30));
	assert_true(pty_wait(p, "3 of 4", 2));
	pty_settle(p, 0.2, 1);
	pty_send(p, "a");
	assert_true(pty_wait(p, "[>>]4", 2));
	pty_send(p, "x");
	assert_true(pty_wait(p, "[>>]5", 15));
	assert_true(pty_wait(p, "Held by", 2));
	console_commit(p, "kill 1");
	assert_true(pty_wait(p, "DONE", 20)); /* the busy mount was tried again by itself, and is seen gone */
	assert_true(pty_wait(p, "[ok]7", 2));
	pty_send(p, "b"); /* P5: the directories the mounts stood in */
	console_begin(p, "5", "P5 Filesystem", "[ok]1 List");
	console_commit(p, "delete 2");
	assert_true(pty_wait(p, "[ok]2 Delete", 15));
	console_leave(p);
	lab_undo(&nested);
	lab_undo(&busy);
}

static void p1_for_everything(void **state)
{
	static const char *const faults[] = { "nested", "held_cwd", "cgroup_nested", "cgroup_sleeper", "tempdir", "bind_trap" };
	static struct lab labs[sizeof faults / sizeof faults[0]];
	struct world *w = world_need(state);
	size_t n = sizeof faults / sizeof faults[0];
	for (size_t i = 0; i < n; i++)
		console_plant(&labs[i], w, faults[i]);
	struct pty *p = console_armed(w, "leak");
	console_begin(p, "1", "P1 Automatic", "[ok]1 Look");
	pty_send(p, "x");
	assert_true(pty_wait(p, "WILL RUN", 3));
	pty_settle(p, 0.2, 1);
	pty_send(p, "\033[F"); /* End: the plan is longer than the screen and must have been read */
	pty_settle(p, 0.2, 1);
	pty_send(p, "Y");
	assert_true(pty_wait(p, "DONE", 60));
	assert_true(pty_wait(p, "[ok]4", 2));
	assert_true(pty_wait(p, "HEALTHY", 2));
	console_leave(p);
	for (size_t i = 0; i < n; i++)
		console_gone(&labs[i]);
	for (size_t i = n; i-- > 0;)
		lab_undo(&labs[i]);
}

/* P4 ends what lives in a leftover cgroup, P3 removes the cgroup; a step with nothing to act on ticks itself. */
static void p4_then_p3(void **state)
{
	static struct lab sleeper;
	struct world *w = world_need(state);
	console_plant(&sleeper, w, "cgroup_sleeper");
	struct pty *p = console_armed(w, "leak");
	console_begin(p, "4", "P4 Manual process", "[ok]1 List");
	console_commit(p, "kill 1");
	assert_true(pty_wait(p, "[ok]3 Wait", 15));
	pty_send(p, "b");
	console_begin(p, "3", "P3 Manual cgroup", "[ok]1 List");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[>>]5 Remove", 6));
	commit(p, "Y");
	assert_true(pty_wait(p, "DONE", 15));
	console_leave(p);
	console_gone(&sleeper);
	lab_undo(&sleeper);
}

/* Quarantined by hand and clean: verdict and view agree, and the worker goes back to work. */
static void p6_back_to_work(void **state)
{
	static const char *const quarantine[] = { "rustbox", "health", "--quarantine", "--reason", "drill", NULL };
	struct world *w = world_need(state);
	char host[65], phrase[100];
	struct pty *q = pty_start(&(struct pty_how){ .root = w->root, .argv = quarantine });
	assert_int_not_equal(pty_wait_exit(q, 10), -1);
	pty_done(q);
	struct pty *p = console_as(w, "alice");
	assert_true(pty_wait(p, "QUARANTINED manual_quarantine", 5));
	console_arm(p);
	console_open(p, "6", "P6 Worker");
	pty_send(p, "x");
	assert_true(pty_wait(p, "what it said", 10));
	assert_true(pty_wait(p, "\"clean\":true", 5));
	pty_send(p, "\033");
	assert_true(pty_wait(p, "[ok]1 Verify", 10));
	assert_true(pty_wait(p, "[ok]2 Seen clean", 5)); /* ticks itself */
	pty_send(p, "x");
	assert_true(pty_wait(p, "class R0", 2));
	pty_settle(p, 0.2, 1);
	pty_send(p, "Y");
	assert_true(pty_wait(p, "[ok]3 Cause", 2));
	pty_send(p, "x");
	assert_true(pty_wait(p, "class R3", 2));
	pty_settle(p, 0.2, 1);
	assert_int_equal(gethostname(host, sizeof host), 0);
	(void)snprintf(phrase, sizeof phrase, "unquarantine %s\r", host);
	pty_send(p, "drill is over\t");
	pty_send(p, phrase);
	assert_true(pty_wait(p, "[ok]5 Healthy?", 35));
	assert_true(pty_wait(p, "[H] HEALTHY", 2));
	console_leave(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(p2_with_a_busy_mount),
		WORLD_TEST(p1_for_everything),
		WORLD_TEST(p4_then_p3),
		WORLD_TEST(p6_back_to_work),
	};
	world_alone(); /* the screen shows the processes of this test, not those of the tests beside it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
