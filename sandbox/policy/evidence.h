/*
 * The facts of one run, as they were seen: no opinions, and a note of every source that could not be
 * read. A verdict is a function of this and the limits only, so a stored one can be replayed.
 */
#ifndef SANDBOX_POLICY_EVIDENCE_H
#define SANDBOX_POLICY_EVIDENCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "probes/base/err.h"

/* Where a fact comes from. A bit in evidence.gaps means: should have been read, and could not be; a
 * source that the plan does not use at all (a cgroup in a permissive run) is no gap. */
#define SOURCES(X)                                                                    \
	X(WAIT, "wait_status", "how the program ended, from the sandbox's init")      \
	X(JOURNAL, "journal", "the stages the child went through")                    \
	X(KILLS, "kill_record", "whom the supervisor killed, and why")                \
	X(CLOCK, "clock", "time by the monotonic clock since exec")                   \
	X(USAGE, "rusage", "cpu time and memory as the kernel accounted them to the processes") \
	X(CPU, "cgroup_cpu", "cpu time of the cgroup")                                \
	X(MEMORY, "cgroup_memory", "peak, failures and OOM kills of the cgroup")      \
	X(PIDS, "cgroup_pids", "forks that the cgroup refused")                       \
	X(STREAMS, "streams", "what the program wrote")                               \
	X(CONTAINMENT, "containment", "that nothing of the box is alive")

enum source {
#define X(id, word, help) SOURCE_##id,
	SOURCES(X)
#undef X
	SOURCE_COUNT
};
#define SOURCE_BIT(source) (1u << (source))

/* Why the supervisor killed. */
#define KILLS(X)                                                   \
	X(WALL, "wall_time", "the wall clock limit")               \
	X(CPU, "cpu_time", "the cpu time limit")                   \
	X(CANCEL, "cancelled", "the caller was interrupted")       \
	X(TROUBLE, "trouble", "the supervisor could not go on")    \
	X(REST, "rest", "what was left after the program's end")   \
	X(OOM, "oom", "the kernel ended one process for memory, so the whole box goes")

enum kill_reason {
#define X(id, word, help) KILL_##id,
	KILLS(X)
#undef X
	KILL_COUNT
};
#define KILL_BIT(kill) (1u << (kill))

#define INTEGRITIES(X)                             \
	X(COMPLETE, "complete")                    \
	X(TRUNCATED, "truncated_by_limit")         \
	X(CLOSED_EARLY, "closed_early")            \
	X(CRASH, "crash_mid_write")

enum integrity {
#define X(id, word) INTEGRITY_##id,
	INTEGRITIES(X)
#undef X
	INTEGRITY_COUNT
};

struct stream {
	const char *data; /* kept bytes, NULL when they were passed on or went to a file */
	size_t kept;
	uint64_t total; /* bytes the program wrote */
	bool closed_early; /* it closed the stream before it ended */
};

struct cgroup_counters {
	uint64_t memory_peak;  /* bytes, swap not included */
	uint64_t memory_fails; /* times the limit was hit: v2 memory.events max, v1 failcnt */
	uint64_t oom_kills;
	uint64_t pids_refused; /* forks refused: pids.events max */
	uint64_t pids_peak;    /* 0 where the kernel does not say */
	uint64_t cpu_ns;
};

/* The program's own and reaped children's, from wait4. */
struct usage {
	uint64_t user_ns, system_ns, max_rss;
	uint64_t voluntary, involuntary; /* context switches */
};

struct evidence {
	uint32_t applied;      /* bit per stage that was journalled without error */
	int failed_stage;      /* enum stage, -1 when none failed */
	int failed_err;	       /* positive errno of that stage */
	bool waited;	       /* wstatus is the program's own */
	int wstatus;	       /* raw, as wait(2) gives it */
	struct usage usage;
	struct cgroup_counters cg;
	uint64_t wall_ns;      /* from the exec note to the end of the program */
	uint32_t kills;	       /* bit per kill_reason, recorded before the signal is sent */
	struct stream out, err;
	uint32_t gaps;	       /* bit per source that is missing */
	bool contained;	       /* the cgroup read empty after the end */
	uint64_t fd_peak;      /* most descriptors seen in one process, 0 when not sampled */
	uint64_t signals_peak; /* most signals seen queued, 0 when not sampled */
	struct err trouble;    /* what the supervisor itself could not do; code 0 when nothing */
};

/* Nothing seen yet: failed_stage -1, every source a gap. */
void evidence_init(struct evidence *ret);
/* Cpu time by the source that saw more: rusage misses who was not reaped. */
uint64_t evidence_cpu_ns(const struct evidence *ev);
enum integrity evidence_integrity(const struct evidence *ev, const struct stream *s);

json_t *evidence_to_json(const struct evidence *ev);
int evidence_from_json(const json_t *obj, struct evidence *ret, struct err *e) MUST_CHECK;

const char *source_word(enum source s);
const char *integrity_word(enum integrity i);

#endif
