/*
 * A learner's drill in a real terminal: the real console in the drill's world, the keys of a recovery, the points it
 * earns; the training mode; and what a terminal that is closed in the middle leaves of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"
#include "tests/harness/pty.h"
#include "tests/harness/world.h"

enum { WAIT = 60 }; /* seconds: an event comes when the machine has time for it */

static struct pty *start(const char *const *argv)
{
	static const char *const env[] = { "RUSTBOX_RUNBOOKS=runbooks", NULL };
	struct pty *p = pty_start(&(struct pty_how){ .argv = argv, .env = env, .rows = 34, .cols = 100 });
	assert_true(pty_wait_written(p, "\033[?1049h", 1, WAIT)); /* what was said before the console came is said on the shell's screen */
	assert_true(pty_wait(p, "DRILL", WAIT));
	return p;
}

static void palette(struct pty *p, const char *words)
{
	pty_send(p, ":");
	pty_settle(p, 0.2, 1);
	pty_send(p, words);
	pty_send(p, "\r");
}

static void escape(struct pty *p)
{
	pty_send(p, "\033");
	pty_settle(p, 0.2, 2);
}

static void learner(void **state)
{
	static const char *const argv[] = { "rustbox", "drill", "run", "D1", "--seed", "41", NULL };
	(void)state;
	struct pty *p = start(argv);
	assert_true(pty_wait(p, "P4.2", WAIT));
	pty_send(p, "\r"); /* why is it here: found */
	assert_true(pty_wait(p, "DRILL: ", WAIT));
	escape(p);
	pty_send(p, "w"); /* who holds it: the cause */
	assert_true(pty_wait(p, "who holds it: ", WAIT));
	pty_send(p, "H");
	assert_true(pty_wait(p, "hint 1 of 3 (-5)", WAIT));
	escape(p);
	pty_send(p, "A");
	assert_true(pty_wait(p, "why do you act", WAIT));
	pty_settle(p, 0.2, 1);
	pty_send(p, "drill\r");
	assert_true(pty_wait(p, "[ARMED", WAIT));
	pty_send(p, "p");
	assert_true(pty_wait(p, "procedures", WAIT));
	pty_send(p, "1");
	assert_true(pty_wait(p, "P1 Automatic", WAIT));
	pty_send(p, "x");
	assert_true(pty_wait(p, "[ok]1 Look", WAIT));
	pty_send(p, "x");
	assert_true(pty_wait(p, "WILL RUN", WAIT));
	pty_settle(p, 0.2, 1);
	pty_send(p, "\033[F");
	pty_settle(p, 0.2, 1);
	pty_send(p, "Y");
	assert_true(pty_wait(p, "[H] HEALTHY", WAIT));
	escape(p);
	palette(p, "drill say a process of the box outlived it");
	pty_settle(p, 0.5, 5);
	escape(p);
	palette(p, "drill");
	assert_true(pty_wait(p, "DRILL RESULT D1", WAIT));
	assert_true(pty_wait(p, "hints used", WAIT));
	pty_send(p, "r");
	assert_true(pty_wait(p, "what you did", WAIT));
	pty_send(p, "a"); /* the same drill again, with another seed */
	assert_true(pty_wait_written(p, "all canaries as they were", 1, WAIT)); /* on the shell's screen, until the next console's covers it */
	assert_true(pty_wait_written(p, "\033[?1049h", 2, WAIT));
	assert_true(pty_wait(p, "P4.2", WAIT));
	pty_send(p, "q");
	assert_true(pty_wait(p, "seed 42", WAIT));
	assert_int_equal(pty_wait_exit(p, WAIT), 1);
	pty_done(p);
}

/* Each page on a fault that fits it: step by step the founding line, its safe form and the trap, until the safe form is
 * about to act, or what the fault is there to show. */
static void training(void **state)
{
	static const struct {
		const char *page, *row, *step[4], *said, *last;
	} walks[] = {
		{ "P1", "+ M leak", { "(implicit)", "rustbox health --recover" }, NULL, "WILL RUN" },
		{ "cleanup-failure:2", "+ M leak", { "mount | grep rustbox | tee", "| umount" }, NULL, "WILL RUN" },
		{ "P3", "+ C leak", { "find /sys/fs/cgroup", "cgroup.procs\"", "xargs kill -9" }, NULL, "WILL RUN" },
		{ "P4", "+ P leak", { "ps aux | grep rustbox", "xargs kill -9" }, NULL, "WILL RUN" },
		{ "P5", "+ D leak", { "find /tmp -name", "rm -rf" }, NULL, "mount below" },
		{ "P6", "+ M leak", { "rustbox health --verify-clean" }, "\"clean\":true", "CONFLICT" },
		{ "orphan-process", "+ P ORPHAN", { "Page security" }, NULL, NULL },
		{ "orphan-process:3", "+ P leak", { "See it, and its parent" }, NULL, NULL },
		{ "stale-state", "+ M leak", { "See the locks" }, NULL, NULL },
		{ "worker-quarantine:2", "+ P leak", { "this step" }, NULL, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof walks / sizeof *walks; i++) {
		const char *argv[] = { "rustbox-tui", "--walkthrough", walks[i].page, NULL };
		struct pty *p = start(argv);
		for (int s = 0; walks[i].step[s]; s++) {
			if (!pty_wait(p, walks[i].step[s], WAIT) || !pty_wait(p, "original   ", WAIT))
				fail_msg("%s: step %d", walks[i].page, s + 1);
			escape(p);
			if (s == 0 && !pty_wait(p, walks[i].row, WAIT))
				fail_msg("%s: its fault is not seen", walks[i].page);
			if (walks[i].last)
				pty_send(p, "x");
		}
		if (walks[i].said) {
			assert_true(pty_wait(p, walks[i].said, WAIT));
			escape(p);
		}
		if (walks[i].last && !pty_wait(p, walks[i].last, WAIT))
			fail_msg("%s: no %s", walks[i].page, walks[i].last);
		pty_done(p); /* hangs up: that ends the drill, too */
	}
}

static bool descends_from_us(int pid)
{
	for (int depth = 0; depth < 20 && pid > 1; depth++) {
		char path[64], text[512];
		int parent = 0;
		snprintf(path, sizeof path, "/proc/%d/stat", pid);
		const char *at = kfile_read(AT_FDCWD, path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
		if (!at || sscanf(at, ") %*c %d", &parent) != 1)
			return false;
		if (parent == getpid())
			return true;
		pid = parent;
	}
	return false;
}

/* The console in our drill, and not in one of somebody else's: a pidfd. */
static int find_console(void)
{
	autodir DIR *proc = opendir("/proc");
	for (struct dirent *d; proc && (d = readdir(proc));) {
		char path[64];
		autofree char *text = NULL;
		snprintf(path, sizeof path, "/proc/%.12s/cmdline", d->d_name);
		if (d->d_name[0] >= '1' && d->d_name[0] <= '9' && kfile_read_all(AT_FDCWD, path, &text) > 0 &&
		    strstr(text, "/drill/bin/rustbox-tui") && descends_from_us(atoi(d->d_name)))
			return (int)syscall(SYS_pidfd_open, atoi(d->d_name), 0);
	}
	return -1;
}

/* The ssh session drops: the whole drill goes. */
static void hung_up(void **state)
{
	static const char *const argv[] = { "rustbox", "drill", "run", "D4", "--seed", "3", NULL };
	(void)state;
	struct pty *p = start(argv);
	int console = find_console();
	assert_true(console >= 0);
	pty_done(p);
	for (; console >= 0; console = find_console()) { /* the guard, the console, its helper */
		assert_int_equal(poll(&(struct pollfd){ .fd = console, .events = POLLIN }, 1, WAIT * 1000), 1);
		close(console);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* From the host's console, which has a leak of its own to show: neither world is ever shown as the other's. */
static void from_the_console(void **state)
{
	struct world w;
	struct leftover leak;
	(void)state;
	world_open(&w, WORLD_MOUNTS);
	leftover_plant(&w, "mine", &leak);
	struct pty *p = console_as(&w, "alice");
	assert_true(pty_wait(p, "rustbox-mine", WAIT));
	console_arm(p);
	palette(p, "drill run D11");
	assert_true(pty_wait(p, "'D11' is no drill", WAIT));
	assert_true(pty_wait(p, "Enter goes back", WAIT));
	pty_send(p, "\r");
	assert_true(pty_wait(p, "this host again", WAIT));
	assert_true(pty_shows(p, "OBSERVE")); /* whoever comes back arms again */
	palette(p, "drill run D3 --seed 41");
	assert_true(pty_wait(p, "DRILL ", WAIT));
	assert_true(pty_wait(p, "/mnt/drill-", WAIT));
	assert_false(pty_shows(p, "rustbox-mine"));
	palette(p, "drill run D1");
	assert_true(pty_wait(p, "leave it first", WAIT));
	pty_send(p, "q");
	assert_true(pty_wait(p, "DRILL RESULT D3", WAIT));
	assert_true(pty_wait(p, "Enter goes back", WAIT));
	assert_false(pty_shows(p, "rustbox-mine"));
	pty_send(p, "\r");
	assert_true(pty_wait(p, "rustbox-mine", WAIT));
	assert_false(pty_shows(p, "DRILL"));
	assert_false(pty_shows(p, "/mnt/drill-"));
	console_leave(p);
	leftover_remove(&leak);
	assert_true(world_done(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(learner), cmocka_unit_test(training), cmocka_unit_test(hung_up),
					     cmocka_unit_test(from_the_console) };
	world_alone(); /* nobody else's drills are among the processes */
	if (world_lacking()) {
		printf("[  SKIPPED ] 4 tests: %s\n", world_lacking());
		return 77;
	}
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* not every machine's init reaps at once what a killed drill leaves */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
