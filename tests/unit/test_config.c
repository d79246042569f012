/* The reader of /etc/rustbox/config.json: each mistake names the place, what was expected and what was there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "sandbox/box/config.h"

static int read_text(const char *text, struct arena *a, struct config *ret, struct err *e)
{
	autojson json_t *obj = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(obj);
	return config_from_json(obj, a, ret, e);
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *text, *path, *expected, *got;
	} rows[] = {
		{ "[]", "config", "an object", "an array" },
		{ "{\"boxs\": 3}", "config", "boxes", "'boxs'" },
		{ "{\"\\u001b[31m\": 3}", "config", "slots", "\\x1b[31m" },
		{ "{\"schema\": 2}", "schema", "1", "2" },
		{ "{\"schema\": \"1\"}", "schema", "whole number", "string" },
		{ "{\"boxes\": 0}", "boxes", "from 1 to 128", "one outside" },
		{ "{\"boxes\": 129}", "boxes", "from 1 to 128", "one outside" },
		{ "{\"boxes\": -1}", "boxes", "from 1 to 128", "one outside" },
		{ "{\"boxes\": 1.5}", "boxes", "a number", "a real" },
		{ "{\"slots\": \"3\"}", "slots", "a number", "a string" },
		{ "{\"slots\": null}", "slots", "a number", "null" },
		{ "{\"slots\": []}", "slots", "a number", "an array" },
		{ "{\"limits\": 3}", "limits", "object", "integer" },
		{ "{\"limits\": {\"memry\": \"1G\"}}", "limits", "memry", "memry" },
		{ "{\"limits\": {\"memory\": true}}", "limits.memory", "", "" },
		{ "{\"limits\": {\"memory\": \"lots\"}}", "limits.memory", "", "lots" },
		{ "{\"limits\": {\"time\": \"-1s\"}}", "limits.time", "", "-1s" },
		{ "{\"ceilings\": {\"cpus\": {}}}", "ceilings.cpus", "", "" },
		{ "{\"profiles\": []}", "profiles", "an object", "an array" },
		{ "{\"profiles\": {\"jugde\": {}}}", "profiles", "judge, agent", "'jugde'" },
		{ "{\"profiles\": {\"judge\": 5}}", "profiles.judge", "object", "integer" },
		{ "{\"profiles\": {\"judge\": {\"swap\": []}}}", "profiles.judge.swap", "", "" },
		{ "{\"languages\": []}", "languages", "an object", "an array" },
		{ "{\"languages\": {\"c\": 1}}", "languages.c", "an object", "an integer" },
		{ "{\"languages\": {\"c\": {\"cmd\": \"gcc\"}}}", "languages.c", "compile", "'cmd'" },
		{ "{\"languages\": {\"c\": {\"run\": 1}}}", "languages.c.run", "a string or an array of words", "an integer" },
		{ "{\"languages\": {\"c\": {\"file\": [\"a\"]}}}", "languages.c.file", "a string", "an array" },
		{ "{\"languages\": {\"c\": {\"run\": [\"a b\"]}}}", "languages.c.run[0]", "without ' '", "one with it" },
		{ "{\"languages\": {\"c\": {\"run\": [1]}}}", "languages.c.run[0]", "a word", "an integer" },
		{ "{\"languages\": {\"new\": {}}}", "languages.new", "a file name and a run command", "none" },
		{ "{\"languages\": {\"c\": {\"file\": \"../x\"}}}", "languages.c", "a file name", "" },
		{ "{\"languages\": {\"c\": {\"least\": \"nothing=3\"}}}", "languages.c.least", "", "nothing" },
		{ "{\"languages\": {\"a/b\": {}}}", "languages", "a name", "another" },
	};
	int bad = 0;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		autoarena struct arena a = { 0 };
		struct config c = { .slots = 77 };
		struct err e = { 0 };
		int r = read_text(rows[i].text, &a, &c, &e);
		if (r != -EINVAL || !strstr(e.text, rows[i].path) || !strstr(e.text, rows[i].expected) || !strstr(e.text, rows[i].got) ||
		    strchr(e.text, '\x1b'))
			print_error("%s: %d, '%s'\n", rows[i].text, r, e.text), bad++;
		assert_int_equal(c.slots, 77); /* untouched */
	}
	assert_int_equal(bad, 0);
}

static void test_defaults_and_overrides(void **state)
{
	autoarena struct arena a = { 0 };
	struct config c;
	struct err e;
	struct limits judge;
	(void)state;
	limits_default(PROFILE_JUDGE, &judge);
	assert_int_equal(config_from_json(NULL, &a, &c, &e), 0);
	assert_memory_equal(&c.profiles[PROFILE_JUDGE], &judge, sizeof judge);
	assert_int_equal(c.slots, UID_POOL);
	assert_int_equal(c.kept_boxes, UID_POOL);
	assert_int_equal(c.nlanguages, language_row_count);
	assert_int_equal(read_text("{\"schema\": 1, \"boxes\": 2, \"slots\": 128,"
				   "\"limits\": {\"memory\": \"1G\"}, \"profiles\": {\"judge\": {\"memory\": \"64M\"}},"
				   "\"ceilings\": {\"memory\": \"512M\"},"
				   "\"languages\": {\"lua\": {\"file\": \"main.lua\", \"run\": [\"lua\", \"main.lua\"]}}}", &a, &c, &e), 0);
	assert_int_equal(c.kept_boxes, 2);
	assert_int_equal(c.slots, 128);
	assert_int_equal(c.profiles[PROFILE_JUDGE].of[LIMIT_MEMORY], 64 << 20); /* the profile's own wins */
	assert_int_equal(c.profiles[PROFILE_AGENT].of[LIMIT_MEMORY], 1 << 30);
	assert_string_equal(config_language(&c, "lua")->run, "lua main.lua");
	assert_null(config_language(&c, "perl"));
	assert_int_equal(config_check(&c, &c.profiles[PROFILE_JUDGE], &e), 0);
	assert_int_equal(config_check(&c, &c.profiles[PROFILE_AGENT], &e), -EINVAL);
	assert_non_null(strstr(e.text, "--mem 1G is over this host's ceiling of 512M"));
}

/* The file itself: none, garbage, cut, twice the same key, and one that others can write. */
static void test_file(void **state)
{
	static const char *const garbage[] = { "", "{", "{\"slots\": 1, \"slots\": 2}", "\x1b[31m", "null", "{\"slots\": 1} more" };
	char root[] = "/tmp/rbt-config-XXXXXX", dir[64];
	autoarena struct arena a = { 0 };
	struct paths p;
	struct config c;
	struct err e;
	(void)state;
	assert_non_null(mkdtemp(root));
	assert_int_equal(paths_init(&p, root, &e), 0);
	assert_int_equal(config_load(&p, &a, &c, &e), 0);
	(void)snprintf(dir, sizeof dir, "%s/etc", root);
	assert_int_equal(mkdir(dir, 0755), 0);
	(void)snprintf(dir, sizeof dir, "%s/etc/rustbox", root);
	assert_int_equal(mkdir(dir, 0755), 0);
	for (size_t i = 0; i <= sizeof garbage / sizeof garbage[0]; i++) {
		bool open = i == sizeof garbage / sizeof garbage[0];
		FILE *f = fopen(p.of[PATH_CONFIG], "we");
		assert_non_null(f);
		assert_true(fputs(open ? "{}" : garbage[i], f) >= 0);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(chmod(p.of[PATH_CONFIG], open ? 0666 : 0644), 0);
		if (open && geteuid() != 0)
			break;
		assert_int_equal(config_load(&p, &a, &c, &e), -EINVAL);
		assert_non_null(strstr(e.text, p.of[PATH_CONFIG]));
	}
	assert_int_equal(unlink(p.of[PATH_CONFIG]), 0);
	assert_int_equal(rmdir(dir), 0);
	(void)snprintf(dir, sizeof dir, "%s/etc", root);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_mistakes), cmocka_unit_test(test_defaults_and_overrides),
					    cmocka_unit_test(test_file) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
