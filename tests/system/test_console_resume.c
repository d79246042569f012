/*
 * A console killed at the worst moments of a step, and the one that comes after it: before the command was started, while
 * it runs, after it ended and before anybody wrote that down, and with its keeper killed as well.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"
#include "tui/journal.h"

static void until_there(const char *path)
{
	for (double end = world_now() + world_patience(20); access(path, F_OK) != 0; (void)poll(NULL, 0, 10))
		if (world_now() > end)
			fail_msg("%s did not come", path);
}

static void touch(const char *path)
{
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fclose(f), 0);
}

/* A rustbox that says it could not unmount one, when it is let go, and exits 1. */
struct slow {
	char begun[PATH_ROOM], go[PATH_ROOM], ended[PATH_ROOM], script[PATH_ROOM * 5];
};

static void slow_tool(const struct world *w, struct slow *s)
{
	(void)snprintf(s->begun, sizeof s->begun, "%s/begun", w->root);
	(void)snprintf(s->go, sizeof s->go, "%s/go", w->root);
	(void)snprintf(s->ended, sizeof s->ended, "%s/ended", w->root);
	(void)snprintf(s->script, sizeof s->script,
		       "trap 'touch %s' EXIT\n"
		       "echo '{\"kind\":\"mount\",\"id\":\"1\",\"name\":\"/first\",\"outcome\":\"busy\",\"errno\":\"EBUSY\",\"because\":\"said early\"}'\n"
		       "touch %s\nwhile [ ! -e %s ]; do sleep 0.05; done\necho 'said late' >&2\nexit 1",
		       s->ended, s->begun, s->go);
}

/* P2.2 committed with the slow tool, and begun; the console may be without its guard. */
static struct pty *begun(const struct world *w, const struct slow *s)
{
	struct pty *p = console_beside(w, s->script);
	assert_true(pty_wait(p, "+ M leak", 15));
	console_arm(p);
	console_open(p, "2", "P2 Manual mount");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 List", 5));
	pty_send(p, "x");
	console_press(p, "Y commits", "Y");
	until_there(s->begun);
	console_journaled(w, "\"event\":\"run\"");
	return p;
}

static void killed(struct pty *p)
{
	assert_int_equal(kill(pty_console(p), SIGKILL), 0);
	assert_int_equal(pty_wait_exit(p, 10), 128 + SIGKILL);
	pty_done(p);
}

static void resumed(struct pty *p)
{
	console_press(p, "resume incident", "Y");
	assert_true(pty_wait_gone(p, "resume incident", 5));
}

/* While it runs: the next console says so, attaches, sees what was said before and after, and writes the outcome. */
static void killed_while_it_runs(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	struct slow s;
	slow_tool(w, &s);
	console_plant(&nested, w, "nested");
	killed(begun(w, &s));
	struct pty *p = console_beside(w, s.script);
	assert_true(pty_wait(p, "THEN RAN", 10));
	assert_true(pty_wait(p, "still running without", 5));
	resumed(p);
	assert_true(pty_wait(p, "said early", 10)); /* live, before its end */
	assert_int_not_equal(access(s.ended, F_OK), 0);
	pty_send(p, "x");
	assert_true(pty_wait(p, "one step at a time", 5));
	touch(s.go);
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 20));
	console_journaled(w, "\"event\":\"outcome\"");
	autofree char *text = console_journal(w);
	char *outcome = strstr(text, "\"event\":\"outcome\"");
	assert_non_null(strstr(outcome, "\"step\":\"P2.2\",\"run\":[\"rustbox\",\"reclaim\",\"mount\""));
	assert_non_null(strstr(outcome, "\"status\":1,"));
	assert_non_null(strstr(outcome, "said early"));
	assert_non_null(strstr(outcome, "\"said\":\"said late\""));
	console_leave(p);
	console_undo(w, &nested);
}

/* After its end, before the console could read it: nothing of it is lost. */
static void killed_after_it_ended(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	struct slow s;
	slow_tool(w, &s);
	console_plant(&nested, w, "nested");
	struct pty *p = begun(w, &s);
	pid_t ui = pty_console(p), guard = pty_pid(p);
	assert_int_equal(kill(guard, SIGSTOP), 0); /* else it would wake the console again */
	assert_int_equal(kill(ui, SIGSTOP), 0);
	touch(s.go);
	until_there(s.ended);
	char path[PATH_ROOM + 100];
	(void)snprintf(path, sizeof path, "%s/steps", w->paths.of[PATH_RUN]);
	bool kept = false;
	for (double end = world_now() + world_patience(20); !kept && world_now() < end; (void)poll(NULL, 0, 10)) {
		autodir DIR *dir = opendir(path);
		for (struct dirent *d; dir && (d = readdir(dir));) {
			char file[PATH_ROOM + 400];
			autofree char *text = NULL;
			(void)snprintf(file, sizeof file, "%s/%s", path, d->d_name);
			kept = kept || (d->d_name[0] != '.' && kfile_read_all(AT_FDCWD, file, &text) > 0 && strstr(text, "\nx 1\n"));
		}
	}
	assert_true(kept);
	autofree char *before = console_journal(w);
	assert_null(strstr(before, "\"event\":\"outcome\""));
	assert_int_equal(kill(ui, SIGKILL), 0);
	assert_int_equal(kill(guard, SIGCONT), 0);
	assert_int_equal(pty_wait_exit(p, 10), 128 + SIGKILL);
	pty_done(p);
	p = console_beside(w, s.script);
	assert_true(pty_wait(p, "end is not recorded", 10));
	resumed(p);
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 20));
	console_journaled(w, "\"said\":\"said late\"");
	console_leave(p);
	console_undo(w, &nested);
}

/* Killed with its keeper: how it ended is not known, and nobody claims to know it. */
static void its_keeper_killed_too(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	struct slow s;
	slow_tool(w, &s);
	console_plant(&nested, w, "nested");
	struct pty *p = begun(w, &s);
	pid_t keeper = console_keeper(p);
	assert_true(keeper > 0);
	killed(p);
	assert_int_equal(kill(keeper, SIGKILL), 0); /* reaped by this program's init, as a child of a dead console */
	p = console_beside(w, s.script);
	resumed(p);
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 20));
	assert_true(pty_wait(p, "its keeper was killed", 5));
	console_leave(p);
	touch(s.go);
	until_there(s.ended);
	console_undo(w, &nested);
}

/* Announced and never started: the file that a start begins with is not there. */
static void killed_before_it_was_started(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	struct journal j;
	console_plant(&nested, w, "nested");
	journal_init(&j, &w->paths, "early");
	assert_int_equal(journal_add(&j, "{\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"opened\",\"who\":\"alice\"}\n"
				     "{\"at\":\"2026-01-01T00:00:01Z\",\"event\":\"procedure\",\"who\":\"alice\",\"book\":\"cleanup-failure\",\"procedure\":2}\n"
				     "{\"at\":\"2026-01-01T00:00:02Z\",\"event\":\"run\",\"who\":\"alice\",\"step\":\"P2.2\",\"run\":[\"rustbox\",\"reclaim\",\"mount\",\"1\"]}", NULL), 0);
	journal_done(&j);
	struct pty *p = console_as(w, "bob");
	resumed(p);
	assert_true(pty_wait(p, "never started", 20));
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 20));
	console_journaled(w, "\"status\":126");
	console_leave(p);
	console_undo(w, &nested);
}

/* The real engine, and the console killed at once: what it did is in the journal of the one that comes after. */
static void the_real_one(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	char left[2048];
	console_plant(&nested, w, "nested");
	struct pty *p = console_as(w, "alice");
	assert_true(pty_wait(p, "+ M leak", 15));
	console_arm(p);
	console_open(p, "2", "P2 Manual mount");
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 List", 5));
	pty_send(p, "x");
	console_press(p, "Y commits", "Y");
	console_journaled(w, "\"event\":\"run\"");
	killed(p);
	p = console_as(w, "alice");
	resumed(p);
	bool started = false, never = false;
	for (double end = world_now() + world_patience(40); !started && !never && world_now() < end; pty_settle(p, 0.05, 0.1)) {
		started = pty_shows(p, "DONE");
		never = pty_shows(p, "never started"); /* it was killed between its word and its deed */
	}
	assert_true(started || never);
	if (lab_present(&nested, left, sizeof left) != never)
		fail_msg("started %d, never %d, but: %s\n%s", started, never, left, pty_screen(p)); /* its directory is not P2's */
	console_journaled(w, started ? "\"outcome\":\"released\"" : "\"status\":126");
	console_leave(p);
	console_undo(w, &nested);
}

int main(int argc, char **argv)
{
	if (argc > 1) /* one of them, by its name */
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		WORLD_TEST(killed_while_it_runs), WORLD_TEST(killed_after_it_ended), WORLD_TEST(its_keeper_killed_too),
		WORLD_TEST(killed_before_it_was_started), WORLD_TEST(the_real_one),
	};
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
