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

#include "tests/harness/lab.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

static int each_world(void **state)
{
	static struct world w;
	if (world_lacking())
		return 0;
	world_open(&w, WORLD_MOUNTS);
	*state = &w;
	return 0;
}

static int each_end(void **state)
{
	return !*state || world_done(*state) ? 0 : -1;
}

static void plant(struct lab *l, const struct world *w, const char *name)
{
	lab_open(l, w, name);
	if (lab_plant(l, lab_fault(name)) != PLANTED)
		fail_msg("%s: %s", name, l->why);
}

static void gone(struct lab *l)
{
	char text[2048];
	if (!lab_gone(l, text, sizeof text))
		fail_msg("%s: still there: %s", l->box, text);
	if (!lab_unharmed(l, text, sizeof text))
		fail_msg("%s: harmed: %s", l->box, text);
}

static struct pty *console(const struct world *w)
{
	static const char *const env[] = { "RUSTBOX_RUNBOOKS=runbooks", NULL };
	struct pty *p = pty_start(&(struct pty_how){ .root = w->root, .env = env, .rows = 34, .cols = 100 });
	assert_true(pty_wait(p, "live:", 5));
	return p;
}

static void arm(struct pty *p)
{
	pty_send(p, "A");
	assert_true(pty_wait(p, "why do you act", 2));
	pty_settle(p, 0.2, 1); /* a key within 150 ms of the question would be dropped, as it should */
	pty_send(p, "INC-1\r");
	assert_true(pty_wait(p, "[ARMED", 2));
}

static struct pty *armed_console(const struct world *w)
{
	struct pty *p = console(w);
	assert_true(pty_wait(p, "leak", 5));
	arm(p);
	return p;
}

static void open_procedure(struct pty *p, const char *key, const char *title)
{
	pty_send(p, "p");
	assert_true(pty_wait(p, "procedures", 2));
	pty_send(p, key);
	assert_true(pty_wait(p, title, 2));
}

/* x shows the plan; the plan's key or phrase commits it. */
static void commit(struct pty *p, const char *with)
{
	pty_send(p, "x");
	assert_true(pty_wait(p, "WILL RUN", 3));
	pty_settle(p, 0.2, 1);
	pty_send(p, with);
	assert_true(pty_wait_gone(p, "WILL RUN", 3));
}

static void leave(struct pty *p)
{
	pty_send(p, "\033");
	pty_settle(p, 0.1, 1);
	pty_send(p, "q");
	assert_int_equal(pty_wait_exit(p, 5), 0);
	pty_done(p);
}

static void p2_with_a_busy_mount(void **state)
{
	static struct lab busy, nested;
	struct world *w = *state;
	char host[65], phrase[100];
	if (!w)
		skip();
	plant(&busy, w, "held_cwd");
	plant(&nested, w, "nested");
	struct pty *p = armed_console(w);
	open_procedure(p, "2", "P2 Manual mount");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 List", 2));
	commit(p, "Y");
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 30));
	assert_true(pty_wait(p, "3 of 4", 2));
	pty_settle(p, 0.2, 1);
	pty_send(p, "a");
	assert_true(pty_wait(p, "[>>]4", 2));
	pty_send(p, "x");
	assert_true(pty_wait(p, "[>>]5", 15));
	assert_true(pty_wait(p, "Held by", 2));
	assert_int_equal(gethostname(host, sizeof host), 0);
	(void)snprintf(phrase, sizeof phrase, "kill 1 on %s\r", host);
	commit(p, phrase);
	assert_true(pty_wait(p, "DONE", 20)); /* the busy mount was tried again by itself, and is seen gone */
	assert_true(pty_wait(p, "[ok]7", 2));
	pty_send(p, "b"); /* P5: the directories the mounts stood in */
	open_procedure(p, "5", "P5 Filesystem");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 List", 2));
	(void)snprintf(phrase, sizeof phrase, "delete 2 on %s\r", host);
	commit(p, phrase);
	assert_true(pty_wait(p, "[ok]2 Delete", 15));
	leave(p);
	lab_undo(&nested);
	lab_undo(&busy);
}

static void p1_for_everything(void **state)
{
	static const char *const faults[] = { "nested", "held_cwd", "cgroup_nested", "cgroup_sleeper", "tempdir", "bind_trap" };
	static struct lab labs[sizeof faults / sizeof faults[0]];
	struct world *w = *state;
	size_t n = sizeof faults / sizeof faults[0];
	if (!w)
		skip();
	for (size_t i = 0; i < n; i++)
		plant(&labs[i], w, faults[i]);
	struct pty *p = armed_console(w);
	open_procedure(p, "1", "P1 Automatic");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 Look", 2));
	pty_send(p, "x");
	assert_true(pty_wait(p, "WILL RUN", 3));
	pty_settle(p, 0.2, 1);
	pty_send(p, "\033[F"); /* End: the plan is longer than the screen and must have been read */
	pty_settle(p, 0.2, 1);
	pty_send(p, "Y");
	assert_true(pty_wait(p, "DONE", 60));
	assert_true(pty_wait(p, "[ok]4", 2));
	assert_true(pty_wait(p, "HEALTHY", 2));
	leave(p);
	for (size_t i = 0; i < n; i++)
		gone(&labs[i]);
	for (size_t i = n; i-- > 0;)
		lab_undo(&labs[i]);
}

/* P4 ends what lives in a leftover cgroup, P3 removes the cgroup; a step with nothing to act on ticks itself. */
static void p4_then_p3(void **state)
{
	static struct lab sleeper;
	struct world *w = *state;
	char host[65], phrase[100];
	if (!w)
		skip();
	plant(&sleeper, w, "cgroup_sleeper");
	assert_int_equal(gethostname(host, sizeof host), 0);
	struct pty *p = armed_console(w);
	open_procedure(p, "4", "P4 Manual process");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 List", 2));
	(void)snprintf(phrase, sizeof phrase, "kill 1 on %s\r", host);
	commit(p, phrase);
	assert_true(pty_wait(p, "[ok]3 Wait", 15));
	pty_send(p, "b");
	open_procedure(p, "3", "P3 Manual cgroup");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 List", 2));
	pty_send(p, "x");
	assert_true(pty_wait(p, "[>>]5 Remove", 6));
	commit(p, "Y");
	assert_true(pty_wait(p, "DONE", 15));
	leave(p);
	gone(&sleeper);
	lab_undo(&sleeper);
}

/* Quarantined by hand and clean: verdict and view agree, and the worker goes back to work. */
static void p6_back_to_work(void **state)
{
	static const char *const quarantine[] = { "rustbox", "health", "--quarantine", "--reason", "drill", NULL };
	struct world *w = *state;
	char host[65], phrase[100];
	if (!w)
		skip();
	struct pty *q = pty_start(&(struct pty_how){ .root = w->root, .argv = quarantine });
	assert_int_not_equal(pty_wait_exit(q, 10), -1);
	pty_done(q);
	struct pty *p = console(w);
	assert_true(pty_wait(p, "QUARANTINED manual_quarantine", 5));
	arm(p);
	open_procedure(p, "6", "P6 Worker");
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
	leave(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(p2_with_a_busy_mount, each_world, each_end),
		cmocka_unit_test_setup_teardown(p1_for_everything, each_world, each_end),
		cmocka_unit_test_setup_teardown(p4_then_p3, each_world, each_end),
		cmocka_unit_test_setup_teardown(p6_back_to_work, each_world, each_end),
	};
	world_alone(); /* the screen shows the processes of this test, not those of the tests beside it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
