/* A spec: what may be asked, in which words, and that JSON says the same. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/base/json.h"
#include "sandbox/box/spec.h"

static void binds_are_taken_apart(void **state)
{
	static const struct {
		const char *text, *inside, *outside;
		unsigned options;
	} cases[] = {
		{ "/src=/home/x", "/src", "/home/x", 0 },
		{ "/opt", "/opt", "/opt", 0 },
		{ "/src=/home/x:rw,noexec", "/src", "/home/x", BIND_BIT(BIND_RW) | BIND_BIT(BIND_NOEXEC) },
		{ "/a//b/./c/=/x/", "/a/b/c", "/x", 0 },
		{ "/data:maybe", "/data", "/data", BIND_BIT(BIND_MAYBE) },
		{ "/scratch:tmp", "/scratch", NULL, BIND_BIT(BIND_TMP) | BIND_BIT(BIND_RW) },
		{ "/eq=/a=b:norec", "/eq", "/a=b", BIND_BIT(BIND_NOREC) },
		{ "/root=/", "/root", "/", 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		autoarena struct arena a = { 0 };
		struct spec s;
		struct err e = { 0 };
		spec_init(&s, NULL);
		assert_int_equal(spec_add_bind(&s, &a, cases[i].text, &e), 0);
		assert_string_equal(s.binds[0].inside, cases[i].inside);
		if (cases[i].outside)
			assert_string_equal(s.binds[0].outside, cases[i].outside);
		else
			assert_null(s.binds[0].outside);
		assert_int_equal(s.binds[0].options, cases[i].options);
	}
}

static void bad_binds_are_refused_in_one_line(void **state)
{
	static const char *const bad[] = { "", "src=/x", "/src=x", "/=/x", "//=/x", "/proc=/x", "/proc/self=/x", "/dev=/x",
		"/sys=/sys", "/a/../b=/x", "/a=/x/..", "/a=", "/a=/x:", "/a=/x:rw,", "/a=/x:fast", "/a=/b:tmp", ":rw" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		autoarena struct arena a = { 0 };
		struct spec s;
		struct err e = { 0 };
		spec_init(&s, NULL);
		assert_true(spec_add_bind(&s, &a, bad[i], &e) < 0);
		assert_int_equal(s.nbinds, 0);
		assert_non_null(strstr(e.text, "--dir"));
		assert_null(strchr(e.text, '\n'));
	}
}

static void the_same_inside_twice_is_refused(void **state)
{
	autoarena struct arena a = { 0 };
	struct spec s;
	struct err e = { 0 };
	(void)state;
	spec_init(&s, NULL);
	assert_int_equal(spec_add_bind(&s, &a, "/a=/x", &e), 0);
	assert_true(spec_add_bind(&s, &a, "/a/=/y", &e) < 0);
	assert_int_equal(spec_add_bind(&s, &a, "/dev2=/y", &e), 0); /* not below /dev */
}

static void the_environment_is_only_what_was_asked(void **state)
{
	autoarena struct arena a = { 0 };
	struct spec s;
	struct err e = { 0 };
	(void)state;
	spec_init(&s, NULL);
	assert_null(s.env);
	assert_int_equal(spec_add_env(&s, &a, "A=1", NULL, &e), 0);
	assert_int_equal(spec_add_env(&s, &a, "AB=2", NULL, &e), 0);
	assert_int_equal(spec_add_env(&s, &a, "HOME", "/root", &e), 0);
	assert_int_equal(spec_add_env(&s, &a, "UNSET", NULL, &e), 0);
	assert_int_equal(spec_add_env(&s, &a, "A=3=4", NULL, &e), 0);
	assert_string_equal(s.env[0], "A=3=4");
	assert_string_equal(s.env[1], "AB=2");
	assert_string_equal(s.env[2], "HOME=/root");
	assert_null(s.env[3]);
	assert_true(spec_add_env(&s, &a, "=x", NULL, &e) < 0);
	assert_true(spec_add_env(&s, &a, "", NULL, &e) < 0);
}

static void json_says_the_same(void **state)
{
	autoarena struct arena a = { 0 };
	char *argv[] = { (char[]){ "/bin/x" }, (char[]){ "" }, (char[]){ "--y" }, NULL };
	struct spec s, back;
	struct err e = { 0 };
	(void)state;
	spec_init(&s, NULL);
	assert_int_equal(spec_set_profile(&s, "agent", &e), 0);
	s.argv = argv;
	s.permissive = true;
	s.merge = true;
	s.chdir = "/src";
	s.stdin_text = "in\n";
	s.limits.of[LIMIT_CPUSET] = 5;
	assert_int_equal(spec_add_bind(&s, &a, "/src=/x:rw", &e), 0);
	assert_int_equal(spec_add_bind(&s, &a, "/t:tmp", &e), 0);
	assert_int_equal(spec_add_env(&s, &a, "A=b", NULL, &e), 0);
	autojson json_t *j = spec_to_json(&s);
	assert_int_equal(spec_from_json(j, NULL, &a, &back, &e), 0);
	autojson json_t *again = spec_to_json(&back);
	assert_true(json_equal(j, again));
}

static void bad_json_is_refused_with_its_path(void **state)
{
	static const char *const bad[][2] = {
		{ "[]", "spec" },
		{ "{}", "program" },
		{ "{\"argv\":\"x\"}", "spec.argv" },
		{ "{\"argv\":[1]}", "spec.argv[0]" },
		{ "{\"argv\":[\"x\"],\"profile\":\"root\"}", "profile" },
		{ "{\"argv\":[\"x\"],\"schema\":2}", "spec.schema" },
		{ "{\"argv\":[\"x\"],\"limits\":{\"memory\":[]}}", "spec.limits.memory" },
		{ "{\"argv\":[\"x\"],\"env\":[\"A\"]}", "spec.env[0]" },
		{ "{\"argv\":[\"x\"],\"binds\":[{\"inside\":\"/a\",\"outside\":\"b\"}]}", "spec.binds[0]" },
		{ "{\"argv\":[\"x\"],\"binds\":{}}", "spec.binds" },
		{ "{\"argv\":[\"x\"],\"permissive\":1}", "spec.permissive" },
		{ "{\"argv\":[\"x\"],\"chdir\":\"rel\"}", "chdir" },
		{ "{\"argv\":[\"x\"],\"box\":\"../x\"}", "box id" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		autoarena struct arena a = { 0 };
		struct spec s = { .nbinds = 99 };
		struct err e = { 0 };
		autojson json_t *j = json_loads(bad[i][0], 0, NULL);
		assert_non_null(j);
		assert_true(spec_from_json(j, NULL, &a, &s, &e) < 0);
		assert_non_null(strstr(e.text, bad[i][1]));
		assert_int_equal(s.nbinds, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binds_are_taken_apart),
		cmocka_unit_test(bad_binds_are_refused_in_one_line),
		cmocka_unit_test(the_same_inside_twice_is_refused),
		cmocka_unit_test(the_environment_is_only_what_was_asked),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(bad_json_is_refused_with_its_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
