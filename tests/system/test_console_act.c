/*
 * Acting and the incident, in the real console on real faults: the journal before the act and after every way
 * to end, resuming, two operators, orphans with their evidence, undo, the bundle and the report. The kernel's and
 * the journal's own files are read beside the screen.
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
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tests/harness/console.h"
#include "tui/journal.h"

/* The one incident's name. */
static void incident_of(const struct world *w, char *id, size_t cap)
{
	char path[PATH_ROOM + 400];
	autodir DIR *dir = opendir(w->paths.of[PATH_INCIDENTS]);
	assert_non_null(dir);
	id[0] = '\0';
	for (struct dirent *d; (d = readdir(dir));) {
		(void)snprintf(path, sizeof path, "%s/%s/journal.jsonl", w->paths.of[PATH_INCIDENTS], d->d_name);
		if (d->d_name[0] != '.' && access(path, F_OK) == 0)
			(void)snprintf(id, cap, "%.60s", d->d_name);
	}
	assert_true(id[0]);
}

static char *journal_of(const struct world *w, char *id, size_t cap)
{
	struct err e = { 0 };
	struct journal_check c;
	char *text = NULL;
	incident_of(w, id, cap);
	if (journal_read(&w->paths, id, &text, &e) != 0)
		fail_msg("%s", e.text);
	journal_check(text, strlen(text), NULL, NULL, &c);
	assert_int_equal(c.bad, 0);
	assert_false(c.torn);
	return text;
}

static void assert_says(const char *text, const char *what)
{
	if (!strstr(text, what))
		fail_msg("no %s in:\n%s", what, text);
}

/* S33: the ssh session drops in the middle of P2; the next console goes on where it was, in the same journal. */
static void resumed_after_a_hangup(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	char id[64], again[64];
	console_plant(&nested, w, "nested");
	struct pty *p = console_armed(w, "+ M leak");
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	assert_int_equal(kill(pty_console(p), SIGHUP), 0);
	assert_int_equal(pty_wait_exit(p, 10), 128 + SIGHUP);
	pty_done(p);
	autofree char *first = journal_of(w, id, sizeof id);
	assert_says(first, "\"event\":\"disarmed\"");
	assert_says(first, "\"event\":\"left\",\"who\":\"alice\",\"signal\":1");
	p = console_as(w, "alice");
	console_press(p, "an incident was left open", "y"); /* a small y answers nothing */
	assert_true(pty_shows(p, id));
	console_press(p, "resume incident", "Y");
	assert_true(pty_wait(p, "[>>]2 Unmount", 5));
	assert_true(pty_wait(p, "[ok]1 List", 2));
	assert_true(pty_wait(p, "OBSERVE", 2)); /* armed is not remembered */
	pty_send(p, "n");
	console_press(p, "note:", "went on\r");
	pty_settle(p, 0.3, 2);
	console_leave(p);
	autofree char *second = journal_of(w, again, sizeof again);
	assert_string_equal(id, again);
	assert_int_equal(strncmp(first, second, strlen(first)), 0); /* append-only */
	assert_says(second, "\"event\":\"resumed\"");
	assert_says(second, "went on");
	console_undo(w, &nested);
}

/* SIGKILL with a command running: the journal has its announcement, the next console says so. */
static void killed_while_acting(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	char id[64];
	console_plant(&nested, w, "nested");
	struct pty *p = console_armed(w, "+ M leak");
	console_begin(p, "1", "P1 Automatic", "[ok]1 Look");
	pty_send(p, "x");
	console_press(p, "WILL RUN", "\033[F");
	pty_settle(p, 0.2, 1);
	pid_t ui = pty_console(p);
	pty_send(p, "Y");
	char path[PATH_ROOM + 100];
	incident_of(w, id, sizeof id);
	journal_path(&w->paths, id, "journal.jsonl", path, sizeof path);
	pty_settle(p, 0.01, 0.05);
	bool announced = false; /* the record is there before the command is */
	for (double end = world_now() + world_patience(10); !announced && world_now() < end;) {
		autofree char *text = NULL;
		announced = kfile_read_all(AT_FDCWD, path, &text) > 0 && strstr(text, "\"event\":\"run\"");
		if (!announced)
			pty_settle(p, 0.005, 0.01);
	}
	assert_true(announced);
	char left[2048]; /* between its word and its deed it would be another story: never started */
	for (double end = world_now() + world_patience(10); !console_keeper(p) && !lab_gone(&nested, left, sizeof left) && world_now() < end;)
		(void)poll(NULL, 0, 1);
	assert_int_equal(kill(ui, SIGKILL), 0);
	assert_int_equal(pty_wait_exit(p, 10), 128 + SIGKILL);
	pty_done(p);
	autofree char *text = journal_of(w, id, sizeof id);
	assert_says(text, "\"run\":[\"rustbox\",\"health\",\"--recover\",\"--cleanup\"");
	for (double end = world_now() + world_patience(20); !lab_gone(&nested, left, sizeof left) && world_now() < end;)
		(void)poll(NULL, 0, 20); /* the command goes on to its end by itself */
	assert_true(lab_gone(&nested, left, sizeof left));
	p = console_as(w, "alice");
	assert_true(pty_wait(p, "resume incident", 5));
	if (!strstr(text, "\"event\":\"outcome\""))
		assert_true(pty_wait(p, "THEN RAN", 2));
	console_leave(p);
	console_undo(w, &nested);
}

/* S37: bob watches, cannot arm, takes over with a reason; alice's screen says who did. */
static void two_operators(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	console_plant(&nested, w, "nested");
	struct pty *alice = console_as(w, "alice");
	console_arm(alice);
	struct pty *bob = console_as(w, "bob");
	if (pty_shows(bob, "resume incident"))
		pty_send(bob, "\033");
	assert_true(pty_wait(bob, "alice armed since", 10));
	pty_send(bob, "A");
	console_press(bob, "take over from alice", "");
	assert_true(pty_wait(bob, "class R3", 2));
	pty_send(bob, "\r\r"); /* Enter alone takes nothing */
	pty_settle(bob, 0.2, 1);
	assert_true(pty_shows(alice, "[ARMED alice"));
	pty_send(bob, "\033");
	assert_true(pty_wait_gone(bob, "take over from", 5));
	pty_send(bob, "A");
	console_press(bob, "class R3", "alice went home\t");
	console_type(bob, "take over from alice");
	assert_true(pty_wait(bob, "[ARMED bob", 10));
	assert_true(pty_wait(alice, "OBSERVE", 10));
	assert_true(pty_wait(alice, "bob took over", 5));
	console_leave(bob);
	assert_true(pty_wait(alice, "bob is no longer armed", 10));
	console_arm(alice);
	console_leave(alice);
	console_undo(w, &nested);
}

/* S19: an orphan is never in a batch; its evidence is on disk before it can be ended. */
static void orphan_with_evidence(void **state)
{
	struct world *w = world_need(state);
	static struct lab orphan;
	char verb[60], id[64], gone[2048], path[PATH_ROOM + 300];
	console_plant(&orphan, w, "orphan");
	struct pty *p = console_armed(w, "ORPHAN");
	pty_send(p, "4");
	assert_true(pty_wait(p, ">+ P ORPHAN", 5));
	pty_send(p, "x");
	console_press(p, "rustbox capture", "");
	assert_true(pty_shows(p, "security rule"));
	assert_false(lab_gone(&orphan, gone, sizeof gone));
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "captured", 20));
	assert_true(pty_wait_gone(p, "WILL RUN", 5));
	assert_false(lab_gone(&orphan, gone, sizeof gone)); /* evidence does not touch it */
	autodir DIR *dir = opendir(w->paths.of[PATH_INCIDENTS]);
	bool kept = false;
	for (struct dirent *d; dir && (d = readdir(dir));)
		if (strncmp(d->d_name, "capture-", 8) == 0) {
			struct stat st;
			(void)snprintf(path, sizeof path, "%s/%s/status", w->paths.of[PATH_INCIDENTS], d->d_name);
			kept = stat(path, &st) == 0 && st.st_size > 0 && (st.st_mode & 07777) == 0640;
		}
	assert_true(kept);
	pty_settle(p, 0.5, 20);
	pty_send(p, "x");
	console_press(p, "class R3", "SEC-77 said yes\t");
	(void)snprintf(verb, sizeof verb, "kill %d", (int)orphan.trace[0].pid);
	for (unsigned i = 0; i < orphan.ntraces; i++)
		if (orphan.trace[i].kind == TRACE_PROCESS)
			(void)snprintf(verb, sizeof verb, "kill %d", (int)orphan.trace[i].pid);
	console_type(p, verb);
	assert_true(pty_wait(p, "released", 20));
	console_leave(p);
	autofree char *text = journal_of(w, id, sizeof id);
	char *capture = strstr(text, "\"capture\""), *kill = strstr(text, "\"reclaim\",\"process\"");
	assert_true(capture && kill && capture < kill);
	assert_says(text, "SEC-77 said yes");
	assert_says(text, "orphan: security must know now");
	console_undo(w, &orphan);
}

/* S38: no room for the journal: said, kept, acted with, and on disk whole when there is room again. */
static void disk_full(void **state)
{
	struct world *w = world_need(state);
	char id[64], fill[PATH_ROOM + 40], state_dir[PATH_ROOM];
	(void)snprintf(state_dir, sizeof state_dir, "%s", w->paths.of[PATH_STATE]);
	char command[PATH_ROOM * 2];
	(void)snprintf(command, sizeof command, "mkdir -p %s", state_dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(mount("none", state_dir, "tmpfs", 0, "size=64k"), 0);
	static struct lab nested;
	console_plant(&nested, w, "nested");
	(void)snprintf(fill, sizeof fill, "%s/full", state_dir);
	int fd = open(fill, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	static const char page[4096];
	while (write(fd, page, sizeof page) > 0)
		continue;
	struct pty *p = console_armed(w, "+ M leak");
	assert_true(pty_wait(p, "JOURNAL IN MEMORY", 5));
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "DONE", 30)); /* it acts, with its record in memory */
	assert_true(pty_shows(p, "JOURNAL IN MEMORY"));
	assert_int_equal(ftruncate(fd, 0), 0);
	(void)close(fd);
	assert_true(pty_wait_gone(p, "JOURNAL IN MEMORY", 10));
	console_leave(p);
	autofree char *text = journal_of(w, id, sizeof id);
	assert_says(text, "{\"seq\":1,");
	assert_says(text, "\"event\":\"armed\"");
	assert_says(text, "\"event\":\"run\"");
	assert_says(text, "\"event\":\"outcome\"");
	console_undo(w, &nested);
	assert_true(world_unmount(state_dir));
}

static bool has_file(const struct world *w, const char *id, const char *prefix, const char *file, char *path, size_t cap)
{
	char dirname[PATH_ROOM + 100];
	(void)snprintf(dirname, sizeof dirname, "%s/%s", w->paths.of[PATH_INCIDENTS], id);
	autodir DIR *dir = opendir(dirname);
	for (struct dirent *d; dir && (d = readdir(dir));)
		if (strncmp(d->d_name, prefix, strlen(prefix)) == 0) {
			(void)snprintf(path, cap, "%s/%.100s%s%s", dirname, d->d_name, *file ? "/" : "", file);
			return access(path, F_OK) == 0;
		}
	return false;
}

/* P2 to the end, then ! and R: a bundle and a report that say what was done, with the empty left to people. */
static void bundle_and_report(void **state)
{
	struct world *w = world_need(state);
	static struct lab nested;
	char id[64], path[PATH_ROOM + 300];
	console_plant(&nested, w, "nested");
	struct pty *p = console_armed(w, "+ M leak");
	console_begin(p, "2", "P2 Manual mount", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "DONE", 30));
	pty_send(p, "!");
	assert_true(pty_wait(p, "PAGE TEXT", 20));
	pty_send(p, "\033");
	assert_true(pty_wait_gone(p, "PAGE TEXT", 5));
	char cast[PATH_ROOM + 100];
	incident_of(w, id, sizeof id);
	journal_path(&w->paths, id, "session.cast", cast, sizeof cast);
	FILE *recorded = fopen(cast, "we");
	assert_non_null(recorded);
	assert_int_equal(fclose(recorded), 0);
	pty_send(p, "R");
	assert_true(pty_wait(p, "Incident", 20));
	console_leave(p);
	autofree char *text = journal_of(w, id, sizeof id);
	assert_true(has_file(w, id, "bundle-", "snapshot.json", path, sizeof path));
	assert_true(has_file(w, id, "bundle-", "page.txt", path, sizeof path));
	assert_true(has_file(w, id, "bundle-", "kernel.log", path, sizeof path));
	assert_true(has_file(w, id, "bundle-", "SHA256SUMS", path, sizeof path));
	assert_true(has_file(w, id, "report.md", "", path, sizeof path));
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	autofree char *report = NULL;
	assert_true(kfile_read_all(AT_FDCWD, path, &report) > 0);
	assert_says(report, "## Root cause\n\nTODO");
	assert_says(report, "released by P2.2");
	assert_says(report, "| P2.2 | Unmount | ok |");
	assert_says(report, "chain whole");
	assert_says(report, "- Executions that left something: 1\n- box: nested\n- Queue peak: 0 (rustbox has none");
	assert_says(report, "/session.cast\n"); /* the terminal was recorded */
	const char *first = strstr(report, "TODO"), *second = strstr(first + 1, "TODO");
	assert_true(second && !strstr(second + 1, "TODO")); /* the cause and its effect on people; nothing a machine knows */
	struct ran r;
	world_call(w, &r, 10, "rustbox-tui", "verify-journal", id);
	assert_int_equal(r.code, 0);
	ran_done(&r);
	world_call(w, &r, 10, "rustbox", "report", id, "--json");
	assert_int_equal(r.code, 0);
	json_error_t bad;
	json_t *j = json_loads(r.out, 0, &bad);
	assert_non_null(j);
	assert_int_equal(json_array_size(json_object_get(j, "resources")) > 0, 1);
	assert_true(json_is_null(json_object_get(j, "root_cause")));
	json_decref(j);
	ran_done(&r);
	/* One byte changed in the middle: the chain says where. */
	char *at = strstr(text, "alice");
	journal_path(&w->paths, id, "journal.jsonl", path, sizeof path);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "malic", 5, at - text), 5);
	(void)close(fd);
	world_call(w, &r, 10, "rustbox-tui", "verify-journal", id);
	assert_int_equal(r.code, 1);
	assert_says(r.out, "CHAIN BROKEN at line 2");
	ran_done(&r);
	console_undo(w, &nested);
}

/* S24: the wrong directory was deleted, and u brings it back with everything in it, the same inode. */
static void deleted_and_brought_back(void **state)
{
	struct world *w = world_need(state);
	static struct lab dir;
	char path[PATH_ROOM + 80];
	struct stat before, after;
	console_plant(&dir, w, "tempdir");
	paths_box_dir(&w->paths, "tempdir", path);
	assert_int_equal(stat(path, &before), 0);
	struct pty *p = console_armed(w, "+ D leak");
	console_begin(p, "5", "P5 Filesystem", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "class R2", "");
	assert_true(pty_shows(p, "--trash"));
	assert_true(pty_shows(p, "u brings them back"));
	console_type(p, "delete 1");
	assert_true(pty_wait(p, "[ok]2 Delete", 30));
	assert_int_not_equal(access(path, F_OK), 0);
	pty_send(p, "u");
	console_press(p, "--undo", "");
	console_press(p, "Y commits", "Y");
	assert_true(pty_wait(p, "+ D leak", 20)); /* a leftover again */
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	console_leave(p);
	console_undo(w, &dir);
}

/* S23: what is evidence is in no plan, however old it is. */
static void protected_files_stay(void **state)
{
	struct world *w = world_need(state);
	static const char *const kept[] = { "quarantine-history.json", "baseline.txt", "events.jsonl" };
	static struct lab dir;
	char path[PATH_ROOM + 60], command[PATH_ROOM * 2];
	(void)snprintf(command, sizeof command, "mkdir -p %s", w->paths.of[PATH_STATE]);
	assert_int_equal(system(command), 0);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		(void)snprintf(command, sizeof command, "touch -d '30 days ago' %s/%s", w->paths.of[PATH_STATE], kept[i]);
		assert_int_equal(system(command), 0);
	}
	console_plant(&dir, w, "tempdir");
	struct pty *p = console_armed(w, "+ D leak");
	console_begin(p, "5", "P5 Filesystem", "[ok]1 List");
	pty_send(p, "x");
	console_press(p, "class R2", "");
	console_type(p, "delete 1");
	assert_true(pty_wait(p, "[ok]2 Delete", 30));
	console_leave(p);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", w->paths.of[PATH_STATE], kept[i]);
		assert_int_equal(access(path, F_OK), 0);
	}
	console_undo(w, &dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(resumed_after_a_hangup), WORLD_TEST(killed_while_acting), WORLD_TEST(two_operators), WORLD_TEST(orphan_with_evidence), WORLD_TEST(disk_full),
		WORLD_TEST(bundle_and_report), WORLD_TEST(deleted_and_brought_back), WORLD_TEST(protected_files_stay),
	};
	world_alone(); /* the screen shows the processes of this test, not those of the tests beside it */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
