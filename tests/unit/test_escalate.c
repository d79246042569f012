/* The six reasons to call engineering, from recorded events and what is seen: each met, not met, and not known. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "sandbox/ops/escalate.h"

struct seen {
	struct health health;
	struct diff diff;
};
static struct paths paths;
static char root[64];

/* "AGE_S {rest of the line}" each, the time put in. */
static void write_events(const char *const *lines)
{
	FILE *f = fopen(paths.of[PATH_EVENTS], "w");
	assert_non_null(f);
	for (; *lines; lines++) {
		char at[24];
		unsigned age;
		int from;
		if (sscanf(*lines, "%u %n", &age, &from) != 1) {
			fprintf(f, "%s\n", *lines);
			continue;
		}
		clock_rfc3339(clock_wall_s() - age, at, sizeof at);
		fprintf(f, "{\"at\":\"%s\",%s}\n", at, *lines + from);
	}
	fclose(f);
}

static struct escalations judge(const char *const *lines, const struct seen *w, const struct pressure *p)
{
	struct escalations e;
	write_events(lines);
	escalations_judge(&w->health, &w->diff, &paths, p, &e);
	return e;
}

#define FAILURE "\"event\":\"cleanup_failure\",\"kind\":\"mount_unmount_failed\""
#define NOTHING ((const char *const[]){ NULL })

static void nothing_happened(void **state)
{
	(void)state;
	struct seen w = { 0 };
	struct pressure p = { .log_known = true };
	struct escalations e = judge(NOTHING, &w, &p);
	assert_int_equal(e.met, 0);
	for (int i = 0; i < ESCALATE_COUNT; i++)
		assert_int_equal(e.of[i].met, 0);
}

static void recurrence(void **state)
{
	(void)state;
	struct seen w = { 0 };
	struct pressure p = { .log_known = true };
	const char *one[] = { "4000 " FAILURE, "600 " FAILURE, "600 " FAILURE, "garbage {", NULL };
	const char *two[] = { "900 " FAILURE, "60 " FAILURE, NULL };
	assert_int_equal(judge(one, &w, &p).of[ESCALATE_RECURS].met, 0); /* one is old, two are one incident */
	assert_int_equal(judge(two, &w, &p).of[ESCALATE_RECURS].met, 1);
}

static void procedures(void **state)
{
	(void)state;
	struct seen w = { 0 };
	struct pressure p = { .log_known = true };
	const char *left[] = { "60 \"event\":\"recovery_finished\",\"outcome\":\"left\"", NULL };
	const char *then[] = { "60 \"event\":\"recovery_finished\",\"outcome\":\"left\"",
			       "30 \"event\":\"operator_action\",\"kind\":\"reclaim --lazy\",\"outcome\":\"all gone\"", NULL };
	assert_int_equal(judge(left, &w, &p).of[ESCALATE_PROCEDURE].met, 1);
	assert_int_equal(judge(then, &w, &p).of[ESCALATE_PROCEDURE].met, 0);
}

static void kernel(void **state)
{
	(void)state;
	struct seen w = { 0 };
	struct pressure hidden = { .log_known = false }, bug = { .log_known = true }, fs = { .log_known = true };
	bug.log[PRESSURE_LOG_BUG] = 2;
	fs.log[PRESSURE_LOG_FS] = 1;
	struct escalations e = judge(NOTHING, &w, &hidden);
	assert_int_equal(e.of[ESCALATE_KERNEL].met, -1);
	assert_int_equal(e.of[ESCALATE_FILESYSTEM].met, -1);
	assert_int_equal(e.met, 0);
	json_t *j = escalations_to_json(&e);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(j, "criteria"), ESCALATE_KERNEL), "met")));
	json_decref(j);
	assert_int_equal(judge(NOTHING, &w, &bug).of[ESCALATE_KERNEL].met, 1);
	assert_int_equal(judge(NOTHING, &w, &bug).of[ESCALATE_FILESYSTEM].met, 0);
	assert_int_equal(judge(NOTHING, &w, &fs).of[ESCALATE_FILESYSTEM].met, 1);
}

static void quarantine(void **state)
{
	(void)state;
	struct seen w = { .health.status = HEALTH_QUARANTINED };
	struct pressure p = { .log_known = true };
	const char *refused[] = { "60 \"event\":\"operator_action\",\"kind\":\"unquarantine\",\"outcome\":\"refused\"", NULL };
	assert_int_equal(judge(NOTHING, &w, &p).of[ESCALATE_QUARANTINE].met, 0);
	assert_int_equal(judge(refused, &w, &p).of[ESCALATE_QUARANTINE].met, 1);
	w.health.status = HEALTH_HEALTHY;
	assert_int_equal(judge(refused, &w, &p).of[ESCALATE_QUARANTINE].met, 0);
}

static void baseline(void **state)
{
	(void)state;
	struct seen w = { .diff = { .trusted = true, .has_baseline = true, .missing = 1 } };
	struct pressure p = { .log_known = true };
	const char *tried[] = { "60 \"event\":\"recovery_finished\",\"outcome\":\"clean\"", NULL };
	assert_int_equal(judge(NOTHING, &w, &p).of[ESCALATE_BASELINE].met, 0); /* nobody has tried yet */
	assert_int_equal(judge(tried, &w, &p).of[ESCALATE_BASELINE].met, 1);
	w.diff.trusted = false;
	assert_int_equal(judge(tried, &w, &p).of[ESCALATE_BASELINE].met, -1);
	w.diff.has_baseline = false;
	assert_int_equal(judge(tried, &w, &p).of[ESCALATE_BASELINE].met, 0);
}

static int setup(void **state)
{
	char cmd[PATH_ROOM + 16];
	struct err e;
	(void)state;
	strcpy(root, "/tmp/rbt-escalate-XXXXXX");
	if (!mkdtemp(root) || paths_init(&paths, root, &e) < 0)
		return -1;
	snprintf(cmd, sizeof cmd, "mkdir -p %s", paths.of[PATH_STATE]);
	return system(cmd);
}

static int teardown(void **state)
{
	char cmd[80];
	(void)state;
	snprintf(cmd, sizeof cmd, "rm -rf %s", root);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happened), cmocka_unit_test(recurrence), cmocka_unit_test(procedures),
		cmocka_unit_test(kernel),	    cmocka_unit_test(quarantine), cmocka_unit_test(baseline),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
