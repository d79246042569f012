/* The command line of run: every flag of the tables works, and garbage is one line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/base/own.h"
#include "sandbox/cli/commands.h"
#include "sandbox/cli/options.h"

/* Splits at spaces: no test needs more. */
static int parse(const char *line, struct arena *a, struct run_options *ret, struct err *e)
{
	static char *argv[64];
	char *copy = arena_printf(a, "run %s", line);
	int argc = 0;
	for (char *p = strtok(copy, " "); p && argc < 63; p = strtok(NULL, " "))
		argv[argc++] = p;
	argv[argc] = NULL;
	static struct config config;
	static struct arena kept;
	assert_int_equal(config_from_json(NULL, &kept, &config, e), 0);
	return options_parse(argc, argv, &config, a, ret, e);
}

static void every_limit_has_its_flag(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_COUNT; i++) {
		autoarena struct arena a = { 0 };
		struct run_options o;
		struct err e = { 0 };
		const char *value = limit_rows[i].unit == UNIT_CPU_LIST ? "0" : limit_rows[i].unit == UNIT_COUNT ? "17" : "17M";
		if (limit_rows[i].unit == UNIT_NANOSECONDS)
			value = "17s";
		if (limit_rows[i].unit == UNIT_MILLI)
			value = "1.7";
		char *line = arena_printf(&a, "--%s=%s -- /bin/true", limit_rows[i].flag, value);
		assert_int_equal(parse(line, &a, &o, &e), 0);
		assert_int_not_equal(o.spec.limits.of[i], limit_rows[i].defaults[PROFILE_JUDGE]);
		line = arena_printf(&a, "--%s none true", limit_rows[i].flag);
		assert_int_equal(parse(line, &a, &o, &e), 0);
		assert_true(o.spec.limits.of[i] == LIMIT_NONE);
	}
}

static void every_option_parses_or_says_why(void **state)
{
	(void)state;
	for (int i = 0; i < OPTION_COUNT; i++) {
		autoarena struct arena a = { 0 };
		struct run_options o;
		struct err e = { 0 };
		const struct option_row *row = &run_option_rows[i];
		if (row->arg) { /* a value that is missing is said to be */
			assert_true(parse(arena_printf(&a, "--%s", row->name), &a, &o, &e) < 0);
			assert_non_null(strstr(e.text, row->name));
		} else {
			assert_int_equal(parse(arena_printf(&a, "--%s -- x", row->name), &a, &o, &e), 0);
			assert_true(parse(arena_printf(&a, "--%s=1 -- x", row->name), &a, &o, &e) < 0);
		}
	}
}

static void the_profile_comes_first_wherever_it_stands(void **state)
{
	autoarena struct arena a = { 0 };
	struct run_options o;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(parse("--mem 64M --profile agent --time 1 -- x", &a, &o, &e), 0);
	assert_int_equal(o.spec.limits.of[LIMIT_MEMORY], 64 << 20);
	assert_int_equal(o.spec.limits.of[LIMIT_PROCESSES], 64);
	assert_int_equal(o.spec.limits.of[LIMIT_TIME], 1000000000);
}

static void the_program_s_own_options_are_its_own(void **state)
{
	autoarena struct arena a = { 0 };
	struct run_options o;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(parse("--quiet -- prog --mem 1 -- x", &a, &o, &e), 0);
	assert_string_equal(o.spec.argv[0], "prog");
	assert_string_equal(o.spec.argv[1], "--mem");
	assert_string_equal(o.spec.argv[3], "--");
	assert_int_equal(parse("--quiet prog --mem", &a, &o, &e), 0);
	assert_string_equal(o.spec.argv[1], "--mem");
	assert_int_equal(parse("--json - x", &a, &o, &e), 0);
	assert_true(o.spec.capture);
	assert_int_equal(parse("--json /tmp/f x", &a, &o, &e), 0);
	assert_false(o.spec.capture);
	assert_int_equal(parse("--permissive --strict x", &a, &o, &e), 0);
	assert_false(o.spec.permissive);
}

static void garbage_is_one_line_and_changes_nothing(void **state)
{
	static const char *const bad[] = { "", "--", "--nonsense x", "-x y", "--=x y", "--mem x y", "--mem", "--profile root x",
		"--box-id ../x y", "--box-id a.b y", "--chdir rel y", "--dir x y", "--env =a y", "--stdin a --stdin-text b y",
		"--spec /nonexistent/spec y", "--mem= y", "--stdout= y",
		"--aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa x" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		autoarena struct arena a = { 0 };
		struct run_options o = { .worker = "untouched" };
		struct err e = { 0 };
		assert_true(parse(bad[i], &a, &o, &e) < 0);
		assert_string_equal(o.worker, "untouched");
		assert_true(strlen(e.text) > 10);
		assert_null(strchr(e.text, '\n'));
	}
}

static char *read_file(const char *path)
{
	autofile FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 16);
	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 16) - 1, f) > 0);
	return text;
}

/* The manual is written by hand, so this is what keeps it whole. */
static void the_manual_names_every_row(void **state)
{
	char name[64];
	autofree char *manual = read_file("sandbox/cli/rustbox.1");
	(void)state;
	for (int i = 0; i < LIMIT_COUNT; i++) {
		(void)snprintf(name, sizeof name, ".It Fl -%s", limit_rows[i].flag);
		if (!strstr(manual, name))
			fail_msg("rustbox.1 lacks --%s", limit_rows[i].flag);
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		(void)snprintf(name, sizeof name, ".It Fl -%s", run_option_rows[i].name);
		if (!strstr(manual, name))
			fail_msg("rustbox.1 lacks --%s", run_option_rows[i].name);
	}
	for (unsigned i = 0; i < command_count; i++) {
		(void)snprintf(name, sizeof name, ".It Cm %s", commands[i].name);
		if (!strstr(manual, name))
			fail_msg("rustbox.1 lacks the command %s", commands[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_limit_has_its_flag),
		cmocka_unit_test(every_option_parses_or_says_why),
		cmocka_unit_test(the_profile_comes_first_wherever_it_stands),
		cmocka_unit_test(the_program_s_own_options_are_its_own),
		cmocka_unit_test(garbage_is_one_line_and_changes_nothing),
		cmocka_unit_test(the_manual_names_every_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
