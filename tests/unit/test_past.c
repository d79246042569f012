/* Every earlier state is the state that was: a random history beside full copies of each of its moments. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probes/base/own.h"
#include "tui/past.h"

enum { THINGS = 40, MOMENTS = 300 };

static struct resource thing(unsigned n, unsigned version, char room[static 64])
{
	(void)snprintf(room, 64, "%u%cname %u v%u", n, 0, n * 7919 % THINGS, version);
	return (struct resource){ .kind = n % 2 ? RES_MOUNT : RES_TEMPDIR, .owner = OWNER_LEAK, .id = room,
				  .name = room + strlen(room) + 1, .born = version };
}

static void as_text(const struct rows *t, char *out, size_t cap)
{
	size_t used = 0;
	for (size_t i = 0; i < t->n; i++)
		if (row_alive(t->v[i]))
			used += (size_t)snprintf(out + used, cap - used, "%d %s %s %llu\n", t->v[i]->res->kind, t->v[i]->res->id,
						 t->v[i]->res->name, (unsigned long long)t->v[i]->res->born);
	for (size_t i = 0; i < t->n; i++)
		if (row_alive(t->by_name[i]))
			used += (size_t)snprintf(out + used, cap - used, "%s\n", t->by_name[i]->res->name);
}

static void change_one(struct rows *t, struct past *p, unsigned n, unsigned version, uint64_t wall)
{
	char room[64];
	bool fresh = false;
	struct resource r = thing(n, version, room);
	struct row *row = rows_find(t, r.kind, r.id);
	if (row && row_alive(row) && version % 3 == 0) {
		past_thing(p, wall, row->res, NULL, true);
		rows_vanish(t, row, wall);
		return;
	}
	const struct resource *was = row && row_alive(row) ? resource_hold(row->res) : NULL;
	row = rows_put(t, &r, wall, &fresh);
	past_thing(p, wall, was, row->res, version % 2);
	resource_drop(was);
	if (version % 5 == 0)
		rows_sweep(t, wall + ROW_LINGER_MS, false);
}

static void test_every_moment_is_what_it_was(void **state)
{
	(void)state;
	enum { TEXT = 8192 };
	struct rows t = { 0 };
	struct past p = { .since = 1 };
	autofree char *was = calloc(MOMENTS, TEXT);
	uint64_t first[MOMENTS];
	srand(41);
	for (unsigned i = 0; i < MOMENTS; i++) {
		p.moment = i;
		first[i] = past_end(&p);
		as_text(&t, was + i * TEXT, TEXT);
		for (int k = rand() % 4; k >= 0; k--)
			change_one(&t, &p, (unsigned)rand() % THINGS, (unsigned)rand() % 1000, 100 + i);
	}
	for (unsigned i = 0; i < MOMENTS; i++) {
		struct rows then;
		char now[TEXT] = "";
		past_rows(&p, first[i], &t, &then);
		as_text(&then, now, sizeof now);
		assert_string_equal(now, was + i * TEXT);
		rows_done(&then);
		assert_int_equal(past_place(&p, 100 + i), i + 1 < MOMENTS ? first[i + 1] : past_end(&p));
	}
	uint64_t at = past_end(&p); /* back by stops and on again passes the same places */
	uint64_t back[MOMENTS + 1];
	size_t n = 0;
	for (; at > p.forgotten; at = past_step(&p, at, -1))
		back[n++] = at;
	for (at = past_step(&p, at, 1); n-- > 0; at = past_step(&p, at, 1))
		assert_true(at == back[n] || n == 0);
	past_done(&p);
	rows_done(&t);
}

static void test_memory_is_bounded(void **state)
{
	(void)state;
	struct rows t = { 0 };
	struct past p = { .since = 1 };
	for (unsigned i = 0; i < 120000; i++) {
		p.moment = i;
		change_one(&t, &p, i % THINGS, i, 1000 + i / 100);
		assert_true(p.bytes <= PAST_BYTES);
	}
	assert_true(p.forgotten > 0);
	assert_true(p.n > 10000);
	assert_true(p.since > 1 && p.since <= p.v[0].wall);
	assert_null(past_change(&p, p.forgotten - 1));
	/* a day later the day before is forgotten */
	change_one(&t, &p, 1, 1, 1000 + 120000 / 100 + PAST_S + 1);
	assert_int_equal(p.n, 1);
	past_done(&p);
	rows_done(&t);
}

static void test_30000_rows_cost_no_key_its_echo(void **state)
{
	(void)state;
	struct rows t = { 0 }, then;
	struct past p = { .since = 1 };
	struct timespec a, b;
	char room[64];
	bool fresh;
	for (unsigned i = 0; i < 30000; i++) {
		struct resource r = thing(i, 1, room);
		rows_put(&t, &r, 1, &fresh);
	}
	for (unsigned i = 0; i < 1000; i++)
		change_one(&t, &p, i * 29, 1 + i * 2, i);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	past_rows(&p, p.forgotten + 10, &t, &then);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	double ms = (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
	print_message("an earlier state of %zu rows: %.1f ms of CPU\n", then.n, ms);
	assert_true(ms < 100); /* ten times what it takes; sorting anew took more */
	rows_done(&then);
	past_done(&p);
	rows_done(&t);
}

static void test_blind_times_and_health(void **state)
{
	(void)state;
	struct past p = { .since = 1 };
	struct health sick = { .status = HEALTH_QUARANTINED }, well = { .status = HEALTH_HEALTHY };
	past_mark(&p, 10, PAST_SEEING);
	assert_int_equal(p.n, 0); /* it always saw */
	past_mark(&p, 10, PAST_BLIND);
	p.moment = 1;
	past_mark(&p, 20, PAST_SEEING);
	p.moment = 2;
	past_health(&p, 30, &sick);
	assert_false(past_is_blind(&p, 0));
	assert_true(past_is_blind(&p, 1));
	assert_false(past_is_blind(&p, 2));
	assert_int_equal(past_health_at(&p, 1, &well)->status, HEALTH_QUARANTINED);
	assert_ptr_equal(past_health_at(&p, 3, &well), &well);
	past_done(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_moment_is_what_it_was),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_30000_rows_cost_no_key_its_echo),
		cmocka_unit_test(test_blind_times_and_health),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
