/* Limits: one table, and everything it turns into. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <sys/resource.h>

#include "probes/base/json.h"
#include "probes/host.h"
#include "sandbox/policy/limits.h"

static void values_parse_and_come_back(void **state)
{
	static const struct {
		enum limit limit;
		const char *text;
		uint64_t value;
		const char *shown;
	} cases[] = {
		{ LIMIT_MEMORY, "64M", 64ull << 20, "64M" },
		{ LIMIT_MEMORY, "1.5G", 1536ull << 20, "1536M" },
		{ LIMIT_MEMORY, "2000000", 2000000, "2000000" },
		{ LIMIT_TIME, "1.5s", 1500000000, "1.5s" },
		{ LIMIT_TIME, "500ms", 500000000, "500ms" },
		{ LIMIT_TIME, "2", 2000000000, "2s" },
		{ LIMIT_WALL_TIME, "none", LIMIT_NONE, "none" },
		{ LIMIT_EXTRA_TIME, "0", 0, "0s" },
		{ LIMIT_PROCESSES, "10", 10, "10" },
		{ LIMIT_CPUS, "0.5", 500, "0.5" },
		{ LIMIT_CPUS, "2", 2000, "2" },
		{ LIMIT_CPU_WEIGHT, "10000", 10000, "10000" },
		{ LIMIT_CPUSET, "0-1,3", 0xb, "0-1,3" },
		{ LIMIT_CPUSET, "63", 1ull << 63, "63" },
		{ LIMIT_SWAP, "0", 0, "0" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t v = 7, again = 7;
		struct err e = { 0 };
		char shown[200];
		assert_int_equal(limit_parse(cases[i].limit, cases[i].text, &v, &e), 0);
		assert_int_equal(v, cases[i].value);
		assert_string_equal(limit_format(cases[i].limit, v, shown, sizeof shown), cases[i].shown);
		assert_int_equal(limit_parse(cases[i].limit, shown, &again, &e), 0);
		assert_int_equal(again, v);
	}
}

static void garbage_is_refused_with_the_flag_named(void **state)
{
	static const struct {
		enum limit limit;
		const char *text;
	} cases[] = {
		{ LIMIT_MEMORY, "" }, { LIMIT_MEMORY, "-1" }, { LIMIT_MEMORY, "64X" }, { LIMIT_MEMORY, "0" },
		{ LIMIT_MEMORY, "nan" }, { LIMIT_MEMORY, "0x10" }, { LIMIT_TIME, "fast" }, { LIMIT_TIME, "0" },
		{ LIMIT_TIME, "1.5parsec" }, { LIMIT_PROCESSES, "0" }, { LIMIT_PROCESSES, "1.5" },
		{ LIMIT_PROCESSES, "99999999999" }, { LIMIT_CPUS, "0" }, { LIMIT_CPUS, "1e9" }, { LIMIT_CPUS, "." },
		{ LIMIT_CPU_WEIGHT, "0" }, { LIMIT_CPU_WEIGHT, "10001" }, { LIMIT_CPUSET, "" }, { LIMIT_CPUSET, "1-0" },
		{ LIMIT_CPUSET, "0," }, { LIMIT_CPUSET, "64" }, { LIMIT_CPUSET, "a" }, { LIMIT_CPUSET, "0--1" },
		{ LIMIT_CPUSET, "+1" }, { LIMIT_CPUSET, "0-1x" }, { LIMIT_OPEN_FILES, "3" }, { LIMIT_MEMORY, "1e40" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint64_t v = 7;
		struct err e = { 0 };
		assert_true(limit_parse(cases[i].limit, cases[i].text, &v, &e) < 0);
		assert_int_equal(v, 7);
		assert_non_null(strstr(e.text, limit_rows[cases[i].limit].flag));
		assert_null(strchr(e.text, '\n'));
	}
}

static void rows_are_complete_and_unique(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *r = &limit_rows[i];
		assert_non_null(r->flag);
		assert_non_null(r->key);
		assert_non_null(r->help);
		assert_int_equal(limit_by_flag(r->flag), i);
		assert_true((r->by == BY_CGROUP) == (r->v2_file != NULL));
		assert_true((r->v1_file != NULL) == (r->v2_file != NULL));
		assert_true((r->controller == NO_CONTROLLER) == (r->by != BY_CGROUP));
		for (int j = 0; j < i; j++)
			assert_string_not_equal(limit_rows[j].key, r->key);
	}
	assert_int_equal(limit_by_flag("nonsense"), -1);
}

static void profiles_are_the_contract_s(void **state)
{
	struct limits judge, agent;
	(void)state;
	limits_default(PROFILE_JUDGE, &judge);
	limits_default(PROFILE_AGENT, &agent);
	assert_int_equal(judge.of[LIMIT_MEMORY], 256ull << 20);
	assert_int_equal(judge.of[LIMIT_TIME], 4000000000);
	assert_int_equal(judge.of[LIMIT_WALL_TIME], 7000000000);
	assert_int_equal(judge.of[LIMIT_PROCESSES], 10);
	assert_int_equal(judge.of[LIMIT_SWAP], 0);
	assert_int_equal(judge.of[LIMIT_CORE], 0);
	assert_int_equal(agent.of[LIMIT_MEMORY], 2ull << 30);
	assert_int_equal(agent.of[LIMIT_WALL_TIME], 60000000000);
	assert_int_equal(agent.of[LIMIT_PROCESSES], 64);
	assert_int_equal(profile_parse("agent"), PROFILE_AGENT);
	assert_int_equal(profile_parse("root"), -1);
}

static void knobs_differ_by_version_only_in_form(void **state)
{
	struct limits l;
	struct knob_row k[KNOBS_PER_LIMIT];
	(void)state;
	limits_default(PROFILE_JUDGE, &l);
	l.of[LIMIT_SWAP] = 1 << 20;
	l.of[LIMIT_CPUS] = 500;
	l.of[LIMIT_CPU_WEIGHT] = 50;
	l.of[LIMIT_CPUSET] = 3;
	assert_int_equal(limit_knobs(&l, LIMIT_MEMORY, 2, k), 1);
	assert_string_equal(k[0].file, "memory.max");
	assert_string_equal(k[0].value, "268435456");
	assert_int_equal(limit_knobs(&l, LIMIT_SWAP, 2, k), 1);
	assert_string_equal(k[0].value, "1048576");
	assert_int_equal(limit_knobs(&l, LIMIT_SWAP, 1, k), 1);
	assert_string_equal(k[0].file, "memory.memsw.limit_in_bytes");
	assert_string_equal(k[0].value, "269484032"); /* v1 counts memory and swap together */
	assert_true(k[0].maybe);
	assert_int_equal(limit_knobs(&l, LIMIT_CPUS, 2, k), 1);
	assert_string_equal(k[0].value, "50000 100000");
	assert_int_equal(limit_knobs(&l, LIMIT_CPUS, 1, k), 2);
	assert_string_equal(k[0].file, "cpu.cfs_period_us");
	assert_string_equal(k[1].value, "50000");
	assert_int_equal(limit_knobs(&l, LIMIT_CPU_WEIGHT, 1, k), 1);
	assert_string_equal(k[0].value, "512");
	assert_int_equal(limit_knobs(&l, LIMIT_CPUSET, 1, k), 1);
	assert_string_equal(k[0].value, "0-1");
	assert_int_equal(k[0].controller, HOST_CPUSET);
	l.of[LIMIT_MEMORY] = LIMIT_NONE;
	assert_int_equal(limit_knobs(&l, LIMIT_MEMORY, 2, k), 0);
	assert_int_equal(limit_knobs(&l, LIMIT_SWAP, 1, k), 0);
	assert_int_equal(limit_knobs(&l, LIMIT_STACK, 1, k), 0);
}

static void rlimits_are_written_out_even_when_unlimited(void **state)
{
	struct limits l;
	struct rlimit_row r;
	(void)state;
	limits_default(PROFILE_JUDGE, &l);
	assert_true(limit_rlimit(&l, LIMIT_FSIZE, false, &r));
	assert_int_equal(r.resource, RLIMIT_FSIZE);
	assert_int_equal(r.hard, 64 << 20);
	/* The kernel's backstop never comes before the supervisor. */
	l.of[LIMIT_TIME] = 1500000000;
	assert_true(limit_rlimit(&l, LIMIT_TIME, false, &r));
	assert_int_equal(r.soft, 3);
	assert_int_equal(r.hard, 4);
	l.of[LIMIT_STACK] = LIMIT_NONE;
	assert_true(limit_rlimit(&l, LIMIT_STACK, false, &r));
	assert_true(r.hard == RLIM_INFINITY);
	assert_false(limit_rlimit(&l, LIMIT_PROCESSES, false, &r));
	assert_true(limit_rlimit(&l, LIMIT_PROCESSES, true, &r));
	assert_int_equal(r.resource, RLIMIT_NPROC);
	assert_false(limit_rlimit(&l, LIMIT_MEMORY, true, &r));
}

static void json_there_and_back(void **state)
{
	struct limits l, back = { { 0 } };
	struct err e = { 0 };
	(void)state;
	limits_default(PROFILE_AGENT, &l);
	l.of[LIMIT_TIME] = 1234567891;
	l.of[LIMIT_CPUSET] = 0x5;
	l.of[LIMIT_CPUS] = 1500;
	autojson json_t *j = limits_to_json(&l);
	assert_int_equal(limits_from_json(j, "limits", &back, &e), 0);
	assert_memory_equal(&l, &back, sizeof l);
}

static void bad_json_names_the_path_and_changes_nothing(void **state)
{
	static const char *const bad[] = { "[]", "{\"memory\":true}", "{\"memory\":-5}", "{\"memori\":5}", "{\"time\":\"x\"}",
					   "{\"cpuset\":1}", "{\"processes\":1.5}", "{\"memory\":0}" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct limits l, before;
		struct err e = { 0 };
		limits_default(PROFILE_JUDGE, &l);
		before = l;
		autojson json_t *j = json_loads(bad[i], 0, NULL);
		assert_non_null(j);
		assert_true(limits_from_json(j, "config.limits", &l, &e) < 0);
		assert_non_null(strstr(e.text, "config.limits"));
		assert_memory_equal(&l, &before, sizeof l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_parse_and_come_back),
		cmocka_unit_test(garbage_is_refused_with_the_flag_named),
		cmocka_unit_test(rows_are_complete_and_unique),
		cmocka_unit_test(profiles_are_the_contract_s),
		cmocka_unit_test(knobs_differ_by_version_only_in_form),
		cmocka_unit_test(rlimits_are_written_out_even_when_unlimited),
		cmocka_unit_test(json_there_and_back),
		cmocka_unit_test(bad_json_names_the_path_and_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
