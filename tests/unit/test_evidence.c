/* Evidence survives the trip through JSON exactly, or the trip fails: a replay must see the same facts. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <errno.h>

#include "probes/base/json.h"
#include "sandbox/policy/evidence.h"
#include "sandbox/policy/stages.h"

static struct evidence full(void)
{
	struct evidence ev = {
		.applied = STAGES_ALL, .failed_stage = STAGE_EXEC, .failed_err = ENOENT, .waited = true, .wstatus = 0x8b,
		.usage = { 1, 2, 3, 4, 5 }, .cg = { 6, 7, 8, 9, 10, 11 }, .wall_ns = 12,
		.kills = KILL_BIT(KILL_WALL) | KILL_BIT(KILL_REST),
		.out = { .kept = 13, .total = 14, .closed_early = true }, .err = { .kept = 15, .total = 16 },
		.gaps = SOURCE_BIT(SOURCE_PIDS) | SOURCE_BIT(SOURCE_CLOCK), .contained = true, .fd_peak = 17, .signals_peak = 18,
	};
	(void)err_say(&ev.trouble, EIO, "poll \"x\"");
	return ev;
}

static void there_and_back_is_the_same(void **state)
{
	struct evidence ev = full(), back;
	struct err e = { 0 };
	(void)state;
	autojson json_t *j = evidence_to_json(&ev);
	assert_int_equal(evidence_from_json(j, &back, &e), 0);
	assert_int_equal(back.applied, ev.applied);
	assert_int_equal(back.failed_stage, ev.failed_stage);
	assert_int_equal(back.failed_err, ev.failed_err);
	assert_int_equal(back.wstatus, ev.wstatus);
	assert_true(back.waited && back.contained && back.out.closed_early && !back.err.closed_early);
	assert_memory_equal(&back.usage, &ev.usage, sizeof ev.usage);
	assert_memory_equal(&back.cg, &ev.cg, sizeof ev.cg);
	assert_int_equal(back.wall_ns, 12);
	assert_int_equal(back.kills, ev.kills);
	assert_int_equal(back.gaps, ev.gaps);
	assert_int_equal(back.out.total, 14);
	assert_int_equal(back.err.kept, 15);
	assert_int_equal(back.fd_peak, 17);
	assert_int_equal(back.signals_peak, 18);
	assert_int_equal(back.trouble.code, EIO);
	assert_string_equal(back.trouble.text, ev.trouble.text);
}

static void nothing_seen_is_all_gaps(void **state)
{
	struct evidence ev, back;
	struct err e = { 0 };
	(void)state;
	evidence_init(&ev);
	assert_int_equal(ev.gaps, (1u << SOURCE_COUNT) - 1);
	assert_int_equal(ev.failed_stage, -1);
	autojson json_t *j = evidence_to_json(&ev);
	assert_int_equal(evidence_from_json(j, &back, &e), 0);
	assert_false(back.waited);
	assert_int_equal(back.failed_stage, -1);
}

/* Each key taken away or given a wrong type: an error that names it, and the output untouched. */
static void every_field_is_needed_and_typed(void **state)
{
	struct evidence ev = full();
	autojson json_t *j = evidence_to_json(&ev);
	const char *key;
	json_t *value;
	void *next;
	unsigned tried = 0;
	(void)state;
	json_object_foreach_safe(j, next, key, value) {
		struct evidence back = { .wall_ns = 77 };
		struct err e = { 0 };
		if (strcmp(key, "wait_text") == 0)
			continue;
		autojson json_t *broken = json_deep_copy(j);
		(void)json_object_set_new(broken, key, json_pack("{s:i}", "x", 1));
		assert_true(evidence_from_json(broken, &back, &e) < 0);
		assert_non_null(strstr(e.text, key));
		assert_int_equal(back.wall_ns, 77);
		tried++;
	}
	assert_true(tried > 25);
}

static void words_of_another_version_are_refused(void **state)
{
	struct evidence ev = full(), back;
	struct err e = { 0 };
	(void)state;
	autojson json_t *j = evidence_to_json(&ev);
	(void)json_object_set_new(j, "kills", json_pack("[s]", "boredom"));
	assert_true(evidence_from_json(j, &back, &e) < 0);
	assert_non_null(strstr(e.text, "kills"));
}

static void cpu_is_what_the_better_source_saw(void **state)
{
	struct evidence ev = { .usage = { .user_ns = 5, .system_ns = 5 }, .cg = { .cpu_ns = 30 } };
	(void)state;
	assert_int_equal(evidence_cpu_ns(&ev), 30);
	ev.gaps = SOURCE_BIT(SOURCE_CPU);
	assert_int_equal(evidence_cpu_ns(&ev), 10);
	ev.gaps |= SOURCE_BIT(SOURCE_USAGE);
	assert_int_equal(evidence_cpu_ns(&ev), 0);
}

static void integrity_says_how_the_output_ended(void **state)
{
	struct evidence ev = { .waited = true, .out = { .data = "x", .kept = 1, .total = 1 } };
	(void)state;
	assert_int_equal(evidence_integrity(&ev, &ev.out), INTEGRITY_COMPLETE);
	ev.out.total = 2;
	assert_int_equal(evidence_integrity(&ev, &ev.out), INTEGRITY_TRUNCATED);
	ev.out.total = 1;
	ev.out.closed_early = true;
	assert_int_equal(evidence_integrity(&ev, &ev.out), INTEGRITY_CLOSED_EARLY);
	ev.wstatus = 11;
	assert_int_equal(evidence_integrity(&ev, &ev.out), INTEGRITY_CRASH);
	ev.wstatus = 0;
	ev.kills = KILL_BIT(KILL_WALL);
	assert_int_equal(evidence_integrity(&ev, &ev.out), INTEGRITY_CRASH);
	ev.kills = KILL_BIT(KILL_REST);
	ev.out.closed_early = false;
	assert_int_equal(evidence_integrity(&ev, &ev.out), INTEGRITY_COMPLETE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back_is_the_same),
		cmocka_unit_test(nothing_seen_is_all_gaps),
		cmocka_unit_test(every_field_is_needed_and_typed),
		cmocka_unit_test(words_of_another_version_are_refused),
		cmocka_unit_test(cpu_is_what_the_better_source_saw),
		cmocka_unit_test(integrity_says_how_the_output_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
