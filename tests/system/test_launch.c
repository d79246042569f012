/* A run from outside: streams, ends, interruptions, refusals, and boxes that live; the host is asked afterwards. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "tests/harness/world.h"

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	*state = w;
	if (!world_lacking())
		world_open(w, WORLD_SHARED);
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	bool clean = world_lacking() || world_clean_within(w, 2);
	if (!clean) {
		autofree char *left = world_left(w);
		print_error("left behind:\n%s", left);
	}
	bool done = world_lacking() || world_done(w);
	free(w);
	return clean && done ? 0 : -1;
}

#define world_of(state) (world_lacking() ? (skip(), (struct world *)NULL) : (struct world *)*(state))

static void test_passes_output_and_input(void **state)
{
	struct world *w = world_of(state);
	struct ran r;
	world_run(w, &r, 20, "a line\nanother\n",
		  (const char *const[]){ "rustbox", "run", "--", "/bin/sh", "-c", "cat; echo err >&2; exit 3", NULL });
	assert_string_equal(r.out, "a line\nanother\n");
	assert_string_equal(r.err, "err\n"); /* no verdict line: it is no terminal */
	assert_int_equal(r.code, 1);
	ran_done(&r);
	world_call(w, &r, 20, "rustbox", "run", "--stdin-text", "given", "--", "/bin/cat");
	assert_string_equal(r.out, "given");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

static void test_output_beyond_a_pipe(void **state)
{
	struct world *w = world_of(state);
	struct ran r;
	world_call(w, &r, 20, "rustbox", "run", "--output", "1M", "--", "/bin/sh", "-c", "head -c 3000000 /dev/zero");
	assert_int_equal(r.code, 0);
	assert_int_equal(r.out_len, 1 << 20); /* kept to the byte; the rest drained, and the program did not notice */
	ran_done(&r);
}

static void want(const json_t *j, const char *path, const char *value)
{
	char said[400];
	if (strcmp(json_at(j, path, said, sizeof said), value) != 0)
		fail_msg("%s is '%s', not '%s'", path, said, value);
}

/* One stream in the order written, under one cap; what was standard error's own is null. */
static void test_stderr_to_stdout(void **state)
{
	static const char turns[] = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
	static const char told[] = "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n";
	struct world *w = world_of(state);
	struct ran r;
	world_call(w, &r, 20, "rustbox", "run", "--stderr-to-stdout", "--", "/bin/sh", "-c", turns);
	assert_string_equal(r.out, told);
	assert_string_equal(r.err, "");
	ran_done(&r);
	world_call(w, &r, 20, "rustbox", "run", "--stderr-to-stdout", "--json", "-", "--", "/bin/sh", "-c", turns);
	json_t *j = ran_json(&r);
	want(j, "output.stdout", told);
	want(j, "output.integrity.stdout", "complete");
	assert_true(json_is_null(json_object_get(json_object_get(j, "output"), "stderr")));
	assert_true(json_is_null(json_object_get(json_object_get(json_object_get(j, "output"), "integrity"), "stderr")));
	json_decref(j);
	ran_done(&r);
	world_call(w, &r, 20, "rustbox", "run", "--stderr-to-stdout", "--output", "1k", "--json", "-", "--", "/bin/sh", "-c",
		   "head -c 700 /dev/zero | tr '\\0' o; head -c 700 /dev/zero | tr '\\0' e >&2");
	j = ran_json(&r);
	want(j, "output.integrity.stdout", "truncated_by_limit");
	assert_int_equal(json_string_length(json_object_get(json_object_get(j, "output"), "stdout")), 1024);
	want(j, "status", "OK");
	json_decref(j);
	ran_done(&r);
	world_call(w, &r, 20, "rustbox", "run", "--stderr-to-stdout", "--json", "-", "--", "/bin/sh", "-c", "exec >&- 2>&-; sleep 0.3");
	j = ran_json(&r);
	want(j, "output.integrity.stdout", "closed_early"); /* both ends of it */
	json_decref(j);
	ran_done(&r);
}

static void test_reader_that_leaves(void **state)
{
	struct world *w = world_of(state);
	struct ran r;
	char line[PATH_ROOM + 80];
	(void)snprintf(line, sizeof line, "%s/rustbox run --wall-time 10 -- /usr/bin/yes | head -c 10", w->build);
	world_call(w, &r, 5, "/bin/sh", "-c", line);
	assert_false(r.late); /* SIGPIPE reached the program as it would have without us */
	assert_int_equal(r.out_len, 10);
	ran_done(&r);
}

static void test_orphan_with_the_output(void **state)
{
	struct world *w = world_of(state);
	struct ran r;
	world_call(w, &r, 60, "rustbox", "run", "--wall-time", "50", "--", "/bin/sh", "-c", "sleep 60 & echo first");
	assert_false(r.late);
	assert_true(r.seconds < 40); /* it waits for no orphan, nor for the limit */
	assert_string_equal(r.out, "first\n");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

static void test_refusals_name_the_thing(void **state)
{
	static const struct {
		const char *argv[10];
		const char *says;
		int code; /* 2: a wish that can never be granted */
	} cases[] = {
		{ { "rustbox", "run", "--", "/bin/nosuch" }, "/bin/nosuch", 3 },
		{ { "rustbox", "run", "--", "/etc/ld.so.cache" }, "Permission denied", 3 },
		{ { "rustbox", "run", "--chdir", "/nosuch", "--", "/bin/true" }, "enter the directory '/nosuch'", 3 },
		{ { "rustbox", "run", "--dir", "/a=/nosuch", "--", "/bin/true" }, "/nosuch", 2 },
		{ { "rustbox", "run", "--stderr", "/x", "--stderr-to-stdout", "--", "/bin/true" }, "exclude each other", 2 },
		{ { "rustbox", "run", "--stdin", "/nosuch", "--", "/bin/true" }, "/nosuch", 3 },
		{ { "rustbox", "run", "--stdout", "/nosuch/x", "--", "/bin/true" }, "/nosuch/x", 3 },
		{ { "rustbox", "run", "--box-id", "nosuch", "--", "/bin/true" }, "rustbox init --box-id nosuch", 3 },
	};
	struct world *w = world_of(state);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct ran r;
		world_run(w, &r, 20, NULL, cases[i].argv);
		if (r.code != cases[i].code || !strstr(r.err, cases[i].says))
			fail_msg("case %zu: exit %d: %s", i, r.code, r.err);
		assert_ptr_equal(strchr(r.err, '\n'), r.err + strlen(r.err) - 1); /* one line */
		ran_done(&r);
	}
}

/* Before exec, /proc/self/exe is the launcher's binary: it must not run in the box, nor be opened there by a script
 * that names it as its interpreter (CVE-2019-5736 is the story). */
static void test_launcher_out_of_reach(void **state)
{
	struct world *w = world_of(state);
	static const char *const programs[] = { "/proc/self/exe", "/p/script" };
	static const char script[] = "#!/proc/self/exe --version\n";
	char path[PATH_ROOM], dir[PATH_ROOM + 8];
	struct ran r;
	(void)snprintf(path, sizeof path, "%s/script", w->root);
	(void)snprintf(dir, sizeof dir, "/p=%s", w->root);
	autofd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	assert_int_equal(write(fd, script, sizeof script - 1), sizeof script - 1);
	own_close(&fd);
	fd = -1;
	for (size_t i = 0; i < 2; i++) {
		world_call(w, &r, 20, "rustbox", "run", "--dir", dir, "--", programs[i]);
		assert_int_equal(r.code, 3);
		assert_string_equal(r.out, "");
		assert_non_null(strstr(r.err, "Permission denied"));
		ran_done(&r);
	}
}

/* ---- interrupted ---- */

static pid_t start(const struct world *w, const char *box)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	char program[PATH_ROOM + 16];
	(void)snprintf(program, sizeof program, "%s/rustbox", w->build);
	if (setenv("RUSTBOX_ROOT", w->root, 1) == 0 && box)
		(void)execl(program, "rustbox", "run", "--box-id", box, "--", "/bin/sleep", "30", NULL);
	(void)execl(program, "rustbox", "run", "--wall-time", "30", "--", "/bin/sleep", "30", NULL);
	_exit(99);
}

/* Until a process of the world's uid pool is there: then the program runs. */
static bool wait_for_program(const struct world *w)
{
	for (double until = world_now() + world_patience(5); world_now() < until; usleep(10000)) {
		autofree char *left = world_left(w);
		if (strstr(left, "sleep"))
			return true;
	}
	return false;
}

/* What recovery would do, without it: this file proves the run alone. */
static void undo(const struct world *w)
{
	struct ran r;
	world_sweep(w);
	world_call(w, &r, 5, "/bin/rm", "-rf", w->paths.of[PATH_LEDGER]);
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

static void test_interrupt(void **state)
{
	struct world *w = world_of(state);
	pid_t pid = start(w, NULL);
	int status;
	assert_true(wait_for_program(w));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	assert_true(world_clean_within(w, 1)); /* cleaned up by itself */
}

static void test_killed_supervisor(void **state)
{
	struct world *w = world_of(state);
	pid_t pid = start(w, NULL);
	int status;
	assert_true(wait_for_program(w));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	double until = world_now() + world_patience(1);
	bool alive = true;
	while (alive && world_now() < until) {
		autofree char *left = world_left(w);
		alive = strstr(left, "sleep") != NULL;
	}
	assert_false(alive); /* without any recovery */
	undo(w); /* the cgroups stay for recovery: tests/faults proves that it finds them */
}

/* ---- a box that lives ---- */

static off_t ledger_size(const struct world *w)
{
	char path[PATH_ROOM + 80];
	struct stat st;
	paths_ledger(&w->paths, "k", path);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static off_t keep(const struct world *w)
{
	struct ran r;
	world_call(w, &r, 20, "rustbox", "init", "--box-id", "k", "--workspace", "1M");
	assert_int_equal(r.code, 0);
	ran_done(&r);
	return ledger_size(w);
}

static void let_go(const struct world *w, off_t ledger)
{
	struct ran r;
	assert_true(ledger < 0 || ledger_size(w) == ledger); /* every run took its lines away again */
	world_call(w, &r, 20, "rustbox", "cleanup", "--box-id", "k");
	assert_int_equal(r.code, 0);
	ran_done(&r);
}

static void test_box_that_lives(void **state)
{
	struct world *w = world_of(state);
	struct ran r;
	off_t ledger = keep(w);
	world_call(w, &r, 20, "rustbox", "run", "--box-id", "k", "--", "/bin/sh", "-c", "echo kept >f");
	assert_int_equal(r.code, 0);
	ran_done(&r);
	world_call(w, &r, 20, "rustbox", "run", "--box-id", "k", "--", "/bin/cat", "f");
	assert_string_equal(r.out, "kept\n");
	ran_done(&r);
	let_go(w, ledger);
}

static void test_box_that_lives_contended(void **state)
{
	struct world *w = world_of(state);
	struct ran r;
	int status;
	(void)keep(w);
	pid_t first = start(w, "k");
	assert_true(wait_for_program(w));
	world_call(w, &r, 20, "rustbox", "run", "--box-id", "k", "--", "/bin/true");
	assert_int_equal(r.code, 3);
	assert_non_null(strstr(r.err, "in use by another run"));
	ran_done(&r);
	/* The first one's supervisor dies; the next run clears what it left, and runs. */
	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(waitpid(first, &status, 0), first);
	for (double until = world_now() + world_patience(2); world_now() < until; ran_done(&r)) {
		world_call(w, &r, 20, "rustbox", "run", "--box-id", "k", "--", "/bin/echo", "next");
		if (r.code == 0)
			break;
	}
	assert_string_equal(r.out, "next\n");
	ran_done(&r);
	let_go(w, -1); /* the killed run's lines stay, struck off */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_passes_output_and_input), T(test_output_beyond_a_pipe), T(test_stderr_to_stdout),	  T(test_reader_that_leaves),
		T(test_orphan_with_the_output),	 T(test_refusals_name_the_thing), T(test_interrupt),
		T(test_launcher_out_of_reach),
		T(test_killed_supervisor),	 T(test_box_that_lives),	  T(test_box_that_lives_contended),
	};
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
