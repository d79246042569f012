/* The worker's health as it stands on disk: parse and format, never write. */
#ifndef PROBES_HEALTH_H
#define PROBES_HEALTH_H

#include <jansson.h>

#include "probes/resource.h"
#include "probes/scope.h"

#define HEALTH_STATUSES(X) X(HEALTHY, "healthy") X(UNHEALTHY, "unhealthy") X(QUARANTINED, "quarantined")

enum health_status {
#define X(id, word) HEALTH_##id,
	HEALTH_STATUSES(X)
#undef X
	HEALTH_STATUSES_COUNT
};

#define HEALTH_REASONS(X)                                                                       \
	X(NONE, "none") X(CLEANUP_FAILURE, "cleanup_failure") X(ORPHAN, "orphan_process_detected") \
	X(BASELINE, "baseline_equivalence_failed") X(EXHAUSTION, "resource_exhaustion")         \
	X(CORRUPT, "state_corrupt") X(MANUAL, "manual_quarantine")

enum health_reason {
#define X(id, word) HEALTH_REASON_##id,
	HEALTH_REASONS(X)
#undef X
	HEALTH_REASON_COUNT
};

enum { MAX_CLEANUP_FAILURES = 3 };

struct health {
	enum health_status status;
	enum health_reason reason;
	unsigned failures;   /* consecutive cleanup failures */
	uint64_t since;	     /* wall clock seconds of the last change of status; 0 = never */
	char note[200];	     /* the operator's reason, or the last cleanup error */
};

bool health_same(const struct health *a, const struct health *b);
json_t *health_to_json(const struct health *h);
int health_from_json(const json_t *j, struct health *ret, struct err *e) MUST_CHECK;
/* A missing file is a healthy worker that was never asked. A corrupt one is *not* an error here: ret
 * becomes quarantined for state_corrupt and -EBADMSG is returned with the reason. */
int health_read(const struct scope *scope, struct health *ret, struct err *e) MUST_CHECK;
const char *health_status_word(enum health_status s);
const char *health_reason_word(enum health_reason r);

#endif
