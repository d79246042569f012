/*
 * Limits: values, the table they come from (limits.def), and what they turn into. Pure.
 *
 * A value is a uint64_t in the row's unit: bytes, nanoseconds, a count, thousandths, or a mask of
 * processors. LIMIT_NONE means "not limited".
 */
#ifndef SANDBOX_POLICY_LIMITS_H
#define SANDBOX_POLICY_LIMITS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "probes/base/err.h"
#include "sandbox/policy/rows.h"

#define LIMIT_NONE UINT64_MAX

enum limit {
#define LIMIT(id, ...) LIMIT_##id,
#include "sandbox/policy/limits.def"
#undef LIMIT
	LIMIT_COUNT
};

#define PROFILES(X)                                                                \
	X(JUDGE, "judge", "a contest submission: little of everything, no network") \
	X(AGENT, "agent", "a tool of an assistant: more memory, processes and time")  \
	X(COMPILER, "compiler", "the compile step of execute-code")

enum profile {
#define X(id, word, help) PROFILE_##id,
	PROFILES(X)
#undef X
	PROFILE_COUNT
};

enum limit_unit { UNIT_BYTES, UNIT_NANOSECONDS, UNIT_COUNT, UNIT_MILLI, UNIT_CPU_LIST };
enum limit_by { BY_CGROUP, BY_RLIMIT, BY_SUPERVISOR, BY_MOUNT };
enum limit_form { FORM_PLAIN, FORM_WITH_MEMORY, FORM_QUOTA, FORM_WEIGHT, FORM_CPU_LIST };
enum { NO_RLIMIT = -1, NO_CONTROLLER = -1 };

struct limit_row {
	const char *flag, *key, *help;
	enum limit_unit unit;
	enum limit_by by;
	int controller; /* enum host_controller, or NO_CONTROLLER */
	const char *v2_file, *v1_file;
	enum limit_form form;
	int rlimit;
	uint64_t defaults[PROFILE_COUNT];
};
extern const struct limit_row limit_rows[LIMIT_COUNT];

struct limits {
	uint64_t of[LIMIT_COUNT];
};

void limits_default(enum profile profile, struct limits *ret);
int profile_parse(const char *word); /* the profile, or -1 */
const char *profile_word(enum profile profile);

/* "64M", "1.5s", "10", "0-1,3"; "none" or "unlimited" gives LIMIT_NONE. The error names the flag. */
int limit_parse(enum limit limit, const char *text, uint64_t *ret, struct err *e) MUST_CHECK;
/* What limit_parse would read back, with a unit; "none" for LIMIT_NONE. Returns out. */
const char *limit_format(enum limit limit, uint64_t value, char *out, size_t cap);
int limit_by_flag(const char *flag); /* without the dashes; -1 when there is none */

/* JSON: bytes and counts are integers, times seconds, cpus a real, cpuset a string, none is null. */
json_t *limits_to_json(const struct limits *limits);
/* Keys that are absent leave *ret as it is; unknown keys and wrong types fail. */
int limits_from_json(const json_t *obj, const char *path, struct limits *ret, struct err *e) MUST_CHECK;

/*
 * What the kernel is told. `version` is 1 or 2, chosen per controller by the caller. Returns the number
 * of rows written (at most KNOBS_PER_LIMIT), in the order in which they must be written.
 */
enum { KNOBS_PER_LIMIT = 2, KNOB_ROOM = 2 * LIMIT_COUNT };
size_t limit_knobs(const struct limits *limits, enum limit limit, int version, struct knob_row *out);
/* RLIMIT_NPROC counts per uid on the host, so it is used only where the pids controller is missing. */
bool limit_rlimit(const struct limits *limits, enum limit limit, bool pids_missing, struct rlimit_row *ret);

#endif
