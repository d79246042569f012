/*
 * The worker's health as a function: [status][event] to the next status. Pure; who persists it and who
 * is told is worker/'s business.
 */
#ifndef SANDBOX_POLICY_WORKER_H
#define SANDBOX_POLICY_WORKER_H

#include "probes/health.h"

#define HEALTH_EVENTS(X)                                                                             \
	X(CLEANUP_OK, "cleanup_ok", "a run was cleaned up and verified")                             \
	X(CLEANUP_FAILED, "cleanup_failed", "a cleanup failed, fewer than MAX_CLEANUP_FAILURES in a row") \
	X(CLEANUP_LIMIT, "cleanup_limit", "the MAX_CLEANUP_FAILURES-th failed cleanup in a row")     \
	X(LEFTOVERS, "leftovers_seen", "leftovers or a violated baseline were seen")                 \
	X(ORPHAN, "orphan_seen", "a sandboxed process runs outside its cgroup")                      \
	X(EXHAUSTED, "resources_exhausted", "the host cannot give what a box needs")                 \
	X(CORRUPT, "state_corrupt", "the state file could not be believed")                          \
	X(QUARANTINE, "manual_quarantine", "an operator took the worker out of service")             \
	X(VERIFIED, "verified_clean", "a recovery ended, and a complete look found nothing left")    \
	X(UNVERIFIED, "not_verified", "a recovery ended, and something is left or was not seen")     \
	X(RELEASE, "manual_release", "an operator put it back, after a complete look found nothing left")

enum health_event {
#define X(id, word, help) HEALTH_EVENT_##id,
	HEALTH_EVENTS(X)
#undef X
	HEALTH_EVENT_COUNT
};

/*
 * Counts failures, and turns CLEANUP_FAILED into CLEANUP_LIMIT when it is one too many: callers
 * report only CLEANUP_FAILED. `note` (may be NULL) becomes the new state's note when the status or
 * the reason changes. VERIFIED releases what failures put in quarantine, not what an operator did.
 */
struct health health_next(struct health now, enum health_event event, const char *note, uint64_t wall_s);

struct health_cell {
	enum health_status next;
	enum health_reason reason; /* for the new status; HEALTH_REASON_COUNT keeps the old one */
};
extern const struct health_cell health_matrix[HEALTH_STATUSES_COUNT][HEALTH_EVENT_COUNT];
const char *health_event_word(enum health_event event);

#endif
