/* The watch's purse: a storm of any length costs a bounded part, calm is answered at once, nothing starves. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "probes/base/clock.h"
#include "probes/watch_pace.h"

#define MS NS_PER_MS

static const uint64_t cost[LANES] = { [LANE_MOUNT] = 50 * MS, [LANE_DIR] = 10 * MS, [LANE_TREE] = 100 * MS,
				      [LANE_PROC] = 400 * MS, [LANE_GHOST] = 1500 * MS };

/* Looks at whatever is due until nothing is; returns what it cost. */
static uint64_t serve(struct pace *p, uint64_t *now, unsigned looks[LANES])
{
	uint64_t spent = 0;
	for (enum lane_id id; pace_tick(p, *now), (id = pace_lane(p, *now)) != LANES;) {
		p->pending &= ~lane_kinds[id];
		*now += cost[id];
		spent += cost[id];
		looks[id]++;
		pace_looked(p, id, *now, cost[id], true, false);
	}
	return spent;
}

static void a_storm_is_held_to_its_part(void **state)
{
	struct pace p;
	unsigned looks[LANES] = { 0 };
	uint64_t now = NS_PER_S, spent = 0;
	(void)state;
	pace_init(&p, now);
	(void)serve(&p, &now, looks);
	for (uint64_t end = now + 600 * NS_PER_S; now < end;) {
		p.pending |= RES_ALL; /* everything changes all the time */
		spent += serve(&p, &now, looks);
		p.pending |= RES_ALL;
		uint64_t next = pace_next(&p);
		now = next > now ? next : now + MS;
	}
	assert_true(spent < 600 * NS_PER_S / 20); /* 5 %: a twenty-fifth, the purse, and one look too many */
	for (int i = 0; i < LANES; i++)
		assert_true(looks[i] >= 4 || i == LANE_TREE);
}

static void idleness_costs_next_to_nothing(void **state)
{
	struct pace p;
	unsigned looks[LANES] = { 0 };
	uint64_t now = NS_PER_S, spent = 0;
	(void)state;
	pace_init(&p, now);
	(void)serve(&p, &now, looks);
	for (uint64_t end = now + 36000 * NS_PER_S; now < end;) {
		uint64_t next = pace_next(&p);
		if (next == p.next_pid_look) /* no new pid */
			p.next_pid_look = now + NS_PER_S;
		now = next > now ? next : now + MS;
		spent += serve(&p, &now, looks);
	}
	assert_true(spent < 36000 * NS_PER_S * 4 / 1000);
}

static void what_is_asked_for_does_not_wait(void **state)
{
	struct pace p;
	unsigned looks[LANES] = { 0 };
	uint64_t now = NS_PER_S;
	(void)state;
	pace_init(&p, now);
	(void)serve(&p, &now, looks);
	for (int i = 0; i < 3; i++) {
		for (int k = 0; k < LANES; k++)
			looks[k] = 0;
		p.purse = -100 * (int64_t)NS_PER_S; /* a storm went before */
		pace_ask(&p);
		(void)serve(&p, &now, looks);
		assert_int_equal(p.pending, 0);
		for (int k = 0; k < LANES; k++)
			assert_true(looks[k] == 1 || k == LANE_TREE);
	}
	p.pending = 1u << RES_CGROUP; /* and what came after is not taken for asked */
	assert_int_equal(pace_lane(&p, now + MS), LANES);
}

static void calm_is_answered_at_once(void **state)
{
	struct pace p;
	unsigned looks[LANES] = { 0 };
	uint64_t now = NS_PER_S;
	(void)state;
	pace_init(&p, now);
	(void)serve(&p, &now, looks);
	now += 20 * NS_PER_S;
	p.pending |= 1u << RES_CGROUP | 1u << RES_PROCESS;
	assert_int_equal(pace_lane(&p, now), LANE_TREE); /* ahead of the dear one */
	p.pending |= 1u << RES_GHOST;
	assert_true(pace_lane(&p, now) != LANES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_is_held_to_its_part),
		cmocka_unit_test(idleness_costs_next_to_nothing),
		cmocka_unit_test(what_is_asked_for_does_not_wait),
		cmocka_unit_test(calm_is_answered_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
