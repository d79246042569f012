/* Every size from 1x1 to 300x100 is drawn, with and without something over it, and areas never overlap. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/layout.h"
#include "tui/script.h"
#include "tui/view.h"

static void inside(const struct area *a, int rows, int cols)
{
	if (a->rows <= 0)
		return;
	assert_true(a->row >= 0 && a->col >= 0);
	assert_true(a->row + a->rows <= rows);
	assert_true(a->col + a->cols <= cols);
}

static void test_areas(void **state)
{
	(void)state;
	for (int rows = 1; rows <= 100; rows++)
		for (int cols = 1; cols <= 300; cols++)
			for (int stepping = 0; stepping < 2; stepping++) {
				struct layout l = layout_for(rows, cols, stepping);
				inside(&l.list, rows, cols);
				inside(&l.why, rows, cols);
				inside(&l.steps, rows, cols);
				inside(&l.step_why, rows, cols);
				inside(&l.log, rows, cols);
				if (l.shape == SHAPE_LINE)
					continue;
				assert_int_equal(l.keys, rows - 1);
				if (l.shape != SHAPE_SMALL)
					assert_true(l.list.rows >= 3);
				int below = l.list.row + l.list.rows;
				if (l.shape == SHAPE_NORMAL && l.why.rows > 0)
					assert_true(l.why.row > below);
				if (l.steps.rows > 0)
					assert_true(l.steps.row > below);
				if (l.log.rows > 0)
					assert_true(l.log.row > below && l.log.row + l.log.rows <= l.keys);
			}
}

/* The mock-ups' own rows. */
static void test_the_designs_sizes(void **state)
{
	(void)state;
	struct layout l = layout_for(24, 80, true);
	assert_int_equal(l.list.row, 5);
	assert_int_equal(l.list.rows, 7);
	assert_int_equal(l.why.rows, 3);
	assert_int_equal(l.steps.rows, 2);
	assert_int_equal(l.log.rows, 3);
	l = layout_for(45, 160, true);
	assert_int_equal(l.shape, SHAPE_WIDE);
	assert_int_equal(l.why.col, 105);
	l = layout_for(10, 40, true);
	assert_int_equal(l.shape, SHAPE_SMALL);
	assert_int_equal(l.list.rows, 4);
	assert_false(layout_can_commit(10, 40));
	assert_false(layout_can_commit(17, 80));
	assert_false(layout_can_commit(24, 59));
	assert_true(layout_can_commit(18, 60));
}

/* Cells of a canvas stand in an exactly sized heap block: under the sanitizer one cell too far is a crash. */
static void test_sweep(void **state)
{
	(void)state;
	static const char *const setups[][4] = {
		{ NULL }, { "key p", "key 2", NULL }, { "key p", "key 2", "key x", "key x" }, { "key ?", NULL },
		{ "key Enter", NULL }, { "key /", "type abc", NULL }, { "key A", "wait 200", "type reason" },
	};
	autofree char *book = NULL;
	assert_true(kfile_read_all(AT_FDCWD, "runbooks/cleanup-failure.md", &book) > 0);
	for (size_t i = 0; i < sizeof setups / sizeof setups[0]; i++) {
		struct model *m = calloc(1, sizeof *m);
		const struct model_options opt = { .host = "worker-07", .user = "alice", .label = "PROD", .is_root = true };
		struct err e = { 0 };
		struct script s;
		assert_non_null(m);
		model_init(m, &opt);
		assert_int_equal(model_add_runbook(m, "cleanup-failure", book, &e), 0);
		script_begin(&s, m, stdout, 24, 80);
		assert_int_equal(script_line(&s, i % 2 ? "fixture tests/golden/fixtures/hostile.feed" :
							 "fixture tests/golden/fixtures/incident.feed", &e), 0);
		for (int k = 0; k < 4 && setups[i][k]; k++)
			assert_int_equal(script_line(&s, setups[i][k], &e), 0);
		for (int rows = 1; rows <= 100; rows += rows < 30 ? 1 : 7)
			for (int cols = 1; cols <= 300; cols += cols < 90 ? 1 : 13) {
				struct canvas c;
				m->rows = rows;
				m->cols = cols;
				canvas_init(&c, rows, cols, i % 2);
				view(m, &c);
				assert_true(c.caret_row < rows && c.caret_col < cols);
				canvas_done(&c);
			}
		script_end(&s);
		model_done(m);
		free(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_areas),
		cmocka_unit_test(test_the_designs_sizes),
		cmocka_unit_test(test_sweep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
