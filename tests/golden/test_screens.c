/*
 * Golden screens: each tests/golden/X.script drives the console without a terminal, and what it draws and
 * asks for must be tests/golden/X.txt. RUSTBOX_GOLDEN=write writes them anew; the difference is then reviewed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/script.h"

static char *played(const char *path)
{
	struct model *m = calloc(1, sizeof *m);
	bool teach = strstr(path, "/walkthrough.") != NULL, drill = teach || strstr(path, "/drill.") != NULL;
	const struct model_options opt = { .host = "worker-07", .user = "alice", .tty = "pts/4", .label = drill ? "DRILL" : "PROD",
					   .incident = strstr(path, "/brief.") ? "20261124-125649" : "0208-01", .is_root = true, .in_drill = drill,
					   .teach = teach ? "cleanup-failure:2" : NULL };
	char *text = NULL;
	size_t n = 0;
	autofree char *book = NULL;
	struct err e = { 0 };
	struct script s;
	FILE *out = open_memstream(&text, &n);
	assert_non_null(m);
	assert_non_null(out);
	model_init(m, &opt);
	assert_true(kfile_read_all(AT_FDCWD, "runbooks/cleanup-failure.md", &book) > 0);
	if (model_add_runbook(m, "cleanup-failure", book, &e) != 0)
		fail_msg("%s", e.text);
	script_begin(&s, m, out, 24, 80);
	if (script_file(&s, path, &e) != 0)
		fail_msg("%s", e.text);
	script_end(&s);
	model_done(m);
	free(m);
	fclose(out);
	return text;
}

static void first_difference(const char *want, const char *got, const char *path)
{
	size_t line = 1;
	while (*want && *want == *got) {
		line += *want == '\n';
		want++, got++;
	}
	fail_msg("%s:%zu differs:\nwant |%.*s\ngot  |%.*s", path, line, (int)strcspn(want, "\n"), want,
		 (int)strcspn(got, "\n"), got);
}

static void check_script(void **state)
{
	const char *script = *state;
	char path[300];
	autofree char *got = played(script), *want = NULL;
	(void)snprintf(path, sizeof path, "%.*s.txt", (int)(strlen(script) - strlen(".script")), script);
	const char *mode = getenv("RUSTBOX_GOLDEN");
	if (mode && strcmp(mode, "write") == 0) {
		FILE *f = fopen(path, "we");
		assert_non_null(f);
		assert_true(fputs(got, f) >= 0);
		assert_int_equal(fclose(f), 0);
		return;
	}
	assert_true(kfile_read_all(AT_FDCWD, path, &want) > 0);
	if (strcmp(want, got) != 0)
		first_difference(want, got, path);
}

int main(void)
{
	glob_t found;
	if (glob("tests/golden/*.script", 0, NULL, &found) != 0) {
		fprintf(stderr, "no scripts: run from the top of the source tree\n");
		return 1;
	}
	struct CMUnitTest *tests = calloc(found.gl_pathc, sizeof *tests);
	for (size_t i = 0; tests && i < found.gl_pathc; i++)
		tests[i] = (struct CMUnitTest){ .name = found.gl_pathv[i], .test_func = check_script,
						.initial_state = found.gl_pathv[i] };
	int failed = _cmocka_run_group_tests("screens", tests, found.gl_pathc, NULL, NULL);
	free(tests);
	globfree(&found);
	return failed;
}
