/*
 * The errno half of the failure matrix, for a run: every system call of the supervisor and the box's init, failed once with
 * every plausible error. The verdict must be the true one, or IE with a cause; nothing may be left that one
 * recovery does not remove. In `make check` a sample (MATRIX=full takes all; CRASH_STRIDE and CRASH_OFFSET choose).
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/harness/crash.h"

static void every_errno(void **state)
{
	(void)state;
	struct crash_sweep s = { .act = INJECT_ERRNO, .argv = crash_run_argv, .verdict = crash_run_honest, .sample = 12 };
	crash_sweep_holds(&s, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_errno) };
	return crash_main("errors of a run", tests, 1);
}
