/*
 * The six procedures line by line, as somebody who cannot see the screen walks them: what is heard is all there is, each
 * question names what answers it, and the gates are the same. Real faults; the kernel is asked what came of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/harness/console.h"

enum { LONG = 60 };

/* A line, and then these words; heard before the line was said, they do not count. */
static void tell(struct pty *p, const char *line, const char *heard)
{
	pty_settle(p, 0.3, 2); /* sooner it would be type-ahead */
	size_t from = pty_bytes(p);
	double end = world_now() + world_patience(LONG);
	pty_send(p, line);
	pty_send(p, "\n");
	while (!strstr(pty_log(p) + from, heard) && world_now() < end)
		(void)pty_wait_byte(p, 1);
	if (!strstr(pty_log(p) + from, heard))
		fail_msg("after '%s' no '%s', but:\n%s", line, heard, pty_log(p) + from);
}

static void tell_phrase(struct pty *p, const char *verb, const char *heard)
{
	char phrase[120];
	console_phrase(verb, phrase, sizeof phrase);
	tell(p, phrase, heard);
}

static struct pty *listener(const struct world *w, const char *first)
{
	static const char *const argv[] = { "rustbox-tui", "--plain", NULL }, *const env[] = { "RUSTBOX_RUNBOOKS=runbooks", NULL };
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .root = w->root, .env = env, .rows = 50, .cols = 250 });
	assert_true(pty_wait(p, first, LONG));
	tell(p, "A", "ARM: why do you act?");
	tell(p, "INC-1", "ARMED for 15 min: INC-1");
	return p;
}

static void leave(struct pty *p)
{
	pty_settle(p, 0.3, 2);
	pty_send(p, "quit\n");
	assert_int_equal(pty_wait_exit(p, LONG), 0);
	assert_null(strchr(pty_log(p), '\033')); /* words only */
	pty_done(p);
}

static void p1_recovers(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested, sleeper;
	console_plant(&nested, w, "nested");
	console_plant(&sleeper, w, "cgroup_sleeper");
	struct pty *p = listener(w, "mount leak");
	tell(p, "p 1", "procedure P1, step 1 of 4: Look at everything");
	tell(p, "x", "procedure P1, step 2 of 4: Recover");
	tell(p, "x", "class R1");
	tell(p, "y", "refused: Y (shift-y) commits");
	tell(p, "Y", "procedure P1: all steps are done");
	tell(p, "list", "health healthy, 0 left over");
	leave(p);
	console_gone(&nested);
	console_gone(&sleeper);
	lab_undo(&sleeper);
	lab_undo(&nested);
}

static void p2_with_a_busy_mount(void **state)
{
	struct world *w = world_need(state);
	static struct lab busy, nested;
	console_plant(&busy, w, "held_cwd");
	console_plant(&nested, w, "nested");
	struct pty *p = listener(w, "mount leak");
	tell(p, "p 2", "step 1 of 7: List");
	tell(p, "x", "step 2 of 7: Unmount");
	tell(p, "x", "class R1");
	tell(p, "Y", "--- NOT ALL OF IT WORKED");
	tell(p, "a", "step 4 of 7: Holders");
	tell(p, "x", "step 5 of 7: End holders");
	tell(p, "x", "to commit, type: kill 1 on ");
	tell(p, "kill 2", "refused: the phrase is not typed as shown");
	tell_phrase(p, "kill 1", "procedure P2: all steps are done");
	leave(p);
	lab_undo(&nested);
	console_undo(w, &busy);
}

static void p3_kills_and_removes(void **state)
{
	struct world *w = world_need(state);
	static struct lab sleeper;
	console_plant(&sleeper, w, "cgroup_sleeper");
	struct pty *p = listener(w, "cgroup leak");
	tell(p, "p 3", "step 1 of 6: List");
	tell(p, "x", "step 2 of 6: Inside");
	tell(p, "x", "step 3 of 6: Kill");
	tell(p, "x", "to commit, type: kill 1 on ");
	tell_phrase(p, "kill 1", "step 5 of 6: Remove");
	tell(p, "x", "class R1");
	tell(p, "Y", "procedure P3: all steps are done");
	leave(p);
	console_gone(&sleeper);
	lab_undo(&sleeper);
}

static void p4_ends_processes(void **state)
{
	struct world *w = world_need(state);
	static struct lab sleeper;
	console_plant(&sleeper, w, "cgroup_sleeper");
	struct pty *p = listener(w, "process leak");
	tell(p, "p 4", "step 1 of 5: List");
	tell(p, "x", "step 2 of 5: End");
	tell(p, "x", "to commit, type: kill 1 on ");
	tell_phrase(p, "kill 1", "procedure P4: all steps are done");
	leave(p);
	console_undo(w, &sleeper);
}

static void p5_deletes(void **state)
{
	struct world *w = world_need(state);
	static struct lab dirs;
	console_plant(&dirs, w, "tempdir");
	struct pty *p = listener(w, "dir leak");
	tell(p, "p 5", "step 1 of 6: List");
	tell(p, "x", "step 2 of 6: Delete");
	tell(p, "x", "to commit, type: delete 1 on ");
	tell_phrase(p, "delete 1", "step 4 of 6: Space");
	tell(p, "x", "--- what it said");
	tell(p, "", "step 5 of 6: Artifacts");
	tell(p, "x", "class R0");
	tell(p, "Y", "procedure P5: all steps are done");
	leave(p);
	console_undo(w, &dirs);
}

static void p6_back_to_work(void **state)
{
	struct world *w = world_need(state);
	struct ran r;
	char host[65] = "", phrase[100];
	world_call(w, &r, 30, "rustbox", "health", "--quarantine", "--reason", "drill");
	ran_done(&r);
	struct pty *p = listener(w, "health quarantined");
	tell(p, "p 6", "step 1 of 6: Verify");
	tell(p, "x", "--- what it said");
	tell(p, "", "step 3 of 6: Cause");
	tell(p, "x", "class R0");
	tell(p, "Y", "step 4 of 6: Unquarantine");
	tell(p, "x", "class R3");
	tell(p, "drill is over", "to commit, type: unquarantine ");
	assert_int_equal(gethostname(host, sizeof host - 1), 0);
	(void)snprintf(phrase, sizeof phrase, "unquarantine %s", host);
	tell(p, phrase, "step 6 of 6: Watch");
	tell(p, "list", "health healthy");
	leave(p);
	world_call(w, &r, 30, "rustbox", "health");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

/* What was is not told as if it were. */
static void the_past_is_called_so(void **state)
{
	struct world *w = world_need(state);
	struct leftover a;
	struct pty *p = listener(w, "OBSERVE, read-only");
	leftover_plant(w, "past", &a);
	assert_true(pty_wait(p, "past", LONG));
	tell(p, "list", "mount leak");
	tell(p, "t", ">");
	tell(p, "[", ">");
	tell(p, "list", "PAST");
	tell(p, "t", ">");
	tell(p, "list", "mount leak");
	leave(p);
	leftover_remove(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(p1_recovers),   WORLD_TEST(p2_with_a_busy_mount), WORLD_TEST(p3_kills_and_removes), WORLD_TEST(p4_ends_processes),
		WORLD_TEST(p5_deletes),	   WORLD_TEST(p6_back_to_work),	     WORLD_TEST(the_past_is_called_so),
	};
	world_alone(); /* nothing is listed but what is of this test */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
