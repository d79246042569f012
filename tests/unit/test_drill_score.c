/* Points of a drill, from logs: what each part is for, and what takes points away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "sandbox/drill/score.h"

static struct score of(const char *drill, const char *const *lines, size_t left, size_t dead, struct facts *f)
{
	struct score s;
	*f = (struct facts){ .detect_ms = -1, .cause_ms = -1, .end_ms = -1, .left = left, .dead = dead };
	for (size_t i = 0; lines[i]; i++) {
		char line[300];
		(void)snprintf(line, sizeof line, "%s", lines[i]);
		facts_take(f, drill_find(drill), 1000000, line);
	}
	score_make(drill_find(drill), f, &s);
	return s;
}

#define AT(ms, rest) #ms "\t" rest
static const char *const good[] = {
	AT(1001000, "run\trustbox-probe\tsnapshot"),	    AT(1002000, "run\trustbox-probe\tholders\t/x"),
	AT(1003000, "run\trustbox\treclaim\tprocess\t1:2"), AT(1004000, "run\trustbox\treclaim\tmount\t--all"),
	AT(1005000, "run\trustbox\treclaim\tcgroup\t--all"), AT(1006000, "run\trustbox\treclaim\ttempdir\t--all"),
	AT(1007000, "run\trustbox\thealth\t--verify-clean"), AT(1008000, "run\trustbox\thealth\t--unquarantine"),
	AT(1009000, "say\tit was held"), NULL,
};

static void all_of_it(void **state)
{
	struct facts f;
	(void)state;
	struct score s = of("D1", good, 0, 0, &f);
	assert_int_equal(s.total, 100);
	assert_string_equal(f.moves, "look holders process mount cgroup tempdir verify release");
	assert_int_equal(f.end_ms, 8000);
	s = of("D1", good, 0, 1, &f); /* a dead canary */
	assert_int_equal(s.total, SCORE_DEAD_CAP);
	s = of("D1", good, 1, 0, &f); /* something is left: no order, no verification, no time */
	assert_int_equal(s.total, 60);
}

static void points_lost(void **state)
{
	static const char *const late[] = { AT(1100000, "run\trustbox-probe\tholders\t/x"), AT(1200000, "hint\tx"), AT(1200001, "hint\ty"),
					    AT(1201000, "refused\tnot a leftover"), AT(1202000, "run\trustbox\treclaim\tmount\t--all\t--lazy"),
					    AT(1800000, "run\trustbox\treclaim\tprocess\t--all"), NULL };
	static const char *const asks[] = { AT(1000500, "run\trustbox\treclaim\tmount\t--dry-run"), AT(1001000, "run\trustbox-probe\twatch"),
					    "garbage", "", "\t\t\t", AT(x, "run"), NULL };
	struct facts f;
	(void)state;
	struct score s = of("D1", late, 0, 0, &f);
	assert_int_equal(s.of[PART_DETECT], 7); /* after the limit */
	assert_int_equal(s.of[PART_CAUSE], 15);
	assert_int_equal(f.hints, 2);
	assert_int_equal(f.dangers, 2);
	assert_int_equal(s.of[PART_VERIFY], 0);
	assert_int_equal(s.of[PART_TIME], 0);
	assert_int_equal(s.of[PART_REPORT], 5);
	s = of("D1", asks, 3, 0, &f);
	assert_string_equal(f.moves, "look");
	assert_int_equal(f.end_ms, -1);
	assert_int_equal(s.of[PART_DETECT], 15);
}

/* Unmounting before the holder is ended: two of the seven are out of order only once. */
static void order(void **state)
{
	static const char *const wrong[] = { AT(1002000, "run\trustbox-probe\tholders\t/x"), AT(1003000, "run\trustbox\treclaim\tmount\t--all"),
					     AT(1004000, "run\trustbox\treclaim\tprocess\t--all"), NULL };
	static const char *const automatic[] = { AT(1001000, "why\t/x"), AT(1003000, "run\trustbox\thealth\t--recover\t--cleanup"), NULL };
	struct facts f;
	(void)state;
	struct score s = of("D1", wrong, 0, 0, &f);
	assert_int_equal(s.of[PART_ORDER], 20 * 2 / 7);
	s = of("D9", automatic, 0, 0, &f);
	assert_int_equal(s.of[PART_ORDER], 20);
	assert_int_equal(s.of[PART_CAUSE], 15);
	assert_int_equal(s.of[PART_VERIFY], 10);
}

static void the_table(void **state)
{
	int points = 0;
	(void)state;
	assert_int_equal(drill_count, 10);
	for (int p = 0; p < PART_COUNT; p++)
		points += part_points[p];
	assert_int_equal(points, 100);
	for (unsigned i = 0; i < drill_count; i++) {
		const struct drill *d = &drills[i];
		char id[16];
		snprintf(id, sizeof id, "D%u", i + 1);
		assert_string_equal(d->id, id);
		assert_ptr_equal(drill_find(d->name), d);
		assert_non_null(d->plant);
		assert_true(d->par_s > 0 && d->watch_s > d->par_s && *d->order && *d->literal && *d->literal_end && *d->cause);
		for (int h = 0; h < DRILL_HINTS; h++)
			assert_true(d->hint[h] && *d->hint[h]);
	}
	assert_null(drill_find("D11"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(all_of_it), cmocka_unit_test(points_lost), cmocka_unit_test(order),
					    cmocka_unit_test(the_table) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
