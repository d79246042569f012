/*
 * Evidence and limits make a verdict: ordered rules, the first that holds wins, and the last always
 * does, so that nothing falls through. Pure: the same facts always give the same words.
 */
#ifndef SANDBOX_POLICY_VERDICT_H
#define SANDBOX_POLICY_VERDICT_H

#include <jansson.h>

#include "sandbox/policy/evidence.h"
#include "sandbox/policy/limits.h"

#define STATUSES(X)                                                   \
	X(OK, "OK", "exit 0 and no limit was hit")                    \
	X(RE, "RE", "exit status other than 0")                       \
	X(SIG, "SIG", "ended by a signal that no limit explains")     \
	X(TLE, "TLE", "cpu or wall time limit")                       \
	X(MLE, "MLE", "memory limit")                                 \
	X(PLE, "PLE", "process limit")                                \
	X(FSE, "FSE", "file size limit")                              \
	X(SV, "SV", "ended by the system call filter")                \
	X(ABUSE, "ABUSE", "descriptors exhausted or a signal storm, by stated thresholds")  \
	X(IE, "IE", "rustbox could not do or prove something")

enum status {
#define X(id, word, help) STATUS_##id,
	STATUSES(X)
#undef X
	STATUS_COUNT
};

#define ACTORS(X) X(PROGRAM, "program") X(KERNEL, "kernel") X(SUPERVISOR, "supervisor") X(OPERATOR, "operator")

enum actor {
#define X(id, word) ACTOR_##id,
	ACTORS(X)
#undef X
	ACTOR_COUNT
};

#define CAUSES(X)                                                                              \
	X(REFUSED, "refused") X(TROUBLE, "supervisor_failed") X(EXEC_FAILED, "exec_failed")    \
	X(SETUP_FAILED, "setup_failed") X(CANCELLED, "cancelled")                              \
	X(NOT_CONTAINED, "not_contained") X(CONTRADICTION, "contradicting_evidence")           \
	X(SECCOMP, "seccomp") X(FORK_BOMB, "fork_bomb") X(SIGNAL_STORM, "signal_storm")        \
	X(FD_EXHAUSTION, "fd_exhaustion") X(OOM, "oom_kill") X(MEMORY_FULL, "memory_limit")    \
	X(CPU_KERNEL, "cpu_time_kernel") X(CPU_TIME, "cpu_time") X(PROCESSES, "process_limit") \
	X(WALL_TIME, "wall_time") X(CPU_LATE, "cpu_time_after_exit")                           \
	X(WALL_LATE, "wall_time_after_exit") X(FILE_SIZE, "file_size") X(SIGNAL, "signal")     \
	X(EXIT, "exit_status") X(COMPILE_ERROR, "compile_error") X(SUCCESS, "success")         \
	X(MISSING_EVIDENCE, "missing_evidence")

enum cause {
#define X(id, word) CAUSE_##id,
	CAUSES(X)
#undef X
	CAUSE_COUNT
};

struct verdict {
	enum status status;
	enum cause cause;
	enum actor actor;
	uint32_t sources;    /* bit per source that proves it */
	const char *because; /* one sentence, static */
};

struct verdict verdict_of(const struct evidence *ev, const struct limits *limits);
/* The same for a run that never began: nothing was started, the error says why. */
struct verdict verdict_refused(void);
/* A compiler that failed: RE with compile_error instead of exit_status or signal. */
struct verdict verdict_of_compiler(const struct evidence *ev, const struct limits *limits);

/*
 * Attack patterns and their thresholds; both are part of every result. A pattern is named whatever the status: a fork
 * bomb is PLE, because the process limit is what met it. It is ABUSE where no limit has a status of its own.
 */
struct abuse_threshold {
	enum cause cause;
	const char *counter;
	uint64_t at_least; /* 0: the limit itself */
	bool (*holds)(const struct evidence *, const struct limits *);
};
extern const struct abuse_threshold abuse_thresholds[];
extern const unsigned abuse_threshold_count;
/* The word of the first pattern that was seen, or NULL. */
const char *abuse_pattern(const struct evidence *ev, const struct limits *limits);

struct verdict_rule {
	enum cause cause;
	enum status status;
	enum actor actor;
	uint32_t sources; /* all must have been seen, or the rule cannot hold */
	const char *because;
	bool (*holds)(const struct evidence *, const struct limits *);
};
extern const struct verdict_rule verdict_rules[];
extern const unsigned verdict_rule_count;

/* Where the time went: cpu against wall, and who took the processor away. */
#define DIVERGENCES(X)                                                                             \
	X(UNKNOWN, "unknown") X(CPU_BOUND, "cpu_bound") X(BLOCKED, "sleep_or_block_bound")         \
	X(INTERFERENCE, "host_interference_suspected") X(MIXED, "mixed")

enum divergence {
#define X(id, word) DIVERGENCE_##id,
	DIVERGENCES(X)
#undef X
	DIVERGENCE_COUNT
};
enum divergence divergence_of(const struct evidence *ev);

json_t *verdict_to_json(const struct verdict *v);
const char *status_word(enum status s);
const char *cause_word(enum cause c);
const char *actor_word(enum actor a);
const char *divergence_word(enum divergence d);

#endif
