/* The stage table: complete, ordered, and FLOOR where it must never be negotiated. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "sandbox/policy/stages.h"

static void every_stage_has_words(void **state)
{
	(void)state;
	for (int s = 0; s < STAGE_COUNT; s++) {
		assert_non_null(stage_rows[s].word);
		assert_true(strlen(stage_rows[s].help) > 10);
		assert_int_equal(stage_parse(stage_rows[s].word), s);
	}
	assert_int_equal(stage_parse("nonsense"), -1);
}

static void order_is_kept_and_covers_all(void **state)
{
	uint32_t named = 0;
	(void)state;
	for (unsigned i = 0; i < stage_order_count; i++) {
		assert_true(stage_order[i].first < stage_order[i].then);
		named |= STAGE_BIT(stage_order[i].first) | STAGE_BIT(stage_order[i].then);
	}
	assert_int_equal(named, STAGES_ALL);
}

static void the_floor_is_not_negotiable(void **state)
{
	(void)state;
	assert_true(stage_rows[STAGE_CREDS].floor);
	assert_true(stage_rows[STAGE_CAPS].floor);
	assert_true(stage_rows[STAGE_NAMESPACES].floor);
	assert_false(stage_rows[STAGE_SECCOMP].floor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_has_words),
		cmocka_unit_test(order_is_kept_and_covers_all),
		cmocka_unit_test(the_floor_is_not_negotiable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
