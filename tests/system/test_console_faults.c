/*
 * The procedures on faults that do not go at the first try, in the real console: a detour and back, the last resort
 * and its ghost, a world that changes under the preview, a process in D, a tool that lies or is not there, a
 * worker that fails again.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/harness/console.h"

static struct lab stuck; /* what must be thawed before anything of it can be removed, whatever the test came to */

static int each_end(void **state)
{
	if (stuck.world)
		lab_relent(&stuck);
	stuck = (struct lab){ 0 };
	return world_each_end(state);
}

/* S22: a directory with a bind below is named and not deleted, the other one is; alone, nothing can be committed. */
static void a_trap_is_left_out(void **state)
{
	struct world *w = world_need(state);
	static struct lab trap, dir;
	console_plant(&trap, w, "bind_trap");
	console_plant(&dir, w, "tempdir");
	struct pty *p = console_armed(w, "+ D leak");
	console_begin(p, "5", "P5 Filesystem", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "not included: 1 mount below", "\033");
	assert_true(pty_wait_gone(p, "not included", 5));
	console_commit(p, "delete 1");
	assert_true(pty_wait(p, "[ok]2 Delete", 30));
	console_gone(&dir);
	console_unharmed(&trap);
	pty_send(p, "b");
	console_begin(p, "5", "P5 Filesystem", "[ok]1 List");
	pty_send(p, "x");
	assert_true(pty_wait(p, "mounts lie below: unmount them first (P2)", 5));
	console_press(p, "not included: 1 mount below", "\033");
	console_leave(p);
	console_unharmed(&trap);
	console_undo(w, &dir);
	console_undo(w, &trap);
}

/* A mount that came after the preview blocks the directory; the way around is P2, which leads back. */
static void a_detour_and_back(void **state)
{
	struct world *w = world_need(state);
	static struct lab trap;
	char path[PATH_ROOM + 80], late[PATH_ROOM + 100];
	console_plant(&trap, w, "tempdir");
	paths_box_dir(&w->paths, "tempdir", path);
	(void)snprintf(late, sizeof late, "%s/a", path);
	struct pty *p = console_armed(w, "+ D leak");
	console_begin(p, "5", "P5 Filesystem", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "class R2", "\033[F");
	assert_int_equal(mount("tmpfs", late, "tmpfs", 0, "size=64k"), 0);
	pty_settle(p, 0.2, 1);
	console_type(p, "delete 1");
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 30));
	assert_true(pty_wait(p, "unmount what is below it", 2));
	console_press(p, "leads back here", "a");
	assert_true(pty_wait(p, "P2 Manual mount", 5));
	pty_send(p, "x");
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "P5 Filesystem cleanup -- step 2", 20));
	console_commit(p, "delete 1");
	assert_true(pty_wait(p, "[ok]2 Delete", 30));
	console_leave(p);
	console_unharmed(&trap);
	console_undo(w, &trap);
}

/* S15: the last resort on a real mount that a stranger holds: locked, then R3, and a ghost that stays listed. */
static void lazy_is_the_last_resort(void **state)
{
	struct world *w = world_need(state);
	static struct lab held;
	char phrase[120];
	console_plant(&held, w, "held_by_stranger");
	struct pty *p = console_armed(w, "+ M leak");
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	pty_send(p, "jjjj");
	console_press(p, "step 6 of 7", "x");
	assert_true(pty_wait(p, "locked: end the holders first", 5));
	pty_send(p, "\033");
	assert_true(pty_wait_gone(p, "locked: end", 5));
	pty_send(p, "k");
	console_press(p, "step 5 of 7", "S");
	console_press(p, "skip this step because", "SEC-77: its owner keeps it\r");
	console_press(p, "step 6 of 7", "x");
	console_press(p, "class R3", "\033[F");
	assert_true(pty_wait_either(p, "BLAST RADIUS", "AFTERWARDS", 2));
	console_phrase("lazy root", phrase, sizeof phrase);
	pty_send(p, "SEC-77\t");
	char pasted[160];
	(void)snprintf(pasted, sizeof pasted, "\033[200~%s\033[201~\r", phrase);
	pty_send(p, pasted); /* pasted, it is not typed */
	pty_settle(p, 0.3, 1);
	assert_true(pty_shows(p, "class R3"));
	console_type(p, "lazy root");
	assert_true(pty_wait(p, "Ghost +1", 20));
	console_open(p, "6", "P6 Worker");
	pty_send(p, "jjj");
	console_press(p, "step 4 of 6", "x");
	assert_true(pty_wait(p, "locked", 5)); /* no way back to work while the ghost is open */
	console_leave(p);
	console_unharmed(&held); /* the stranger lives */
	lab_relent(&held);
	console_undo(w, &held);
}

/* S29: while the phrase is typed one target ends and another leftover appears: what runs is what was shown. */
static void only_what_was_previewed(void **state)
{
	struct world *w = world_need(state);
	static struct lab one, two, late;
	char left[2048];
	console_plant(&one, w, "cgroup_sleeper");
	console_plant(&two, w, "process_deaf");
	struct pty *p = console_armed(w, "Proc +2");
	console_begin(p, "4", "P4 Manual process", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "class R2", "");
	assert_int_equal(kill(one.trace[one.ntraces - 1].pid, SIGKILL), 0);
	console_plant(&late, w, "process_stopped");
	assert_true(pty_wait(p, "1 already gone (fine), 1 new (not included)", 15));
	console_type(p, "kill 2");
	assert_true(pty_wait(p, "[ok]2 End", 30));
	assert_false(lab_gone(&late, left, sizeof left)); /* the newcomer was not in it */
	console_leave(p);
	console_undo(w, &late);
	console_undo(w, &two);
	console_undo(w, &one);
}

/* S30: a process in D cannot be ended. It is said, with where it waits, and the screen never waits for it. */
static void in_the_kernel(void **state)
{
	struct world *w = world_need(state);
	lab_open(&stuck, w, "d_state");
	if (lab_plant(&stuck, lab_fault("d_state")) != PLANTED) {
		print_message("skipped: %s\n", stuck.why);
		lab_undo(&stuck);
		skip();
	}
	struct pty *p = console_armed(w, "Proc +1");
	console_begin(p, "4", "P4 Manual process", "[ok]1 List");
	console_commit(p, "kill 1");
	assert_true(pty_wait(p, "running", 5));
	for (int i = 0; i < 3; i++) { /* alive while it is waited for */
		pty_send(p, "?");
		assert_true(pty_wait(p, "every key", 1));
		pty_send(p, "\033");
		assert_true(pty_wait_gone(p, "every key", 1));
	}
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 40));
	assert_true(pty_wait_either(p, "D in ", "state D", 2));
	assert_true(pty_wait(p, "off: nothing that concerns it changed", 2));
	lab_relent(&stuck);
	assert_true(pty_wait(p, "r retry        on:", 20)); /* unlocks itself: it ended once it was thawed */
	console_leave(p);
	console_undo(w, &stuck);
	stuck = (struct lab){ 0 };
}

/* S17: a nested group not called ours, whose process forks for ever; the group goes whole, the neighbour lives. */
static void a_forker_goes_with_its_group(void **state)
{
	struct world *w = world_need(state);
	static struct lab forker, decoys;
	console_plant(&decoys, w, "decoys");
	console_plant(&forker, w, "cgroup_nested_forker");
	struct pty *p = console_armed(w, "+ C leak");
	console_begin(p, "3", "P3 Manual cgroup", "[ok]1 List");
	pty_send(p, "jjj");
	console_press(p, "step 5 of 6", "x");
	console_press(p, "class R2", "\033[F");
	pty_settle(p, 0.2, 1);
	int row = 0, col = 0;
	assert_true(pty_wait(p, "type   kill ", 5) && pty_find(p, "type   kill ", &row, &col));
	unsigned count = 0; /* what the preview found */
	assert_int_equal(sscanf(strstr(pty_row(p, row), "kill "), "kill %u", &count), 1);
	char verb[40];
	(void)snprintf(verb, sizeof verb, "kill %u", count);
	console_type(p, verb);
	assert_true(pty_wait(p, "[ok]5 Remove", 40));
	console_leave(p);
	console_gone(&forker);
	console_unharmed(&decoys);
	console_undo(w, &forker);
	lab_undo(&decoys);
}

/* S18: a frozen group: it is thawed, and its process ends. */
static void a_frozen_group(void **state)
{
	struct world *w = world_need(state);
	static struct lab frozen;
	console_plant(&frozen, w, "cgroup_frozen");
	struct pty *p = console_armed(w, "+ C leak");
	assert_true(pty_wait(p, "frozen", 5));
	console_begin(p, "4", "P4 Manual process", "[ok]1 List");
	console_commit(p, "kill 1");
	assert_true(pty_wait(p, "[ok]3 Wait", 30));
	console_leave(p);
	console_undo(w, &frozen);
}

/* S20: the number of a process that ended belongs to another now: it is not touched. */
static void a_number_is_no_identity(void **state)
{
	struct world *w = world_need(state);
	char id[64];
	struct ran r;
	pid_t innocent = fork();
	if (innocent == 0) {
		(void)execlp("sleep", "sleep", "60", (char *)NULL);
		_exit(127);
	}
	(void)snprintf(id, sizeof id, "%d:1", (int)innocent); /* as if previewed when its number was another's */
	world_call(w, &r, 20, "rustbox", "reclaim", "process", id, "--json");
	assert_non_null(strstr(r.out, "\"gone\""));
	ran_done(&r);
	assert_int_equal(waitpid(innocent, NULL, WNOHANG), 0);
	assert_int_equal(kill(innocent, SIGKILL), 0);
	assert_int_equal(waitpid(innocent, NULL, 0), innocent);
}

/* ---- a tool that lies, or is not there ---------------------------------------------------------------------- */

/* S25, S27: the tool says recovered, healthy and CLEAN; the mount is there, and the console believes the mount. */
static void a_tool_that_lies(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	console_plant(&nested, w, "nested");
	struct pty *p = console_beside(w, "case \"$*\" in *--verify-clean*) echo '{\"clean\":true}';; esac; exit 0");
	assert_true(pty_wait(p, "+ M leak", 15));
	console_arm(p);
	console_begin(p, "1", "P1 Automatic", "[ok]1 Look");
	console_accept(p, "WILL RUN");
	assert_true(pty_wait(p, "CONFLICT: the command says done", 60)); /* the step has ended: its panel says why it failed */
	assert_false(pty_shows(p, "[ok]3"));
	pty_send(p, "\033");
	pty_settle(p, 0.2, 1);
	console_open(p, "6", "P6 Worker");
	pty_send(p, "x");
	assert_true(pty_wait(p, "\"clean\":true", 10));
	pty_send(p, "\033");
	assert_true(pty_wait(p, "CONFLICT: rustbox says CLEAN", 5));
	pty_send(p, "jjj");
	console_press(p, "step 4 of 6", "x");
	assert_true(pty_wait(p, "locked", 5));
	console_leave(p);
	console_undo(w, &nested);
}

/* S26: without the tool the console still sees, and says what it misses. */
static void no_tool_at_all(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	console_plant(&nested, w, "nested");
	struct pty *p = console_beside(w, NULL);
	assert_true(pty_wait(p, "+ M leak", 15));
	assert_true(pty_wait(p, "seeing works, acting does not", 5));
	console_open(p, "6", "P6 Worker");
	pty_send(p, "x");
	assert_true(pty_wait(p, "rustbox: not found", 10));
	pty_send(p, "\033");
	pty_settle(p, 0.2, 1);
	assert_true(pty_wait(p, "+ M leak", 5));
	console_leave(p);
	console_undo(w, &nested);
}

/* S26: no rustbox, but its other half: it is said, and all the procedures do is done by that one. */
static void the_other_half_of_the_tool(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	console_plant(&nested, w, "nested");
	struct pty *p = console_with(w, (const char *const[]){ "rustbox-ops", NULL });
	assert_true(pty_wait(p, "+ M leak", 15));
	assert_true(pty_wait(p, "built-in guided cleanup available", 5));
	console_arm(p);
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "DONE", 30));
	pty_send(p, "b");
	console_begin(p, "1", "P1 Automatic", "[ok]1 Look");
	console_accept(p, "WILL RUN   rustbox health --recover");
	assert_true(pty_wait(p, "DONE", 40));
	console_leave(p);
	console_gone(&nested);
	console_undo(w, &nested);
}

/* S28: back at work, and it happens again: it rings, says so, and the way out of service is one key away. */
static void it_comes_back(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	struct pty *p = console_armed(w, "HEALTHY");
	console_open(p, "6", "P6 Worker");
	pty_send(p, "jjjjj");
	console_press(p, "step 6 of 6", "x");
	assert_true(pty_wait(p, "quiet so far", 5));
	size_t before = pty_bytes(p);
	console_plant(&nested, w, "nested");
	assert_true(pty_wait(p, "health --quarantine", 15));
	assert_non_null(memchr(pty_log(p) + before, '\a', pty_bytes(p) - before));
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "QUARANTINED manual_quarantine", 20));
	assert_true(pty_wait(p, "RECURRED after", 5));
	console_leave(p);
	console_undo(w, &nested);
}

int main(int argc, char **argv)
{
	if (argc > 1) /* one of them, by its name */
		cmocka_set_test_filter(argv[1]);
#define T(f) cmocka_unit_test_setup_teardown(f, world_each, each_end)
	const struct CMUnitTest tests[] = {
		T(a_trap_is_left_out), T(a_detour_and_back), T(lazy_is_the_last_resort), T(only_what_was_previewed), T(in_the_kernel),
		T(a_forker_goes_with_its_group), T(a_frozen_group), T(a_number_is_no_identity), T(a_tool_that_lies),
		T(no_tool_at_all), T(the_other_half_of_the_tool), T(it_comes_back),
	};
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
