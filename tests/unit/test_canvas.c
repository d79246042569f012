/* The grid: nothing is ever written outside, and no text reaches a cell but through one decoder. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/canvas.h"

static char *dumped(const struct canvas *c)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	assert_non_null(f);
	canvas_dump(c, f);
	fclose(f);
	return text;
}

static void shows(bool utf8, int cols, const char *text, const char *want)
{
	struct canvas c;
	canvas_init(&c, 1, cols, utf8);
	(void)canvas_text(&c, 0, 0, cols, INK_PLAIN, text);
	char *got = dumped(&c);
	assert_string_equal(got, want);
	free(got);
	canvas_done(&c);
}

static void test_text(void **state)
{
	(void)state;
	shows(true, 8, "abc", "abc     \n");
	shows(true, 4, "abcdef", "abcd\n");
	shows(true, 14, "a\x1b[31mb", "a\\x1b[31mb    \n");
	shows(true, 8, "a\nb\tc", "a\\nb\\tc \n");
	shows(true, 10, "\xff\xc3", "\\xff\\xc3  \n");
	shows(true, 12, "\xe2\x80\xae""x", "\\u202ex     \n"); /* right-to-left override */
	shows(true, 6, "\xe6\xbc\xa2" "a", "\xe6\xbc\xa2" "a   \n"); /* wide: two cells */
	shows(true, 3, "e\xcc\x81x", "e\xcc\x81x \n");		/* combining: no cell of its own */
	shows(false, 8, "\xc3\xa9x", "\\xe9x   \n");
	shows(false, 7, "\xe6\xbc\xa2", "\\u6f22 \n");
}

static void test_wide_is_never_halved(void **state)
{
	(void)state;
	struct canvas c;
	canvas_init(&c, 1, 5, true);
	assert_int_equal(canvas_text(&c, 0, 0, 5, INK_PLAIN, "ab\xe6\xbc\xa2\xe6\xbc\xa2"), 4);
	(void)canvas_text(&c, 0, 3, 1, INK_PLAIN, "x"); /* over the right half: the left half goes as well */
	assert_int_equal(canvas_at(&c, 0, 2)->ch, ' ');
	assert_int_equal(canvas_at(&c, 0, 3)->ch, 'x');
	canvas_done(&c);
}

static void test_outside_is_ignored(void **state)
{
	(void)state;
	struct canvas c;
	canvas_init(&c, 2, 3, true);
	(void)canvas_text(&c, -1, 0, 9, INK_PLAIN, "no");
	(void)canvas_text(&c, 5, 0, 9, INK_PLAIN, "no");
	(void)canvas_text(&c, 0, 7, 9, INK_PLAIN, "no");
	canvas_rule(&c, 7, -4, 20);
	canvas_box(&c, -3, -3, 20, 20, INK_RULE);
	canvas_fill(&c, 1, 1, 50, 50, INK_BAR);
	canvas_bar(&c, 9, 9, 9, INK_BAR);
	assert_null(canvas_at(&c, 2, 0));
	assert_null(canvas_at(&c, 0, -1));
	char *got = dumped(&c);
	assert_string_equal(got, "   \n   \n");
	free(got);
	canvas_done(&c);
}

static void test_svg_escapes(void **state)
{
	(void)state;
	struct canvas c;
	char *text = NULL;
	size_t n = 0;
	canvas_init(&c, 1, 8, true);
	(void)canvas_text(&c, 0, 0, 8, INK_BAD, "<&>");
	FILE *f = open_memstream(&text, &n);
	canvas_svg(&c, f, false);
	fclose(f);
	assert_non_null(strstr(text, "&lt;&amp;&gt;"));
	assert_non_null(strstr(text, "class=\"bad\""));
	assert_null(strstr(text, "<&>"));
	free(text);
	canvas_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_wide_is_never_halved),
		cmocka_unit_test(test_outside_is_ignored),
		cmocka_unit_test(test_svg_escapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
