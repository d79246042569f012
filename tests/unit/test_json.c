/* Typed reads from JSON: errors name path, expectation and what was there. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/base/json.h"

static void wrong_types_are_named(void **state)
{
	autojson json_t *j = json_pack("{s:s,s:i,s:i,s:n,s:[]}", "s", "text", "neg", -1, "n", 5, "null", "arr");
	autoarena struct arena a = { 0 };
	struct err e = { 0 };
	const char *s = "kept";
	uint64_t v = 77;
	bool b = true;
	(void)state;
	assert_int_equal(json_need_str(j, "box", "n", &a, &s, &e), -EINVAL);
	assert_string_equal(e.text, "box.n: expected a string, got an integer");
	assert_string_equal(s, "kept");
	assert_int_equal(json_need_u64(j, "box", "neg", &v, &e), -EINVAL);
	assert_int_equal(json_need_u64(j, "box", "missing", &v, &e), -EINVAL);
	assert_non_null(strstr(e.text, "box.missing"));
	assert_int_equal(v, 77);
	assert_int_equal(json_opt_u64(j, "box", "missing", &v, &e), 0);
	assert_int_equal(json_opt_u64(j, "box", "null", &v, &e), 0);
	assert_int_equal(v, 77);
	assert_int_equal(json_opt_u64(j, "box", "n", &v, &e), 0);
	assert_int_equal(v, 5);
	assert_int_equal(json_opt_bool(j, "box", "arr", &b, &e), -EINVAL);
	assert_true(b);
}

static void any_bytes_become_text(void **state)
{
	autojson json_t *good = json_text("caf\xc3\xa9"), *bad = json_text("\xff\x1b"), *none = json_text(NULL);
	(void)state;
	assert_string_equal(json_string_value(good), "caf\xc3\xa9");
	assert_string_equal(json_string_value(bad), "\\xff\\x1b");
	assert_true(json_is_null(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_types_are_named),
		cmocka_unit_test(any_bytes_become_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
