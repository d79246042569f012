/* Verdicts: one case per rule, then the contradictions and forgeries that must not fool it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#include <errno.h>
#include <signal.h>

#include "sandbox/policy/stages.h"
#include "sandbox/policy/verdict.h"

#define EXITED(n)   ((n) << 8)
#define SIGNALED(s) (s)
#define MS	    1000000ull

/* A run in which nothing went wrong and every source was read. */
static struct evidence good(void)
{
	return (struct evidence){ .applied = STAGES_ALL, .failed_stage = -1, .waited = true, .wall_ns = 20 * MS,
				  .contained = true, .usage = { .user_ns = 2 * MS }, .cg = { .cpu_ns = 2 * MS } };
}

static struct limits judge(void)
{
	struct limits l;
	limits_default(PROFILE_JUDGE, &l);
	return l;
}

static void expect(struct evidence ev, enum status status, enum cause cause)
{
	struct limits l = judge();
	struct verdict v = verdict_of(&ev, &l);
	assert_string_equal(cause_word(v.cause), cause_word(cause));
	assert_string_equal(status_word(v.status), status_word(status));
	assert_int_equal(v.sources & ev.gaps, 0);
}

/* ---- one case per rule, in their order ------------------------------------------------------- */

static void trouble(struct evidence *ev) { (void)err_set(&ev->trouble, EIO, "poll"); }
static void exec_failed(struct evidence *ev)
{
	ev->failed_stage = STAGE_EXEC;
	ev->failed_err = ENOENT;
	ev->applied &= ~STAGE_BIT(STAGE_EXEC);
	ev->waited = false;
}
static void setup_failed(struct evidence *ev)
{
	ev->failed_stage = STAGE_CAPS;
	ev->applied = STAGE_BIT(STAGE_CAPS) - 1;
}
static void cancelled(struct evidence *ev) { ev->kills = KILL_BIT(KILL_CANCEL); ev->waited = false; }
static void not_contained(struct evidence *ev) { ev->contained = false; }
static void contradiction(struct evidence *ev) { ev->kills = KILL_BIT(KILL_WALL); ev->waited = false; }
static void seccomp(struct evidence *ev) { ev->wstatus = SIGNALED(SIGSYS) | 0x80; }
static void fork_bomb(struct evidence *ev) { ev->cg.pids_refused = 1000; ev->kills = KILL_BIT(KILL_CPU); ev->cg.cpu_ns = 4000 * MS; }
static void signal_storm(struct evidence *ev) { ev->signals_peak = 512; ev->wstatus = EXITED(1); }
static void fd_exhaustion(struct evidence *ev) { ev->fd_peak = 256; ev->wstatus = EXITED(1); }
static void oom(struct evidence *ev) { ev->cg.oom_kills = 1; ev->wstatus = SIGNALED(SIGKILL); }
static void memory_full(struct evidence *ev) { ev->kills = KILL_BIT(KILL_OOM); ev->cg.memory_fails = 9; ev->waited = false; }
static void cpu_kernel(struct evidence *ev) { ev->wstatus = SIGNALED(SIGXCPU); ev->cg.cpu_ns = 5000 * MS; }
static void cpu_time(struct evidence *ev) { ev->kills = KILL_BIT(KILL_CPU); ev->cg.cpu_ns = 4010 * MS; ev->waited = false; }
static void processes(struct evidence *ev) { ev->cg.pids_refused = 1; ev->wstatus = EXITED(1); }
static void wall_time(struct evidence *ev) { ev->kills = KILL_BIT(KILL_WALL); ev->wall_ns = 7001 * MS; ev->waited = false; }
static void cpu_late(struct evidence *ev) { ev->cg.cpu_ns = 4001 * MS; }
static void wall_late(struct evidence *ev) { ev->wall_ns = 7001 * MS; }
static void file_size(struct evidence *ev) { ev->wstatus = SIGNALED(SIGXFSZ); }
static void signalled(struct evidence *ev) { ev->wstatus = SIGNALED(SIGSEGV) | 0x80; }
static void exit_one(struct evidence *ev) { ev->wstatus = EXITED(1); }
static void success(struct evidence *ev) { ev->wstatus = EXITED(0); }
static void missing(struct evidence *ev) { ev->gaps = SOURCE_BIT(SOURCE_MEMORY); }

static const struct {
	enum cause cause;
	enum status status;
	void (*arrange)(struct evidence *);
} cases[] = {
	{ CAUSE_TROUBLE, STATUS_IE, trouble },		    { CAUSE_EXEC_FAILED, STATUS_IE, exec_failed },
	{ CAUSE_SETUP_FAILED, STATUS_IE, setup_failed },    { CAUSE_CANCELLED, STATUS_IE, cancelled },
	{ CAUSE_NOT_CONTAINED, STATUS_IE, not_contained },  { CAUSE_CONTRADICTION, STATUS_IE, contradiction },
	{ CAUSE_SECCOMP, STATUS_SV, seccomp },		    { CAUSE_FORK_BOMB, STATUS_PLE, fork_bomb },
	{ CAUSE_SIGNAL_STORM, STATUS_ABUSE, signal_storm }, { CAUSE_FD_EXHAUSTION, STATUS_ABUSE, fd_exhaustion },
	{ CAUSE_OOM, STATUS_MLE, oom },			    { CAUSE_MEMORY_FULL, STATUS_MLE, memory_full },
	{ CAUSE_CPU_KERNEL, STATUS_TLE, cpu_kernel },	    { CAUSE_CPU_TIME, STATUS_TLE, cpu_time },
	{ CAUSE_PROCESSES, STATUS_PLE, processes },	    { CAUSE_WALL_TIME, STATUS_TLE, wall_time },
	{ CAUSE_CPU_LATE, STATUS_TLE, cpu_late },	    { CAUSE_WALL_LATE, STATUS_TLE, wall_late },
	{ CAUSE_FILE_SIZE, STATUS_FSE, file_size },	    { CAUSE_SIGNAL, STATUS_SIG, signalled },
	{ CAUSE_EXIT, STATUS_RE, exit_one },		    { CAUSE_SUCCESS, STATUS_OK, success },
	{ CAUSE_MISSING_EVIDENCE, STATUS_IE, missing },
};

static void each_rule_holds_for_its_case(void **state)
{
	(void)state;
	assert_int_equal(sizeof cases / sizeof cases[0], verdict_rule_count);
	for (unsigned i = 0; i < verdict_rule_count; i++) {
		struct evidence ev = good();
		assert_int_equal(cases[i].cause, verdict_rules[i].cause);
		cases[i].arrange(&ev);
		expect(ev, cases[i].status, cases[i].cause);
	}
}

/* ---- honesty ----------------------------------------------------------------------------------- */

static void forged_ends_are_what_they_are(void **state)
{
	struct evidence ev = good();
	(void)state;
	ev.wstatus = SIGNALED(SIGXCPU); /* raise(SIGXCPU) with time to spare */
	expect(ev, STATUS_SIG, CAUSE_SIGNAL);
	ev = good();
	ev.wstatus = SIGNALED(SIGKILL); /* kill(getpid(), SIGKILL), page cache at the limit */
	ev.cg.memory_peak = 256 << 20;
	ev.cg.memory_fails = 100;
	expect(ev, STATUS_SIG, CAUSE_SIGNAL);
	for (int code = 1; code < 256; code++) { /* 137, 139, 152, 159 are exit statuses, not signals */
		ev = good();
		ev.wstatus = EXITED(code);
		expect(ev, STATUS_RE, CAUSE_EXIT);
	}
	ev = good();
	ev.wstatus = SIGNALED(SIGSYS); /* no filter was installed: then nothing was violated */
	ev.applied &= ~STAGE_BIT(STAGE_SECCOMP);
	expect(ev, STATUS_SIG, CAUSE_SIGNAL);
}

static void every_other_signal_is_sig(void **state)
{
	(void)state;
	for (int s = 1; s <= 64; s++) {
		struct evidence ev = good();
		ev.wstatus = SIGNALED(s);
		if (s != SIGSYS && s != SIGXFSZ)
			expect(ev, STATUS_SIG, CAUSE_SIGNAL);
	}
}

static void a_kill_needs_its_reason(void **state)
{
	struct evidence ev = good();
	(void)state;
	ev.kills = KILL_BIT(KILL_CPU); /* 2 ms used of 4 s */
	ev.wstatus = SIGNALED(SIGKILL);
	expect(ev, STATUS_IE, CAUSE_CONTRADICTION);
	ev.kills = KILL_BIT(KILL_OOM); /* and no counter moved */
	expect(ev, STATUS_IE, CAUSE_CONTRADICTION);
	ev.cg.memory_peak = 256 << 20; /* the peak is proof enough that the limit was met */
	expect(ev, STATUS_MLE, CAUSE_MEMORY_FULL);
	ev.cg.memory_peak = 100 << 20;
	expect(ev, STATUS_IE, CAUSE_CONTRADICTION);
	ev.kills = KILL_BIT(KILL_WALL);
	ev.gaps = SOURCE_BIT(SOURCE_CLOCK); /* cannot be checked: not proven, not contradicted */
	expect(ev, STATUS_IE, CAUSE_MISSING_EVIDENCE);
	ev = good();
	ev.wstatus = 0x137f; /* stopped is no end */
	expect(ev, STATUS_IE, CAUSE_CONTRADICTION);
}

static void exit_0_is_not_ok_when_something_else_is_true(void **state)
{
	struct evidence ev = good();
	(void)state;
	ev.cg.oom_kills = 1; /* a child was killed for memory, the parent hid it */
	expect(ev, STATUS_MLE, CAUSE_OOM);
	ev = good();
	ev.cg.pids_refused = 3; /* it coped: no failure, no PLE */
	expect(ev, STATUS_OK, CAUSE_SUCCESS);
	ev = good();
	ev.kills = KILL_BIT(KILL_REST); /* the daemon it left was ended, after its own end */
	expect(ev, STATUS_OK, CAUSE_SUCCESS);
}

static void a_missing_source_never_reads_as_zero(void **state)
{
	static const enum source needed[] = { SOURCE_WAIT, SOURCE_JOURNAL, SOURCE_KILLS, SOURCE_MEMORY, SOURCE_PIDS,
					      SOURCE_CONTAINMENT, SOURCE_CLOCK };
	struct evidence ev;
	(void)state;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
		ev = good();
		ev.gaps = SOURCE_BIT(needed[i]);
		expect(ev, STATUS_IE, CAUSE_MISSING_EVIDENCE);
	}
	ev = good();
	ev.gaps = SOURCE_BIT(SOURCE_CPU); /* rusage is enough ... */
	expect(ev, STATUS_OK, CAUSE_SUCCESS);
	ev.gaps |= SOURCE_BIT(SOURCE_USAGE); /* ... but one of the two there must be */
	expect(ev, STATUS_IE, CAUSE_MISSING_EVIDENCE);
	evidence_init(&ev);
	expect(ev, STATUS_IE, CAUSE_MISSING_EVIDENCE);
}

static void when_two_limits_are_hit_the_certain_one_wins(void **state)
{
	struct evidence ev = good();
	(void)state;
	ev.cg.oom_kills = 1;
	ev.kills = KILL_BIT(KILL_WALL);
	ev.wall_ns = 8000 * MS;
	expect(ev, STATUS_MLE, CAUSE_OOM);
	ev = good();
	ev.kills = KILL_BIT(KILL_CPU) | KILL_BIT(KILL_WALL);
	ev.cg.cpu_ns = 4100 * MS;
	ev.wall_ns = 7100 * MS;
	expect(ev, STATUS_TLE, CAUSE_CPU_TIME);
	ev = good();
	ev.cg.pids_refused = 5; /* a slow fork bomb, asleep when the clock ran out */
	ev.kills = KILL_BIT(KILL_WALL);
	ev.wall_ns = 7001 * MS;
	ev.waited = false;
	expect(ev, STATUS_PLE, CAUSE_PROCESSES);
}

static void unlimited_is_never_hit(void **state)
{
	struct limits l = judge();
	struct evidence ev = good();
	(void)state;
	l.of[LIMIT_TIME] = l.of[LIMIT_WALL_TIME] = l.of[LIMIT_OPEN_FILES] = LIMIT_NONE;
	ev.cg.cpu_ns = ev.wall_ns = 1ull << 60;
	assert_int_equal(verdict_of(&ev, &l).status, STATUS_OK);
}

static void a_compiler_s_refusal_is_a_compile_error(void **state)
{
	struct limits l = judge();
	struct evidence ev = good();
	(void)state;
	assert_int_equal(verdict_of_compiler(&ev, &l).status, STATUS_OK);
	ev.wstatus = EXITED(1);
	assert_int_equal(verdict_of_compiler(&ev, &l).status, STATUS_RE);
	assert_int_equal(verdict_of_compiler(&ev, &l).cause, CAUSE_COMPILE_ERROR);
	cpu_time(&ev);
	assert_int_equal(verdict_of_compiler(&ev, &l).status, STATUS_TLE);
}

static void time_use_is_classified(void **state)
{
	struct evidence ev = good();
	(void)state;
	ev.wall_ns = 1000 * MS;
	ev.cg.cpu_ns = 980 * MS;
	assert_int_equal(divergence_of(&ev), DIVERGENCE_CPU_BOUND);
	ev.cg.cpu_ns = 5 * MS;
	assert_int_equal(divergence_of(&ev), DIVERGENCE_BLOCKED);
	ev.cg.cpu_ns = 500 * MS;
	assert_int_equal(divergence_of(&ev), DIVERGENCE_MIXED);
	ev.usage.involuntary = 400;
	ev.usage.voluntary = 3;
	assert_int_equal(divergence_of(&ev), DIVERGENCE_INTERFERENCE);
	ev.gaps = SOURCE_BIT(SOURCE_CLOCK);
	assert_int_equal(divergence_of(&ev), DIVERGENCE_UNKNOWN);
}

static void the_last_rule_is_the_catch_all(void **state)
{
	const struct verdict_rule *last = &verdict_rules[verdict_rule_count - 1];
	struct evidence ev = { 0 };
	struct limits l = judge();
	(void)state;
	assert_int_equal(last->cause, CAUSE_MISSING_EVIDENCE);
	assert_int_equal(last->status, STATUS_IE);
	assert_int_equal(last->sources, 0);
	assert_true(last->holds(&ev, &l));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_holds_for_its_case),
		cmocka_unit_test(forged_ends_are_what_they_are),
		cmocka_unit_test(every_other_signal_is_sig),
		cmocka_unit_test(a_kill_needs_its_reason),
		cmocka_unit_test(exit_0_is_not_ok_when_something_else_is_true),
		cmocka_unit_test(a_missing_source_never_reads_as_zero),
		cmocka_unit_test(when_two_limits_are_hit_the_certain_one_wins),
		cmocka_unit_test(unlimited_is_never_hit),
		cmocka_unit_test(a_compiler_s_refusal_is_a_compile_error),
		cmocka_unit_test(time_use_is_classified),
		cmocka_unit_test(the_last_rule_is_the_catch_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
