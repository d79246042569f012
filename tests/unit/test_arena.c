/* Arenas: aligned, zeroed, growing, and freed as a whole. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include "probes/base/arena.h"

static void zeroed_and_aligned(void **state)
{
	autoarena struct arena a = { 0 };
	(void)state;
	for (size_t n = 1; n < 20000; n = n * 3 + 1) {
		unsigned char *p = arena_alloc(&a, n);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xee, n);
	}
}

static void arrays_keep_their_elements(void **state)
{
	autoarena struct arena a = { 0 };
	uint64_t *v = NULL;
	size_t n = 0;
	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		uint64_t *slot = arena_push(&a, &v, &n, sizeof *v);
		*slot = i * i;
	}
	assert_int_equal(n, 10000);
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(v[i], i * i);
}

static void strings(void **state)
{
	autoarena struct arena a = { 0 };
	(void)state;
	assert_string_equal(arena_strdup(&a, "x"), "x");
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_printf(&a, "%d-%s", 7, "y"), "7-y");
	arena_done(&a);
	arena_done(&a); /* safe twice */
	assert_null(a.head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_and_aligned),
		cmocka_unit_test(arrays_keep_their_elements),
		cmocka_unit_test(strings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
