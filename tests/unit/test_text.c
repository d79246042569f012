/* Text: what is shown is never obeyed, what is parsed is parsed whole. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/base/text.h"

static void hostile_bytes_are_shown_not_obeyed(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain", "plain" },
		{ "caf\xc3\xa9", "caf\xc3\xa9" },
		{ "\x1b[2J", "\\x1b[2J" },
		{ "a\nb\tc\rd\\e", "a\\nb\\tc\\rd\\\\e" },
		{ "\x7f\x01", "\\x7f\\x01" },
		{ "\xc2\x9b" "31m", "\\x9b31m" },		  /* C1 CSI */
		{ "\xe2\x80\xae" "evil", "\\u202eevil" },	  /* right-to-left override */
		{ "\xef\xbb\xbf", "\\ufeff" },			  /* byte order mark */
		{ "\xff\xfe", "\\xff\\xfe" },			  /* not UTF-8 */
		{ "\xc0\xaf", "\\xc0\\xaf" },			  /* overlong '/' */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		  /* surrogate */
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char out[100];
		assert_string_equal(text_escape(cases[i].in, out, sizeof out), cases[i].out);
		assert_int_equal(text_is_plain(cases[i].in), strcmp(cases[i].in, cases[i].out) == 0);
	}
}

static void building_never_overflows(void **state)
{
	char buf[8];
	struct text t = TEXT_ON(buf);
	(void)state;
	buf[0] = '\0';
	text_add(&t, "%s", "1234");
	assert_false(t.cut);
	text_add(&t, "%s", "567890");
	assert_true(t.cut);
	assert_string_equal(buf, "1234567");
	text_add_escaped(&t, "\x1b");
	assert_string_equal(buf, "1234567");
}

static void sizes(void **state)
{
	static const struct {
		const char *in;
		int rc;
		uint64_t out;
	} cases[] = {
		{ "64M", 0, 64ull << 20 }, { "1.5G", 0, 3ull << 29 }, { "4096", 0, 4096 }, { "2kb", 0, 2048 },
		{ "0", 0, 0 },		   { "1TiB", 0, 1ull << 40 }, { "", -EINVAL, 0 },  { "-1", -EINVAL, 0 },
		{ "12Q", -EINVAL, 0 },	   { "nan", -EINVAL, 0 },     { "inf", -EINVAL, 0 }, { "0x10", -EINVAL, 0 },
		{ "1e30", -ERANGE, 0 },	   { "9999999T", -ERANGE, 0 }, { " 1", -EINVAL, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = { 0 };
		uint64_t v = 7;
		assert_int_equal(text_parse_size(cases[i].in, 1, &v, &e), cases[i].rc);
		assert_int_equal(v, cases[i].rc ? 7 : cases[i].out); /* untouched on failure */
		assert_int_equal(e.code, -cases[i].rc);
	}
}

static void durations(void **state)
{
	uint64_t v = 0;
	(void)state;
	assert_int_equal(text_parse_duration("1.5s", &v, NULL), 0);
	assert_int_equal(v, 1500000000);
	assert_int_equal(text_parse_duration("500ms", &v, NULL), 0);
	assert_int_equal(v, 500000000);
	assert_int_equal(text_parse_duration("2", &v, NULL), 0);
	assert_int_equal(v, 2000000000);
	assert_int_equal(text_parse_duration("1d", &v, NULL), 0);
	assert_int_equal(v, 86400000000000);
	assert_int_equal(text_parse_duration("1 s", &v, NULL), -EINVAL);
	assert_int_equal(text_parse_duration("ms", &v, NULL), -EINVAL);
}

static void box_names(void **state)
{
	char long_name[70];
	(void)state;
	memset(long_name, 'a', sizeof long_name);
	long_name[64] = '\0';
	assert_true(text_is_box_name(long_name));
	long_name[64] = 'a';
	long_name[65] = '\0';
	assert_false(text_is_box_name(long_name));
	assert_true(text_is_box_name("a-B_9"));
	assert_false(text_is_box_name(""));
	assert_false(text_is_box_name("a.b"));
	assert_false(text_is_box_name("a/b"));
	assert_false(text_is_box_name(".."));
	assert_false(text_is_box_name("a\nb"));
}

static void numbers_for_people(void **state)
{
	char out[16];
	(void)state;
	text_size(402ull << 20, out, sizeof out);
	assert_string_equal(out, "402M");
	text_size(1536, out, sizeof out);
	assert_string_equal(out, "1.5K");
	text_age(14 * 60, out, sizeof out);
	assert_string_equal(out, "14m");
	text_age(3 * 86400 + 4 * 3600, out, sizeof out);
	assert_string_equal(out, "3d04h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_bytes_are_shown_not_obeyed), cmocka_unit_test(building_never_overflows),
		cmocka_unit_test(sizes),			      cmocka_unit_test(durations),
		cmocka_unit_test(box_names),			      cmocka_unit_test(numbers_for_people),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
