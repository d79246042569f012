/* The health matrix: every cell, the count of failures, and what only an operator may undo. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "sandbox/policy/worker.h"

static void every_cell_is_what_the_contract_says(void **state)
{
	(void)state;
	for (int s = 0; s < HEALTH_STATUSES_COUNT; s++) {
		for (int ev = 0; ev < HEALTH_EVENT_COUNT; ev++) {
			const struct health_cell *c = &health_matrix[s][ev];
			assert_in_range(c->next, 0, HEALTH_STATUSES_COUNT - 1);
			assert_in_range(c->reason, 0, HEALTH_REASON_COUNT);
			/* Only a verified look makes a worker healthy. */
			if (c->next == HEALTH_HEALTHY && s != HEALTH_HEALTHY)
				assert_true(ev == HEALTH_EVENT_VERIFIED || ev == HEALTH_EVENT_RELEASE);
			if (s == HEALTH_QUARANTINED && c->next != HEALTH_QUARANTINED)
				assert_true(ev == HEALTH_EVENT_VERIFIED || ev == HEALTH_EVENT_RELEASE);
			if (ev == HEALTH_EVENT_ORPHAN || ev == HEALTH_EVENT_CORRUPT || ev == HEALTH_EVENT_QUARANTINE ||
			    ev == HEALTH_EVENT_CLEANUP_LIMIT)
				assert_int_equal(c->next, HEALTH_QUARANTINED);
			/* A status that changes says why. */
			if ((int)c->next != s)
				assert_int_not_equal(c->reason, HEALTH_REASON_COUNT);
			if (c->next == HEALTH_HEALTHY && s != HEALTH_HEALTHY)
				assert_int_equal(c->reason, HEALTH_REASON_NONE);
			assert_true(strlen(health_event_word((enum health_event)ev)) > 3);
		}
	}
}

static void three_in_a_row_is_quarantine(void **state)
{
	struct health h = { 0 };
	(void)state;
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "umount: busy", 10);
	assert_int_equal(h.status, HEALTH_UNHEALTHY);
	assert_int_equal(h.failures, 1);
	assert_int_equal(h.since, 10);
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "umount: busy again", 20);
	assert_int_equal(h.status, HEALTH_UNHEALTHY);
	assert_int_equal(h.since, 10);
	assert_string_equal(h.note, "umount: busy again");
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "third", 30);
	assert_int_equal(h.status, HEALTH_QUARANTINED);
	assert_int_equal(h.reason, HEALTH_REASON_CLEANUP_FAILURE);
	assert_int_equal(h.failures, MAX_CLEANUP_FAILURES);
	assert_int_equal(h.since, 30);
}

static void one_good_cleanup_breaks_the_row_but_heals_nothing(void **state)
{
	struct health h = { 0 };
	(void)state;
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "a", 1);
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "b", 2);
	h = health_next(h, HEALTH_EVENT_CLEANUP_OK, NULL, 3);
	assert_int_equal(h.failures, 0);
	assert_int_equal(h.status, HEALTH_UNHEALTHY);
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "c", 4);
	assert_int_equal(h.status, HEALTH_UNHEALTHY);
	h = health_next(h, HEALTH_EVENT_VERIFIED, NULL, 5);
	assert_int_equal(h.status, HEALTH_HEALTHY);
	assert_int_equal(h.failures, 0);
	assert_string_equal(h.note, "");
}

static void what_an_operator_closed_an_operator_opens(void **state)
{
	struct health h = { 0 };
	(void)state;
	h = health_next(h, HEALTH_EVENT_QUARANTINE, "disk swap", 1);
	assert_int_equal(h.reason, HEALTH_REASON_MANUAL);
	assert_string_equal(h.note, "disk swap");
	h = health_next(h, HEALTH_EVENT_VERIFIED, NULL, 2);
	assert_int_equal(h.status, HEALTH_QUARANTINED);
	h = health_next(h, HEALTH_EVENT_CLEANUP_FAILED, "later", 3);
	assert_string_equal(h.note, "disk swap");
	h = health_next(h, HEALTH_EVENT_RELEASE, NULL, 4);
	assert_int_equal(h.status, HEALTH_HEALTHY);
}

static void the_first_reason_stays(void **state)
{
	struct health h = { 0 };
	(void)state;
	h = health_next(h, HEALTH_EVENT_ORPHAN, "pid 7", 1);
	h = health_next(h, HEALTH_EVENT_CORRUPT, "x", 2);
	assert_int_equal(h.reason, HEALTH_REASON_ORPHAN);
	assert_string_equal(h.note, "pid 7");
	assert_int_equal(h.since, 1);
}

static void a_long_note_is_cut_not_overrun(void **state)
{
	char note[1000];
	struct health h = { 0 };
	(void)state;
	memset(note, 'x', sizeof note - 1);
	note[sizeof note - 1] = '\0';
	h = health_next(h, HEALTH_EVENT_QUARANTINE, note, 1);
	assert_int_equal(strlen(h.note), sizeof h.note - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell_is_what_the_contract_says),
		cmocka_unit_test(three_in_a_row_is_quarantine),
		cmocka_unit_test(one_good_cleanup_breaks_the_row_but_heals_nothing),
		cmocka_unit_test(what_an_operator_closed_an_operator_opens),
		cmocka_unit_test(the_first_reason_stays),
		cmocka_unit_test(a_long_note_is_cut_not_overrun),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
