/*
 * Two at one box, at every moment; a box whose keeper is dead, and one whose ledger is rubbish; the numbers of config.json.
 * Each refusal is one clear line with the right exit status, and in the end nothing is left.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/boxes.h"

static struct world w;

static void expect(int code, const char *says, const char *const *argv)
{
	struct ran r;
	world_run(&w, &r, 15, NULL, argv);
	const char *end = strchr(r.err, '\n');
	if (r.late || r.code != code || (says && !strstr(r.err, says)) || (code && says && (!end || end[1])))
		fail_msg("%s %s: exit %d%s, not %d: '%.400s' is not one line with '%s'", argv[1], argv[2] ? argv[2] : "", r.code,
			 r.late ? " (late)" : "", code, r.err, says ? says : "");
	ran_done(&r);
}
#define calls(code, says, ...) expect(code, says, (const char *const[]){ "rustbox", __VA_ARGS__, NULL })

#define in_background(...) box_begin(&w, (const char *const[]){ "rustbox", __VA_ARGS__, NULL })

static int end(pid_t pid)
{
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int stop(pid_t pid)
{
	assert_int_equal(kill(pid, SIGTERM), 0);
	return end(pid);
}

static void until_it_runs(void)
{
	double late = world_now() + world_patience(5);
	for (bool there = false; !there; (void)usleep(5000)) {
		autofree char *left = world_left(&w);
		there = strstr(left, "sleep");
		assert_true(world_now() < late);
	}
}

static int leaves_nothing(void **state)
{
	(void)state;
	return !world_clean_within(&w, 2);
}

static void one_box_two_users(void **state)
{
	(void)state;
	calls(0, NULL, "init", "--box-id", "x");
	calls(3, "box x", "init", "--box-id", "x");
	pid_t run = in_background("run", "--box-id", "x", "--wall-time", "10m", "--", "/bin/sleep", "600");
	until_it_runs();
	calls(3, "in use by another run", "run", "--box-id", "x", "--", "/bin/true");
	calls(3, "in use by another run", "ls", "--box-id", "x");
	calls(3, "box x", "cleanup", "--box-id", "x");
	calls(3, "box x", "init", "--box-id", "x");
	assert_int_equal(stop(run), 3);
	calls(0, NULL, "cleanup", "--box-id", "x");
	calls(3, "there is no box x", "run", "--box-id", "x", "--", "/bin/true");
	calls(1, "there is no box x", "cleanup", "--box-id", "x");
}

/* All orders the scheduler gives: one of two inits wins, a run and a cleanup never see half a box. */
static void races(void **state)
{
	enum { ROUNDS = 15 };
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		pid_t one = in_background("init", "--box-id", "r"), two = in_background("init", "--box-id", "r");
		int a = end(one), b = end(two);
		if (!((a == 0 && b == 3) || (a == 3 && b == 0)))
			fail_msg("two inits: %d and %d", a, b);
		pid_t run = in_background("run", "--box-id", "r", "--", "/bin/true");
		(void)usleep((useconds_t)i * 1000);
		pid_t cleanup = in_background("cleanup", "--box-id", "r");
		int ran = end(run), cleaned = end(cleanup);
		if ((ran != 0 && ran != 3) || (cleaned != 0 && cleaned != 3) || (ran == 3 && cleaned == 3))
			fail_msg("round %d: run %d, cleanup %d", i, ran, cleaned);
		if (cleaned)
			calls(0, NULL, "cleanup", "--box-id", "r");
		assert_true(world_clean_within(&w, 1));
	}
}

static void ledger_path(const char *box, char path[static PATH_ROOM + 80])
{
	paths_ledger(&w.paths, box, path);
}

static void kill_keeper(const char *box)
{
	pid_t pid = box_keeper(&w, box);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	(void)waitpid(pid, NULL, 0); /* this test is the reaper of orphans */
}

static void stale_ledger(void **state)
{
	(void)state;
	calls(0, NULL, "init", "--box-id", "s");
	kill_keeper("s");
	calls(3, "health --recover --cleanup", "run", "--box-id", "s", "--", "/bin/true");
	calls(3, "health --recover --cleanup", "ls", "--box-id", "s");
	calls(3, "s", "init", "--box-id", "s");
	calls(0, NULL, "cleanup", "--box-id", "s");
	calls(0, NULL, "init", "--box-id", "s");
	kill_keeper("s");
	calls(0, NULL, "health", "--recover", "--cleanup");
	calls(0, NULL, "init", "--box-id", "s");
	calls(0, NULL, "cleanup", "--box-id", "s");
}

static void corrupt_ledger(void **state)
{
	char path[PATH_ROOM + 80];
	(void)state;
	calls(0, NULL, "init", "--box-id", "c");
	pid_t keeper = box_keeper(&w, "c");
	ledger_path("c", path);
	FILE *f = fopen(path, "r+");
	assert_non_null(f);
	assert_true(fputs("\033[31mrubbish\n\001", f) >= 0);
	assert_int_equal(fclose(f), 0);
	calls(3, "ledger", "run", "--box-id", "c", "--", "/bin/true");
	calls(3, "ledger", "ls", "--box-id", "c");
	calls(3, "c", "init", "--box-id", "c");
	calls(3, "c", "cleanup", "--box-id", "c");
	assert_int_equal(kill(keeper, SIGKILL), 0);
	(void)waitpid(keeper, NULL, 0);
	calls(3, "c", "init", "--box-id", "c");
	calls(0, NULL, "health", "--recover", "--cleanup");
	calls(0, NULL, "init", "--box-id", "c");
	calls(0, NULL, "cleanup", "--box-id", "c");
}

static void configure(const char *text)
{
	char path[PATH_ROOM + 8];
	(void)snprintf(path, sizeof path, "%s/etc", w.root);
	(void)mkdir(path, 0755);
	(void)snprintf(path, sizeof path, "%s/etc/rustbox", w.root);
	(void)mkdir(path, 0755);
	FILE *f = fopen(w.paths.of[PATH_CONFIG], "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void configured_numbers(void **state)
{
	(void)state;
	configure("{\"boxes\": 2, \"slots\": 3, \"ceilings\": {\"workspace\": \"64M\"}}");
	calls(0, NULL, "init", "--box-id", "one");
	calls(0, NULL, "init", "--box-id", "two");
	calls(3, "at most 2 boxes", "init", "--box-id", "three");
	calls(2, "ceiling", "init", "--box-id", "three", "--workspace", "65M");
	pid_t run = in_background("run", "--wall-time", "10m", "--", "/bin/sleep", "600");
	until_it_runs();
	calls(3, "all 3 boxes", "run", "--", "/bin/true");
	calls(0, NULL, "run", "--box-id", "one", "--", "/bin/true");
	assert_int_equal(stop(run), 3);
	calls(0, NULL, "cleanup", "--box-id", "one");
	calls(0, NULL, "init", "--box-id", "three");
	calls(0, NULL, "cleanup", "--box-id", "two");
	calls(0, NULL, "cleanup", "--box-id", "three");
	configure("{\"boxs\": 2}");
	calls(2, "boxs", "init", "--box-id", "one");
	calls(2, "boxs", "run", "--", "/bin/true");
	assert_int_equal(unlink(w.paths.of[PATH_CONFIG]), 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_teardown(name, leaves_nothing)
	const struct CMUnitTest tests[] = { T(one_box_two_users), T(races), T(stale_ledger), T(corrupt_ledger), T(configured_numbers) };
	world_alone();
	if (world_lacking()) {
		printf("skipped: %s\n", world_lacking());
		return 77;
	}
	world_open(&w, WORLD_MOUNTS);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return !world_done(&w) || failed != 0;
}
