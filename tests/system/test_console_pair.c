/*
 * Two operators of one incident, each at a real console: what is of class R3 takes both while the two-person rule is
 * there, and an incident goes from one to the other. The kernel and the journal are asked what came of it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/console.h"
#include "tui/journal.h"

enum { LONG = 60 };

static void rule_of_two(const struct world *w)
{
	char command[PATH_ROOM * 3];
	(void)snprintf(command, sizeof command, "mkdir -p $(dirname %s) && : > %s", w->paths.of[PATH_TWO_PERSON], w->paths.of[PATH_TWO_PERSON]);
	assert_int_equal(system(command), 0);
}

static void command(struct pty *p, const char *text)
{
	pty_settle(p, 0.2, 1);
	pty_send(p, text);
	pty_settle(p, 0.2, 1);
	pty_send(p, "\r");
}

/* Its evidence kept, reason and phrase typed: what one operator alone can do about an orphan. */
static void ready_to_end(struct pty *p, const struct lab *orphan)
{
	char verb[60] = "";
	pty_send(p, "4");
	assert_true(pty_wait(p, ">+ P ORPHAN", LONG));
	pty_send(p, "x");
	console_press(p, "rustbox capture", "\033[F");
	console_press(p, "Y commits", "Y");
	console_press(p, "1 done", "x");
	console_press(p, "class R3", "\033[F");
	pty_settle(p, 0.2, 1);
	pty_send(p, "SEC-77 said yes\t");
	for (unsigned i = 0; i < orphan->ntraces; i++)
		if (orphan->trace[i].kind == TRACE_PROCESS)
			(void)snprintf(verb, sizeof verb, "kill %d", (int)orphan->trace[i].pid);
	char phrase[120];
	console_phrase(verb, phrase, sizeof phrase);
	pty_send(p, phrase);
	assert_true(pty_wait(p, "a second person: :confirm", LONG));
}

static void an_orphan_takes_two(void **state)
{
	struct world *w = world_need(state);
	static struct lab orphan;
	char gone[2048];
	console_plant(&orphan, w, "orphan");
	rule_of_two(w);
	struct pty *alice = console_armed(w, "ORPHAN");
	struct pty *again = console_as(w, "alice"), *bob = console_as(w, "bob");
	command(bob, ":confirm");
	assert_true(pty_wait(bob, "nobody asks for a second person", LONG));
	ready_to_end(alice, &orphan);
	pty_send(alice, "\r");
	assert_true(pty_wait(bob, "alice ASKS: :confirm", LONG));
	assert_false(lab_gone(&orphan, gone, sizeof gone)); /* one is not enough */
	command(again, ":confirm");
	assert_true(pty_wait(again, "it takes another person", LONG)); /* nor is one at two consoles */
	console_leave(again);
	command(bob, ":confirm");
	assert_true(pty_wait(bob, "second person for alice", LONG));
	assert_true(pty_wait(bob, "SEC-77 said yes", LONG));
	pty_settle(bob, 0.3, 2);
	pty_send(bob, "\033[F");
	pty_settle(bob, 0.2, 1);
	pty_send(bob, "looked at its evidence\tconfirm ");
	char verb[60] = "", phrase[120];
	for (unsigned i = 0; i < orphan.ntraces; i++)
		if (orphan.trace[i].kind == TRACE_PROCESS)
			(void)snprintf(verb, sizeof verb, "kill %d", (int)orphan.trace[i].pid);
	console_phrase(verb, phrase, sizeof phrase);
	pty_send(bob, phrase);
	console_press(bob, "Enter commits", "\r");
	assert_true(pty_wait(bob, "alice decides when it runs", LONG));
	assert_true(pty_wait(alice, "Enter commits; bob confirmed", LONG));
	assert_false(lab_gone(&orphan, gone, sizeof gone)); /* the second one decides that it may, not when */
	pty_settle(alice, 0.2, 1);
	pty_send(alice, "\r");
	assert_true(pty_wait(alice, "released", LONG));
	console_leave(bob);
	console_leave(alice);
	autofree char *text = console_journal(w);
	assert_non_null(strstr(text, "\"event\":\"second\",\"who\":\"alice\",\"text\":\"bob confirmed: looked at its evidence\""));
	const char *run = strstr(text, "\"second\":{\"user\":\"bob\"");
	assert_true(run && strstr(run, "\"reclaim\",\"process\"") > run); /* in the line of that command */
	assert_true(lab_gone(&orphan, gone, sizeof gone));
	console_undo(w, &orphan);
}

/* alice has listed, bob unmounts: one incident, one journal, and what she told him stands in it. */
static void handed_over(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	console_plant(&nested, w, "nested");
	struct pty *bob = console_as(w, "bob");
	assert_true(pty_wait(bob, "+ M leak", LONG));
	struct pty *alice = console_armed(w, "+ M leak");
	console_begin(alice, "2", "P2 Manual mount", "[ok]1 List");
	command(alice, ":handover");
	assert_true(pty_wait(alice, "to whom?", LONG));
	command(alice, ":handover bob the deepest one is new");
	assert_true(pty_wait(alice, "hand over the incident", LONG));
	assert_true(pty_wait(alice, "armed: INC-1; that ends with it", LONG));
	console_press(alice, "Y commits", "Y");
	assert_true(pty_wait(alice, "OBSERVE", LONG));
	assert_true(pty_wait(bob, "to bob: the deepest one is new", LONG));
	command(bob, ":resume");
	assert_true(pty_wait(bob, "HANDED OVER by alice to bob", LONG));
	assert_true(pty_wait(bob, "armed: INC-1", LONG));
	assert_true(pty_wait(bob, "P2.2 Unmount", LONG));
	assert_true(pty_wait(bob, "3 mounts", LONG));
	console_press(bob, "Y (shift-y) resumes", "Y");
	assert_true(pty_wait(bob, "[>>]2 Unmount", LONG));
	command(alice, ":resume"); /* it is his now */
	assert_true(pty_wait(alice, "no incident waits", LONG));
	console_arm(bob);
	pty_send(bob, "x");
	console_press(bob, "Y commits", "Y");
	assert_true(pty_wait(bob, "DONE", LONG));
	console_leave(bob);
	console_leave(alice);
	autofree char *text = console_journal(w);
	struct journal_check c;
	journal_check(text, strlen(text), NULL, NULL, &c);
	assert_int_equal(c.bad, 0);
	const char *over = strstr(text, "\"event\":\"handover\",\"who\":\"alice\",\"text\":\"to bob: the deepest one is new\"");
	assert_true(over && strstr(over, "\"event\":\"resumed\",\"who\":\"bob\""));
	assert_true(strstr(over, "\"event\":\"run\",\"who\":\"bob\"") != NULL);
	assert_true(access(w->paths.of[PATH_RUN], F_OK) == 0);
	char offer[PATH_ROOM + 40];
	(void)snprintf(offer, sizeof offer, "%s/console.offer", w->paths.of[PATH_RUN]);
	assert_int_not_equal(access(offer, F_OK), 0);
	console_undo(w, &nested);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(an_orphan_takes_two),
		WORLD_TEST(handed_over),
	};
	world_alone(); /* the screen shows the processes of this test, not those of the tests beside it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
