/* Runbook pages: our own parses whole, malformed steps are refused by name, garbage never crashes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/runbook.h"

static void test_our_page(void **state)
{
	(void)state;
	autoarena struct arena a = { 0 };
	autofree char *text = NULL;
	struct runbook b = { 0 };
	struct err e = { 0 };
	assert_true(kfile_read_all(AT_FDCWD, "runbooks/cleanup-failure.md", &text) > 0);
	if (runbook_parse("cleanup-failure", text, &a, &b, &e) != 0)
		fail_msg("%s", e.text);
	assert_int_equal(b.n, 6);
	for (size_t i = 0; i < b.n; i++) {
		assert_int_equal(b.v[i].number, i + 1);
		assert_true(b.v[i].kinds != 0);
		assert_true(b.v[i].nsteps >= 4);
		for (size_t s = 0; s < b.v[i].nsteps; s++) {
			assert_non_null(b.v[i].steps[s].original);
			assert_non_null(b.v[i].steps[s].why);
			assert_true(strlen(b.v[i].steps[s].brief) > 0);
		}
	}
	const struct step *unmount = &b.v[1].steps[1];
	assert_int_equal(unmount->verb, VERB_DO);
	assert_int_equal(unmount->nwords, 4);
	assert_string_equal(unmount->words[3], "{mount}");
	assert_string_equal(unmount->brief, "Unmount");
	assert_int_equal(unmount->kinds, 1u << RES_MOUNT);
	assert_int_equal(b.v[1].steps[5].verb, VERB_DO_DRASTIC);
	assert_int_equal(b.v[5].steps[2].verb, VERB_TELL);
	assert_null(strstr(unmount->say, "reclaim"));
}

static void test_refusals(void **state)
{
	(void)state;
	static const struct {
		const char *step, *says;
	} cases[] = {
		{ "1. Go. `do rm -rf /tmp`", "only run rustbox" },
		{ "1. Go. `do rustbox reclaim mount {mount} ; reboot`", "shell" },
		{ "1. Go. `do rustbox`", "only run rustbox" },
		{ "1. Go. `do`", "not to what" },
		{ "1. Go. `perform rustbox health`", "none of look" },
		{ "1. Go. `look rustbox reclaim mount x`", "commands that read" },
		{ "1. Go. `look rustbox health --unquarantine`", "commands that read" },
		{ "1. Go. `look rustbox health --verify-clean extra`", "commands that read" },
		{ "1. Go. `check weather`", "no kind" },
		{ "1. `look mounts`", "says nothing" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		autoarena struct arena a = { 0 };
		struct runbook b = { .n = 77 };
		struct err e = { 0 };
		char page[400];
		(void)snprintf(page, sizeof page, "# T\n\n### Procedure 4: P\n\n%s\n", cases[i].step);
		assert_int_equal(runbook_parse("page", page, &a, &b, &e), -EBADMSG);
		assert_int_equal(b.n, 77); /* untouched */
		assert_non_null(strstr(e.text, "runbook page, procedure 4, step 1"));
		if (!strstr(e.text, cases[i].says))
			fail_msg("%s: said '%s'", cases[i].step, e.text);
	}
}

static void test_prose_is_no_step(void **state)
{
	(void)state;
	autoarena struct arena a = { 0 };
	struct runbook b = { 0 };
	struct err e = { 0 };
	const char *page = "# Title\n\n1. `rm -rf /`\n\n## Procedures\n\n### Procedure 1: One\n\nApplies to: mounts.\n\n"
			   "1. Use `x` in the middle and go on.\n2. **Two words** then.\n\n### Other\n\n1. `rm`\n";
	assert_int_equal(runbook_parse("p", page, &a, &b, &e), 0);
	assert_string_equal(b.title, "Title");
	assert_int_equal(b.n, 1);
	assert_int_equal(b.v[0].nsteps, 2);
	assert_int_equal(b.v[0].steps[0].verb, VERB_TELL);
	assert_string_equal(b.v[0].steps[1].brief, "Two words");
}

static void test_garbage(void **state)
{
	(void)state;
	unsigned seed = 41;
	static const char *const bits[] = { "### Procedure 1: x\n", "1. ", "`", "do! rustbox ", "{mount}", "\n\n", "   - Why: ",
					    "look ", "mounts", "\xff\xfe", "**", "> ", "# ", "\t", "Applies to: mounts\n", "<b>", "&amp;" };
	for (int round = 0; round < 4000; round++) {
		autoarena struct arena a = { 0 };
		struct runbook b = { 0 };
		struct err e = { 0 };
		char page[1200] = "";
		for (int k = 0; k < 40; k++) {
			seed = seed * 1103515245u + 12345u;
			strcat(page, bits[(seed >> 16) % (sizeof bits / sizeof bits[0])]);
		}
		if (runbook_parse("g", page, &a, &b, &e) != 0)
			assert_true(e.text[0] != '\0');
		else
			for (size_t i = 0; i < b.n; i++)
				for (size_t s = 0; s < b.v[i].nsteps; s++)
					assert_true(b.v[i].steps[s].verb < VERB_DO || strcmp(b.v[i].steps[s].words[0], "rustbox") == 0);
	}
}

static void test_every_page(void **state)
{
	(void)state;
	glob_t found;
	assert_int_equal(glob("runbooks/*.md", 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 2);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		autoarena struct arena a = { 0 };
		autofree char *text = NULL;
		struct runbook b = { 0 };
		struct err e = { 0 };
		assert_true(kfile_read_all(AT_FDCWD, found.gl_pathv[i], &text) > 0);
		if (runbook_parse(found.gl_pathv[i], text, &a, &b, &e) != 0)
			fail_msg("%s", e.text);
		for (size_t n = 0; n < b.n; n++)
			for (size_t s = 0; s < b.v[n].nsteps; s++)
				if (!b.v[n].steps[s].why) /* the walkthrough has nothing to teach there */
					fail_msg("%s: P%u step %zu says no Why", b.name, b.v[n].number, s + 1);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_our_page),
		cmocka_unit_test(test_every_page),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_prose_is_no_step),
		cmocka_unit_test(test_garbage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
