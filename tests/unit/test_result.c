/* The result object: the fields that were promised, and a verdict that comes out the same when replayed. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <errno.h>
#include <stdlib.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "sandbox/box/result.h"

static struct outcome finished(void)
{
	struct outcome o = { .started = true };
	limits_default(PROFILE_JUDGE, &o.plan.limits);
	o.plan.box = "b1";
	o.plan.configured = STAGES_ALL;
	strcpy(o.plan.envelope, "00");
	o.evidence = (struct evidence){ .applied = STAGES_ALL, .failed_stage = -1, .waited = true, .wstatus = 3 << 8,
					.wall_ns = 1500000, .contained = true, .cg = { .cpu_ns = 1000000, .memory_peak = 4096 },
					.out = { .data = "hi\n", .kept = 3, .total = 3 } };
	o.verdict = verdict_of(&o.evidence, &o.plan.limits);
	return o;
}

static void promised_fields_are_there(void **state)
{
	static const char *const fields[] = { "schema", "status", "verdict", "exit_code", "signal", "cpu_time", "wall_time",
		"memory_peak", "limits", "controls", "output", "cleanup", "evidence", "box", "worker", "envelope" };
	struct outcome o = finished();
	struct result_extra extra = { .worker = "w1", .timings = true };
	(void)state;
	autojson json_t *j = result_to_json(&o, &extra);
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
		assert_non_null(json_object_get(j, fields[i]));
	assert_string_equal(json_string_value(json_object_get(j, "status")), "RE");
	assert_int_equal(json_integer_value(json_object_get(j, "exit_code")), 3);
	assert_true(json_is_null(json_object_get(j, "signal")));
	assert_int_equal(json_integer_value(json_object_get(j, "memory_peak")), 4096);
	json_t *out = json_object_get(j, "output");
	assert_string_equal(json_string_value(json_object_get(out, "stdout")), "hi\n");
	assert_true(json_is_null(json_object_get(out, "stderr")));
	assert_string_equal(json_string_value(json_object_get(json_object_get(out, "integrity"), "stdout")), "complete");
	assert_int_equal(json_object_size(json_object_get(j, "timings_ms")), PHASE_COUNT);
	autofree char *line = json_dumps(j, JSON_COMPACT);
	assert_null(strchr(line, '\n'));
}

static void bytes_that_are_no_text_are_kept_exactly(void **state)
{
	struct outcome o = finished();
	struct result_extra extra = { 0 };
	(void)state;
	o.evidence.out = (struct stream){ .data = "\xff\x00\x01z", .kept = 4, .total = 4 };
	autojson json_t *j = result_to_json(&o, &extra);
	json_t *out = json_object_get(j, "output");
	assert_string_equal(json_string_value(json_object_get(out, "stdout")), "/wABeg==");
	assert_string_equal(json_string_value(json_object_get(json_object_get(out, "encoding"), "stdout")), "base64");
	assert_string_equal(json_string_value(json_object_get(json_object_get(out, "encoding"), "stderr")), "utf-8");
}

static void what_was_not_journalled_is_missing(void **state)
{
	struct outcome o = finished();
	struct result_extra extra = { 0 };
	(void)state;
	o.evidence.applied &= ~STAGE_BIT(STAGE_SECCOMP);
	autojson json_t *j = result_to_json(&o, &extra);
	json_t *missing = json_object_get(json_object_get(j, "controls"), "missing");
	assert_int_equal(json_array_size(missing), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(missing, 0), "control")), "seccomp");
}

static void a_stored_result_replays_to_its_verdict(void **state)
{
	(void)state;
	for (int wstatus = 0; wstatus < 0x1000; wstatus += 7) {
		autoarena struct arena a = { 0 };
		struct outcome o = finished();
		struct result_extra extra = { 0 };
		struct stored_result r;
		struct err e = { 0 };
		o.evidence.wstatus = wstatus;
		o.evidence.gaps = (uint32_t)(wstatus % 5 == 0) << SOURCE_MEMORY;
		o.verdict = verdict_of(&o.evidence, &o.plan.limits);
		autojson json_t *j = result_to_json(&o, &extra);
		autofree char *text = json_dumps(j, 0);
		autojson json_t *again = json_loads(text, 0, NULL);
		assert_int_equal(result_from_json(again, &a, &r, &e), 0);
		assert_int_equal(verdict_of(&r.evidence, &r.limits).cause, o.verdict.cause);
		assert_string_equal(r.status, status_word(o.verdict.status));
	}
}

static void garbage_is_refused(void **state)
{
	static const char *const bad[] = { "[]", "{}", "{\"schema\":2}", "{\"schema\":1,\"status\":\"OK\"}",
		"{\"schema\":1,\"status\":\"OK\",\"verdict\":{\"cause\":\"x\"},\"limits\":{},\"evidence\":{}}" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		autoarena struct arena a = { 0 };
		struct stored_result r;
		struct err e = { 0 };
		autojson json_t *j = json_loads(bad[i], 0, NULL);
		assert_true(result_from_json(j, &a, &r, &e) < 0);
		assert_true(strlen(e.text) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promised_fields_are_there),
		cmocka_unit_test(bytes_that_are_no_text_are_kept_exactly),
		cmocka_unit_test(what_was_not_journalled_is_missing),
		cmocka_unit_test(a_stored_result_replays_to_its_verdict),
		cmocka_unit_test(garbage_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
