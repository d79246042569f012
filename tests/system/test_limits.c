/*
 * Each limit, enforced by the kernel on a real program, with the verdict that follows; on v1 and, where the host has
 * controllers there, on v2. Each row demands proof of life and a world in which nothing is left.
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

#include "tests/harness/world.h"

struct row {
	const char *use;     /* in_use's argument, and its own */
	const char *flags;   /* of `rustbox run` */
	const char *status, *cause; /* cause NULL: any of that status */
	const char *says;    /* in the output; NULL: nothing more than proof of life */
	const char *path, *value; /* a field of the result, NULL: none */
};

static const struct row rows[] = {
	{ "exit 0", "", "OK", "success", NULL, "exit_code", "0" },
	{ "exit 137", "", "RE", "exit_status", NULL, "exit_code", "137" },
	{ "signal 9", "", "SIG", "signal", NULL, "signal", "9" },
	{ "signal 24", "", "SIG", "signal", NULL, "signal", "24" }, /* SIGXCPU by itself is no time limit */
	{ "memory 16", "--mem 64M", "OK", NULL, NULL, NULL, NULL },
	{ "memory 100", "--mem 32M", "MLE", NULL, NULL, NULL, NULL },
	{ "child_memory 100", "--mem 32M --wall-time 10m", "MLE", NULL, NULL, NULL, NULL }, /* does not outlive its child by ten minutes */
	{ "spin", "--time 0.3 --wall-time 60", "TLE", "cpu_time", NULL, NULL, NULL },
	{ "sleep 60000", "--wall-time 0.3", "TLE", "wall_time", NULL, NULL, NULL },
	{ "sleep 60000", "--wall-time 0.2 --extra-time 0.3", "TLE", "wall_time", NULL, NULL, NULL },
	{ "sleep 100", "--wall-time 60", "OK", NULL, NULL, NULL, NULL },
	{ "children 3", "--processes 4", "OK", NULL, "children 3", NULL, NULL },
	{ "children 9", "--processes 4", "PLE", NULL, "children 3", NULL, NULL },
	{ "file 1000000", "--fsize 2M", "OK", NULL, NULL, NULL, NULL },
	{ "file 3000000", "--fsize 1M", "FSE", "file_size", NULL, NULL, NULL },
	{ "file 3000000", "--workspace 1M", "RE", NULL, "errno 28", NULL, NULL },
	{ "inodes 100", "--inodes 20", "RE", NULL, "errno 28", NULL, NULL },
	{ "files", "--open-files 17", "OK", NULL, "files 17", NULL, NULL },
	{ "hoard", "--open-files 100", "ABUSE", "fd_exhaustion", "files 100", "abuse", "fd_exhaustion" },
	{ "signal_storm", "", "ABUSE", "signal_storm", "queued", "abuse", "signal_storm" },
	{ "output 1000", "--output 100k", "OK", NULL, NULL, "output.integrity.stdout", "complete" },
	{ "output 500000", "--output 10k", "OK", NULL, NULL, "output.integrity.stdout", "truncated_by_limit" },
	{ "memory 16", "--mem 64M --cgroup-v1", "OK", NULL, NULL, NULL, NULL },
	{ "memory 100", "--mem 32M --cgroup-v1", "MLE", NULL, NULL, NULL, NULL },
	{ "spin", "--time 0.3 --wall-time 60 --cgroup-v1", "TLE", "cpu_time", NULL, NULL, NULL },
	{ "children 9", "--processes 4 --cgroup-v1", "PLE", NULL, "children 3", NULL, NULL },
	{ "sleep 10", "--cpus 0.5", "OK", NULL, NULL, NULL, NULL },
	{ "sleep 10", "--cpu-weight 50", "OK", NULL, NULL, NULL, NULL },
	{ "sleep 10", "--cpuset 0", "OK", NULL, NULL, NULL, NULL },
};

enum { WORDS = 32 };

static size_t split(char *text, const char **words, size_t n)
{
	char *save = NULL;
	for (char *w = strtok_r(text, " ", &save); w && n < WORDS - 1; w = strtok_r(NULL, " ", &save))
		words[n++] = w;
	return n;
}

static void run_row(const struct world *w, const struct row *row, struct ran *ran)
{
	char flags[256], use[64], dir[PATH_ROOM + 32];
	const char *argv[WORDS] = { "rustbox", "run", "--json", "-", "--dir", dir };
	(void)snprintf(dir, sizeof dir, "/p=%s/payloads", w->build);
	(void)snprintf(flags, sizeof flags, "%s", row->flags);
	(void)snprintf(use, sizeof use, "%s", row->use);
	size_t n = split(flags, argv, 6);
	argv[n++] = "--";
	argv[n++] = "/p/in_use";
	n = split(use, argv, n);
	argv[n] = NULL;
	world_run(w, ran, 20, NULL, argv);
}

static void expect(const json_t *j, const char *path, const char *value, const struct ran *ran)
{
	char buf[512];
	if (strcmp(json_at(j, path, buf, sizeof buf), value) != 0)
		fail_msg("%s is '%s', not '%s': %.1500s", path, buf, value, ran->out);
}

static void test_row(void **state)
{
	const struct row *row = *state;
	struct world w;
	struct ran ran;
	char out[512];
	if (world_lacking() || (strstr(row->flags, "--cgroup-v1") && access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0))
		skip(); /* a host with v2 alone */
	world_open(&w, WORLD_SHARED);
	run_row(&w, row, &ran);
	json_t *j = ran_json(&ran);
	if (!j)
		fail_msg("no result: %s %s", ran.out, ran.err);
	if (!strstr(json_at(j, "output.stdout", out, sizeof out), "alive"))
		fail_msg("no proof of life: %.1500s", ran.out);
	expect(j, "status", row->status, &ran);
	if (row->cause)
		expect(j, "verdict.cause", row->cause, &ran);
	if (row->says && !strstr(out, row->says))
		fail_msg("said '%s', not '%s'", out, row->says);
	if (row->path)
		expect(j, row->path, row->value, &ran);
	expect(j, "cleanup.outcome", "clean", &ran);
	assert_int_equal(ran.code, strcmp(row->status, "OK") == 0 ? 0 : 1);
	assert_false(ran.late);
	json_decref(j);
	ran_done(&ran);
	bool clean = world_clean_within(&w, 1);
	assert_true(world_done(&w) && clean);
}

int main(void)
{
	enum { N = sizeof rows / sizeof rows[0] };
	struct CMUnitTest tests[N];
	static char names[N][96];
	for (size_t i = 0; i < N; i++) {
		(void)snprintf(names[i], sizeof names[i], "%s %s", rows[i].use, rows[i].flags);
		tests[i] = (struct CMUnitTest){ .name = names[i], .test_func = test_row,
						.initial_state = (void *)(uintptr_t)&rows[i] };
	}
	world_alone();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
