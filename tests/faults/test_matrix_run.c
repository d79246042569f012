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

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "probes/base/own.h"
#include "tests/harness/crash.h"

/* The exit status and what was printed must agree, and be OK or an error of ours: never a program's fault. */
static bool honest(const struct injected *r)
{
	struct ran said = { .out = (char *)(uintptr_t)r->out, .out_len = strlen(r->out) };
	char status[32] = "", cause[64] = "";
	json_t *j = NULL;
	for (char *line = said.out; !j && line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		j = json_loadb(line, strcspn(line, "\n"), 0, NULL);
	json_at(j, "status", status, sizeof status);
	json_at(j, "verdict.cause", cause, sizeof cause);
	bool any = j != NULL;
	json_decref(j);
	if (WIFSIGNALED(r->wstatus)) { /* out of memory aborts: arena.h says so; before main(), the C library's start falls */
		bool before_main = r->calls < 8 && !any && WTERMSIG(r->wstatus) == SIGSEGV;
		return WTERMSIG(r->wstatus) == SIGABRT || before_main;
	}
	int code = WEXITSTATUS(r->wstatus);
	if (!strcmp(status, "OK"))
		return code == 0;
	if (!strcmp(status, "IE"))
		return code == 3 && *cause;
	return !any && code >= 2; /* said why on stderr, or could not even begin */
}

static void every_errno(void **state)
{
	(void)state;
	struct crash_sweep s = { .act = INJECT_ERRNO, .argv = crash_run_argv, .verdict = honest };
	if (!getenv("MATRIX") && !getenv("CRASH_STRIDE"))
		setenv("CRASH_STRIDE", "12", 1);
	crash_sweep(&s);
	print_message("%u calls, %u points, %u fired, %u had left something\n", s.calls, s.points, s.fired, s.dirty);
	assert_true(s.points > 10);
	assert_int_equal(s.failures, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_errno) };
	return crash_main("errors of a run", tests, 1);
}
