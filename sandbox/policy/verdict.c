/*
 * The rules. Order is the argument: first what makes every other fact doubtful, then what ended the
 * program in the order in which it would have happened, then how the program ended by itself.
 *
 * A rule's sources must all have been seen, or it cannot hold: a missing counter never reads as zero,
 * and what no rule can prove becomes missing_evidence.
 */
#include "sandbox/policy/verdict.h"

#include <signal.h>
#include <sys/wait.h>

#include "probes/base/clock.h"
#include "sandbox/policy/stages.h"

enum { FORK_BOMB_REFUSED = 1000, SIGNAL_STORM_QUEUED = 512 };

static bool seen(const struct evidence *ev, enum source s)
{
	return !(ev->gaps & SOURCE_BIT(s));
}

static bool killed_for(const struct evidence *ev, enum kill_reason k)
{
	return ev->kills & KILL_BIT(k);
}

/* Somebody here ended it; REST does not count, it comes after the end. */
static bool killed_here(const struct evidence *ev)
{
	return ev->kills & ~KILL_BIT(KILL_REST);
}

static bool ended_by(const struct evidence *ev, int signal)
{
	return ev->waited && WIFSIGNALED(ev->wstatus) && WTERMSIG(ev->wstatus) == signal;
}

static bool exited(const struct evidence *ev)
{
	return ev->waited && WIFEXITED(ev->wstatus);
}

static bool failed(const struct evidence *ev)
{
	return killed_here(ev) || !exited(ev) || WEXITSTATUS(ev->wstatus) != 0;
}

static bool cpu_over(const struct evidence *ev, const struct limits *l)
{
	return (seen(ev, SOURCE_CPU) || seen(ev, SOURCE_USAGE)) && l->of[LIMIT_TIME] != LIMIT_NONE &&
	       evidence_cpu_ns(ev) >= l->of[LIMIT_TIME];
}

static bool wall_over(const struct evidence *ev, const struct limits *l)
{
	return l->of[LIMIT_WALL_TIME] != LIMIT_NONE && ev->wall_ns >= l->of[LIMIT_WALL_TIME];
}

/* The limit was met: by the kernel's count, or by the peak. A sixty-fourth below counts as met, because a
 * charge that fails may have been for a huge page, and v1 counts failures of memory and swap apart. */
static bool memory_met(const struct evidence *ev, const struct limits *l)
{
	uint64_t limit = l->of[LIMIT_MEMORY];
	return ev->cg.oom_kills > 0 || ev->cg.memory_fails > 0 ||
	       (limit != LIMIT_NONE && ev->cg.memory_peak >= limit - limit / 64);
}

static bool is_trouble(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->trouble.code != 0 || killed_for(ev, KILL_TROUBLE);
}

static bool is_exec_failed(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->failed_stage == STAGE_EXEC;
}

static bool is_setup_failed(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->failed_stage >= 0 || !(ev->applied & STAGE_BIT(STAGE_EXEC));
}

static bool is_cancelled(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return killed_for(ev, KILL_CANCEL);
}

static bool is_not_contained(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return !ev->contained;
}

/* A kill on record for a limit that was not reached, or an end that is none. */
static bool is_contradiction(const struct evidence *ev, const struct limits *l)
{
	bool cpu_seen = seen(ev, SOURCE_CPU) || seen(ev, SOURCE_USAGE);
	return (killed_for(ev, KILL_WALL) && seen(ev, SOURCE_CLOCK) && !wall_over(ev, l)) ||
	       (killed_for(ev, KILL_CPU) && cpu_seen && !cpu_over(ev, l)) ||
	       (killed_for(ev, KILL_OOM) && seen(ev, SOURCE_MEMORY) && !memory_met(ev, l)) ||
	       (ev->waited && !WIFEXITED(ev->wstatus) && !WIFSIGNALED(ev->wstatus));
}

static bool is_seccomp(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ended_by(ev, SIGSYS) && ev->applied & STAGE_BIT(STAGE_SECCOMP);
}

static bool is_fork_bomb(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->cg.pids_refused >= FORK_BOMB_REFUSED;
}

static bool is_signal_storm(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->signals_peak >= SIGNAL_STORM_QUEUED && failed(ev);
}

static bool is_fd_exhaustion(const struct evidence *ev, const struct limits *l)
{
	return ev->fd_peak >= l->of[LIMIT_OPEN_FILES] && failed(ev);
}

static bool is_oom(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->cg.oom_kills > 0;
}

/* v1 tells the supervisor before the kernel chooses a victim; then the counter may never move. */
static bool is_memory_full(const struct evidence *ev, const struct limits *l)
{
	return killed_for(ev, KILL_OOM) && memory_met(ev, l);
}

/* The kernel's backstop, RLIMIT_CPU. raise(SIGXCPU) alone is not enough: the time must be used up. */
static bool is_cpu_kernel(const struct evidence *ev, const struct limits *l)
{
	return !killed_here(ev) && (ended_by(ev, SIGXCPU) || ended_by(ev, SIGKILL)) && cpu_over(ev, l);
}

static bool is_cpu_time(const struct evidence *ev, const struct limits *l)
{
	return killed_for(ev, KILL_CPU) && cpu_over(ev, l);
}

static bool is_processes(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return ev->cg.pids_refused > 0 && failed(ev);
}

static bool is_wall_time(const struct evidence *ev, const struct limits *l)
{
	return killed_for(ev, KILL_WALL) && wall_over(ev, l);
}

/* It was over before anybody could stop it; used is used. */
static bool is_cpu_late(const struct evidence *ev, const struct limits *l)
{
	return cpu_over(ev, l);
}

static bool is_wall_late(const struct evidence *ev, const struct limits *l)
{
	return wall_over(ev, l);
}

static bool is_file_size(const struct evidence *ev, const struct limits *l)
{
	return ended_by(ev, SIGXFSZ) && l->of[LIMIT_FSIZE] != LIMIT_NONE;
}

static bool is_signal(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return !killed_here(ev) && ev->waited && WIFSIGNALED(ev->wstatus);
}

static bool is_exit(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return !killed_here(ev) && exited(ev) && WEXITSTATUS(ev->wstatus) != 0;
}

static bool is_success(const struct evidence *ev, const struct limits *l)
{
	(void)l;
	return !killed_here(ev) && exited(ev) && WEXITSTATUS(ev->wstatus) == 0 &&
	       (seen(ev, SOURCE_CPU) || seen(ev, SOURCE_USAGE));
}

static bool is_the_rest(const struct evidence *ev, const struct limits *l)
{
	(void)ev;
	(void)l;
	return true;
}

const struct abuse_threshold abuse_thresholds[] = {
	{ CAUSE_FORK_BOMB, "pids_refused", FORK_BOMB_REFUSED, is_fork_bomb },
	{ CAUSE_SIGNAL_STORM, "signals_peak", SIGNAL_STORM_QUEUED, is_signal_storm },
	{ CAUSE_FD_EXHAUSTION, "fd_peak", 0, is_fd_exhaustion },
};
const unsigned abuse_threshold_count = sizeof abuse_thresholds / sizeof abuse_thresholds[0];

const char *abuse_pattern(const struct evidence *ev, const struct limits *limits)
{
	for (unsigned i = 0; i < abuse_threshold_count; i++)
		if (abuse_thresholds[i].holds(ev, limits))
			return cause_word(abuse_thresholds[i].cause);
	return NULL;
}

#define S(id)  SOURCE_BIT(SOURCE_##id)
/* To say how a program ended by itself, every way in which it could have been ended must be ruled out. */
#define ITSELF (S(WAIT) | S(JOURNAL) | S(KILLS) | S(MEMORY) | S(PIDS) | S(CONTAINMENT))
#define RULE(c, s, a, src, fn, why)                                                                    \
	{ .cause = CAUSE_##c, .status = STATUS_##s, .actor = ACTOR_##a, .sources = (src), .because = (why), .holds = (fn) }

const struct verdict_rule verdict_rules[] = {
	RULE(TROUBLE, IE, SUPERVISOR, 0, is_trouble, "the supervisor itself could not go on; see evidence.error"),
	RULE(EXEC_FAILED, IE, KERNEL, S(JOURNAL), is_exec_failed, "the program could not be started"),
	RULE(SETUP_FAILED, IE, SUPERVISOR, S(JOURNAL), is_setup_failed, "a stage of the launch failed; nothing ran"),
	RULE(CANCELLED, IE, OPERATOR, S(KILLS), is_cancelled, "the run was interrupted by the caller"),
	RULE(NOT_CONTAINED, IE, SUPERVISOR, S(CONTAINMENT), is_not_contained,
	     "a process of the box was still alive after its end"),
	RULE(CONTRADICTION, IE, SUPERVISOR, S(KILLS), is_contradiction,
	     "the records contradict each other: a kill without its reason, or an end that is none"),
	RULE(SECCOMP, SV, KERNEL, S(WAIT) | S(JOURNAL), is_seccomp, "ended by SIGSYS under the system call filter"),
	RULE(FORK_BOMB, PLE, PROGRAM, S(PIDS), is_fork_bomb, "refused forks reached the threshold of a fork bomb"),
	RULE(SIGNAL_STORM, ABUSE, PROGRAM, S(WAIT), is_signal_storm,
	     "queued signals reached the threshold of a storm, and the program failed"),
	RULE(FD_EXHAUSTION, ABUSE, PROGRAM, S(WAIT), is_fd_exhaustion,
	     "a process held every descriptor it may have, and the program failed"),
	RULE(OOM, MLE, KERNEL, S(MEMORY), is_oom, "the kernel's OOM counter of this box moved"),
	RULE(MEMORY_FULL, MLE, SUPERVISOR, S(MEMORY) | S(KILLS), is_memory_full,
	     "the memory limit was hit and the box was ended for it"),
	RULE(CPU_KERNEL, TLE, KERNEL, S(WAIT) | S(KILLS), is_cpu_kernel,
	     "the kernel ended it at RLIMIT_CPU, and the cpu time limit was used up"),
	RULE(CPU_TIME, TLE, SUPERVISOR, S(KILLS), is_cpu_time, "the cpu time limit was used up and the supervisor ended it"),
	RULE(PROCESSES, PLE, KERNEL, S(PIDS) | S(KILLS), is_processes,
	     "forks were refused at the process limit, and the program failed"),
	RULE(WALL_TIME, TLE, SUPERVISOR, S(KILLS) | S(CLOCK), is_wall_time,
	     "the wall time limit passed and the supervisor ended it"),
	RULE(CPU_LATE, TLE, PROGRAM, S(KILLS), is_cpu_late, "it ended by itself after the cpu time limit was used up"),
	RULE(WALL_LATE, TLE, PROGRAM, S(KILLS) | S(CLOCK), is_wall_late,
	     "it ended by itself after the wall time limit had passed"),
	RULE(FILE_SIZE, FSE, KERNEL, S(WAIT) | S(KILLS), is_file_size, "ended by SIGXFSZ at the file size limit"),
	RULE(SIGNAL, SIG, PROGRAM, ITSELF, is_signal, "ended by a signal that nobody here sent and no limit explains"),
	RULE(EXIT, RE, PROGRAM, ITSELF, is_exit, "exit status other than 0"),
	RULE(SUCCESS, OK, PROGRAM, ITSELF | S(CLOCK), is_success, "exit status 0, and no limit was hit"),
	RULE(MISSING_EVIDENCE, IE, SUPERVISOR, 0, is_the_rest,
	     "a source that would be needed for a verdict is missing; see evidence.missing"),
};
const unsigned verdict_rule_count = sizeof verdict_rules / sizeof verdict_rules[0];

struct verdict verdict_of(const struct evidence *ev, const struct limits *limits)
{
	const struct verdict_rule *r = verdict_rules;
	uint32_t gaps = ev->gaps;
	/* Without a limit nothing could have met it: its counter rules nothing out, and need not be there. */
	gaps &= limits->of[LIMIT_MEMORY] == LIMIT_NONE ? ~S(MEMORY) : ~0u;
	gaps &= limits->of[LIMIT_PROCESSES] == LIMIT_NONE ? ~S(PIDS) : ~0u;
	while ((r->sources & gaps) || !r->holds(ev, limits))
		r++; /* the last rule needs no source and always holds */
	return (struct verdict){ r->status, r->cause, r->actor, r->sources & ~ev->gaps, r->because };
}

struct verdict verdict_refused(void)
{
	return (struct verdict){ STATUS_IE, CAUSE_REFUSED, ACTOR_SUPERVISOR, 0, "nothing was started; see evidence.error" };
}

struct verdict verdict_of_compiler(const struct evidence *ev, const struct limits *limits)
{
	struct verdict v = verdict_of(ev, limits);
	if (v.cause == CAUSE_EXIT || v.cause == CAUSE_SIGNAL) {
		v.status = STATUS_RE;
		v.cause = CAUSE_COMPILE_ERROR;
		v.because = "the compiler refused the source; its output says why";
	}
	return v;
}

enum divergence divergence_of(const struct evidence *ev)
{
	uint64_t cpu = evidence_cpu_ns(ev), wall = ev->wall_ns;
	bool sources = seen(ev, SOURCE_CLOCK) && (seen(ev, SOURCE_CPU) || seen(ev, SOURCE_USAGE));
	if (!sources || wall < 20 * NS_PER_MS) /* too short for a ratio to mean anything */
		return DIVERGENCE_UNKNOWN;
	if (cpu >= wall / 10 * 9)
		return DIVERGENCE_CPU_BOUND;
	/* It wanted to run and was taken off the processor far more often than it gave it up. */
	if (ev->usage.involuntary > 20 && ev->usage.involuntary > 5 * ev->usage.voluntary && cpu > wall / 10)
		return DIVERGENCE_INTERFERENCE;
	return cpu <= wall / 10 * 3 ? DIVERGENCE_BLOCKED : DIVERGENCE_MIXED;
}
