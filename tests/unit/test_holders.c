/* Holders as JSON: every hold survives, garbage does not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/holders.h"

static void round_trip(void **state)
{
	autoarena struct arena a = { 0 };
	const struct resource of = { .kind = RES_MOUNT, .id = "2147483700", .name = "/tmp/rustbox-a/root" };
	struct holder v[HOLD_COUNT] = { 0 };
	struct holders in = { .v = v, .n = HOLD_COUNT, .complete = false }, out;
	(void)state;
	(void)err_say(&in.why, EACCES, "hidden by permissions: 3 processes");
	for (int i = 0; i < HOLD_COUNT; i++)
		v[i] = (struct holder){ .hold = (enum hold)i, .pid = i, .start_ticks = 9, .fd = i == HOLD_FD ? 4 : -1,
					.uid = 61000, .state = 'S', .mnt_ns = 77, .you = i == 0, .exact = i == 1,
					.deleted = i == 2, .same_ns = i == 3, .owner = OWNER_LEAK, .comm = "sh",
					.cmdline = "sh -c x", .box = "a", .detail = "d", .wchan = "w" };
	autojson json_t *j = holders_to_json(&of, &in);
	assert_int_equal(holders_from_json(j, &a, &out, NULL), 0);
	assert_int_equal(out.n, HOLD_COUNT);
	assert_false(out.complete);
	assert_string_equal(out.why.text, in.why.text);
	for (int i = 0; i < HOLD_COUNT; i++) {
		assert_int_equal(out.v[i].hold, i);
		assert_int_equal(out.v[i].pid, i);
		assert_int_equal(out.v[i].fd, v[i].fd);
		assert_int_equal(out.v[i].you, v[i].you);
		assert_int_equal(out.v[i].exact, v[i].exact);
		assert_int_equal(out.v[i].deleted, v[i].deleted);
		assert_int_equal(out.v[i].same_ns, v[i].same_ns);
		assert_int_equal(out.v[i].mnt_ns, 77);
		assert_string_equal(out.v[i].box, "a");
		assert_string_equal(out.v[i].cmdline, "sh -c x");
	}
}

static void garbage(void **state)
{
	static const char *const bad[] = {
		"[]", "{}", "{\"holders\":3}", "{\"holders\":[1]}",
		"{\"holders\":[{\"hold\":\"grip\",\"owner\":\"leak\",\"pid\":1}]}",
		"{\"holders\":[{\"hold\":\"cwd\",\"owner\":\"leak\",\"pid\":-1}]}",
		"{\"holders\":[{\"hold\":\"cwd\",\"owner\":\"leak\",\"pid\":99999999999}]}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		autoarena struct arena a = { 0 };
		struct holders h = { .n = 5 };
		struct err e = { 0 };
		autojson json_t *j = json_loads(bad[i], 0, NULL);
		assert_true(holders_from_json(j, &a, &h, &e) < 0);
		assert_int_equal(h.n, 5);
		assert_true(strlen(e.text) > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(round_trip), cmocka_unit_test(garbage) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
