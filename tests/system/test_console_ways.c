/*
 * The ways on after a step that failed: a zombie and its parent, which may be ended only when it is a leftover; an
 * automatic recovery, which gets three attempts; and when all is clean, what becomes normal.
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
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"

/* A parent that never waits, with a child that lives. */
static void lazy_parent_of(struct lab *l, void *child)
{
	pid_t pid = fork();
	if (pid == 0) { /* of a box's user, or nobody could tell what it was once it has ended */
		(void)!setuid(l->world->paths.uid_base + 5);
		for (;;)
			(void)pause();
	}
	*(pid_t *)child = pid;
	lab_ready();
	for (;;)
		(void)pause();
}

/* S21: what is killed becomes a zombie; no kill is offered for that, its leaked parent is, and then both are gone. */
static void a_zombie_and_its_parent(void **state)
{
	struct world *w = world_need(state);
	static struct lab lazy;
	char cgroup[PATH_ROOM * 2], filter[40], left[2048];
	pid_t *child = mmap(NULL, sizeof *child, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(child != MAP_FAILED);
	lab_open(&lazy, w, "lazy");
	assert_true(lab_cgroup(&lazy, "", cgroup));
	pid_t parent = lab_process(&lazy, true, lazy_parent_of, child);
	assert_true(parent > 0);
	struct pty *p = console_armed(w, "Proc +2");
	pty_send(p, "4");
	(void)snprintf(filter, sizeof filter, "/uid %u\r", (unsigned)w->paths.uid_base + 5);
	pty_send(p, filter);
	assert_true(pty_wait(p, "Proc +2", 5));
	pty_settle(p, 0.2, 1);
	pty_send(p, " "); /* only the child is marked */
	pty_settle(p, 0.2, 1);
	pty_send(p, "\033");
	console_begin(p, "4", "P4 Manual process", "[ok]1 List");
	console_commit(p, "kill 1");
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 30));
	assert_true(pty_wait(p, "a zombie", 2));
	assert_true(pty_wait(p, "end its parent, class R2", 5));
	assert_int_equal(kill(parent, 0), 0);
	console_press(p, "a alternative  P4.4", "a");
	assert_true(pty_wait(p, "step 4 of 5", 5));
	pty_send(p, "U");
	console_commit(p, "kill 1");
	assert_true(pty_wait(p, "Proc +1", 20));
	assert_false(pty_shows(p, "[ok]4")); /* its parent is gone, but it is there still */
	assert_int_equal(waitpid(*child, NULL, 0), *child); /* this test is its reaper, and is in no hurry */
	assert_true(pty_wait(p, "[ok]5 None left", 30));
	assert_true(pty_wait(p, "[ok]2 End", 5));
	console_leave(p);
	assert_true(lab_gone(&lazy, left, sizeof left) || strstr(left, "rustbox-lazy")); /* its cgroup is P3's */
	console_undo(w, &lazy);
}

/* The parent is somebody else's: it is named, and in no plan; the zombie is never called gone. */
static void a_zombie_of_somebody_else(void **state)
{
	struct world *w = world_need(state);
	static struct lab box;
	char cgroup[PATH_ROOM * 2], procs[PATH_ROOM * 2 + 20], said[80];
	int go[2];
	lab_open(&box, w, "other");
	assert_true(lab_cgroup(&box, "", cgroup));
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	pid_t zombie = fork();
	if (zombie == 0) {
		char c;
		(void)!setuid(w->paths.uid_base + 5);
		(void)!read(go[0], &c, 1);
		_exit(0);
	}
	(void)snprintf(procs, sizeof procs, "%s/cgroup.procs", cgroup);
	FILE *f = fopen(procs, "we");
	assert_non_null(f);
	assert_true(fprintf(f, "%d\n", (int)zombie) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(write(go[1], "x", 1), 1);
	struct pty *p = console_armed(w, "leak Z");
	console_begin(p, "4", "P4 Manual process", "[ok]1 List");
	assert_true(pty_wait(p, "[ok]2 End", 10)); /* what has ended cannot be ended */
	pty_send(p, "x");
	assert_true(pty_wait(p, "1 of them still Z: their parents do not wait", 5));
	assert_true(pty_wait(p, "step 4 of 5", 5));
	pty_send(p, "x");
	(void)snprintf(said, sizeof said, "its parent %d is ", (int)getpid());
	assert_true(pty_wait(p, said, 5));
	assert_true(pty_wait(p, "never ended from here", 2));
	assert_false(pty_shows(p, "type   kill"));
	console_press(p, "NOT NOW", "\033");
	assert_int_equal(waitpid(zombie, NULL, 0), zombie);
	assert_true(pty_wait(p, "[ok]5 None left", 15));
	console_leave(p);
	(void)close(go[0]);
	(void)close(go[1]);
	console_undo(w, &box);
}

static void attempt(struct pty *p, const char *before, const char *after)
{
	console_accept(p, before);
	assert_true(pty_wait(p, "NOT ALL OF IT WORKED", 40));
	assert_true(pty_wait(p, after, 5));
}

/* S25: the first lies, the next two fail; each is counted and said, and the fourth wants a reason. */
static void three_attempts(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	char script[PATH_ROOM * 3];
	console_plant(&nested, w, "nested");
	(void)snprintf(script, sizeof script, "[ -e %s/once ] && exit 1\ntouch %s/once", w->root, w->root);
	struct pty *p = console_beside(w, script);
	assert_true(pty_wait(p, "+ M leak", 15));
	console_arm(p);
	console_begin(p, "1", "P1 Automatic", "[ok]1 Look");
	attempt(p, "0 automatic attempts failed", "1 of 3 failed");
	assert_true(pty_wait(p, "CONFLICT: the command says done", 2));
	assert_true(pty_wait(p, "survivor       mount", 2));
	assert_true(pty_wait(p, "a alternative  P2.2", 2));
	pty_send(p, "\033");
	pty_settle(p, 0.2, 1);
	attempt(p, "1 automatic attempt failed", "2 of 3 failed");
	pty_send(p, "\033");
	pty_settle(p, 0.2, 1);
	autofree char *journal = console_journal(w);
	assert_null(strstr(journal, "manual step failed")); /* two failed attempts are no reason to escalate yet */
	attempt(p, "2 automatic attempts failed", "3 of 3 failed: by hand now, or escalate");
	console_journaled(w, "manual step failed");
	pty_send(p, "\033");
	pty_settle(p, 0.2, 1);
	pty_send(p, "x");
	assert_true(pty_wait(p, "class R3", 5));
	assert_true(pty_wait(p, "One more needs a", 5));
	console_leave(p);
	console_undo(w, &nested);
}

/* The phrase of a baseline, its reason, and what Enter alone does not do. */
static void capture(struct world *w, struct pty *p, const char *first, const char *shown, bool is_there)
{
	char phrase[120] = "baseline ", host[65] = "";
	assert_int_equal(gethostname(host, sizeof host), 0);
	(void)strncat(phrase, host, sizeof phrase - 20);
	console_press(p, first, ":");
	pty_settle(p, 0.3, 1);
	pty_send(p, "baseline capture\r");
	console_press(p, "WILL RUN   rustbox-capture-baseline.sh --store", "\033[F");
	assert_true(pty_wait(p, shown, 5));
	pty_send(p, "first of this host\t\r\r");
	pty_settle(p, 0.2, 1);
	assert_int_equal(access(w->paths.of[PATH_BASELINE], F_OK), is_there ? 0 : -1);
	pty_send(p, phrase);
	console_press(p, "Enter commits", "\r");
}

/* S03: on a clean host the baseline is captured by typing which host it is of; what would change is shown before. */
static void baseline_of_a_clean_host(void **state)
{
	struct world *w = world_need(state);
	static const char *const all[] = { "rustbox", "rustbox-ops", "sandbox/install/rustbox-capture-baseline.sh", NULL };
	char kept[PATH_ROOM];
	(void)snprintf(kept, sizeof kept, "%s/kept", w->root);
	assert_int_equal(mkdir(kept, 0700), 0);
	assert_int_equal(mount("none", kept, "tmpfs", 0, "size=64k"), 0);
	struct pty *p = console_with(w, all);
	assert_true(pty_wait(p, "HEALTHY", 15));
	console_arm(p);
	capture(w, p, "NO BASELINE", "there is no baseline yet", false);
	assert_true(pty_wait(p, "baseline ok", 30));
	autofree char *text = NULL, *again = NULL;
	assert_true(kfile_read_all(AT_FDCWD, w->paths.of[PATH_BASELINE], &text) > 0);
	assert_non_null(strstr(text, kept));
	assert_true(world_unmount(kept));
	assert_true(pty_wait(p, "-1", 10));
	capture(w, p, "-1", "- forgotten   mount", true);
	assert_true(pty_wait(p, "+0 ~0 -0", 30));
	assert_true(kfile_read_all(AT_FDCWD, w->paths.of[PATH_BASELINE], &again) > 0);
	assert_null(strstr(again, kept));
	console_journaled(w, "\"run\":[\"rustbox-capture-baseline.sh\",\"--store\"]");
	console_leave(p);
}

int main(int argc, char **argv)
{
	if (argc > 1) /* one of them, by its name */
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_zombie_and_its_parent), WORLD_TEST(a_zombie_of_somebody_else), WORLD_TEST(three_attempts),
		WORLD_TEST(baseline_of_a_clean_host),
	};
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
