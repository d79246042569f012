/* The health matrix; see worker.h. Every cell is written out: silence would be a decision too. */
#include "sandbox/policy/worker.h"

#include <stdio.h>

#define TO(status, reason) { HEALTH_##status, HEALTH_REASON_##reason }
#define STAY(status)	   { HEALTH_##status, HEALTH_REASON_COUNT }

const struct health_cell health_matrix[HEALTH_STATUSES_COUNT][HEALTH_EVENT_COUNT] = {
	[HEALTH_HEALTHY] = {
		[HEALTH_EVENT_CLEANUP_OK]     = STAY(HEALTHY),
		[HEALTH_EVENT_CLEANUP_FAILED] = TO(UNHEALTHY, CLEANUP_FAILURE),
		[HEALTH_EVENT_CLEANUP_LIMIT]  = TO(QUARANTINED, CLEANUP_FAILURE),
		[HEALTH_EVENT_LEFTOVERS]      = TO(UNHEALTHY, BASELINE),
		[HEALTH_EVENT_ORPHAN]         = TO(QUARANTINED, ORPHAN),
		[HEALTH_EVENT_EXHAUSTED]      = TO(UNHEALTHY, EXHAUSTION),
		[HEALTH_EVENT_CORRUPT]        = TO(QUARANTINED, CORRUPT),
		[HEALTH_EVENT_QUARANTINE]     = TO(QUARANTINED, MANUAL),
		[HEALTH_EVENT_VERIFIED]       = STAY(HEALTHY),
		[HEALTH_EVENT_UNVERIFIED]     = TO(UNHEALTHY, BASELINE),
		[HEALTH_EVENT_RELEASE]        = STAY(HEALTHY),
	},
	/* A later good run does not prove that the earlier failure's leftovers are gone: only VERIFIED does. */
	[HEALTH_UNHEALTHY] = {
		[HEALTH_EVENT_CLEANUP_OK]     = STAY(UNHEALTHY),
		[HEALTH_EVENT_CLEANUP_FAILED] = TO(UNHEALTHY, CLEANUP_FAILURE),
		[HEALTH_EVENT_CLEANUP_LIMIT]  = TO(QUARANTINED, CLEANUP_FAILURE),
		[HEALTH_EVENT_LEFTOVERS]      = STAY(UNHEALTHY),
		[HEALTH_EVENT_ORPHAN]         = TO(QUARANTINED, ORPHAN),
		[HEALTH_EVENT_EXHAUSTED]      = STAY(UNHEALTHY),
		[HEALTH_EVENT_CORRUPT]        = TO(QUARANTINED, CORRUPT),
		[HEALTH_EVENT_QUARANTINE]     = TO(QUARANTINED, MANUAL),
		[HEALTH_EVENT_VERIFIED]       = TO(HEALTHY, NONE),
		[HEALTH_EVENT_UNVERIFIED]     = STAY(UNHEALTHY),
		[HEALTH_EVENT_RELEASE]        = TO(HEALTHY, NONE),
	},
	/* The first reason stays: it is what the operator has to look into. An operator's word outranks it. */
	[HEALTH_QUARANTINED] = {
		[HEALTH_EVENT_CLEANUP_OK]     = STAY(QUARANTINED),
		[HEALTH_EVENT_CLEANUP_FAILED] = STAY(QUARANTINED),
		[HEALTH_EVENT_CLEANUP_LIMIT]  = STAY(QUARANTINED),
		[HEALTH_EVENT_LEFTOVERS]      = STAY(QUARANTINED),
		[HEALTH_EVENT_ORPHAN]         = STAY(QUARANTINED),
		[HEALTH_EVENT_EXHAUSTED]      = STAY(QUARANTINED),
		[HEALTH_EVENT_CORRUPT]        = STAY(QUARANTINED),
		[HEALTH_EVENT_QUARANTINE]     = TO(QUARANTINED, MANUAL),
		[HEALTH_EVENT_VERIFIED]       = TO(HEALTHY, NONE),
		[HEALTH_EVENT_UNVERIFIED]     = STAY(QUARANTINED),
		[HEALTH_EVENT_RELEASE]        = TO(HEALTHY, NONE),
	},
};

static unsigned failures_after(unsigned failures, enum health_status next, enum health_event event)
{
	if (event == HEALTH_EVENT_CLEANUP_FAILED || event == HEALTH_EVENT_CLEANUP_LIMIT)
		return failures < UINT32_MAX ? failures + 1 : failures;
	/* The count is of failures in a row: one good cleanup breaks the row, whatever the status stays. */
	return event == HEALTH_EVENT_CLEANUP_OK || next == HEALTH_HEALTHY ? 0 : failures;
}

struct health health_next(struct health now, enum health_event event, const char *note, uint64_t wall_s)
{
	struct health next = now;
	if (event == HEALTH_EVENT_CLEANUP_FAILED && now.failures + 1 >= MAX_CLEANUP_FAILURES)
		event = HEALTH_EVENT_CLEANUP_LIMIT;
	/* What an operator closed, an operator opens: a recovery that went well is not his word. */
	if (event == HEALTH_EVENT_VERIFIED && now.status == HEALTH_QUARANTINED && now.reason == HEALTH_REASON_MANUAL)
		return now;
	const struct health_cell *cell = &health_matrix[now.status][event];
	next.failures = failures_after(now.failures, cell->next, event);
	next.status = cell->next;
	if (cell->reason != HEALTH_REASON_COUNT)
		next.reason = cell->reason;
	if (next.status != now.status)
		next.since = wall_s;
	bool newer = event == HEALTH_EVENT_CLEANUP_FAILED && now.status != HEALTH_QUARANTINED;
	if (next.status != now.status || next.reason != now.reason || newer)
		(void)snprintf(next.note, sizeof next.note, "%s", note ? note : "");
	return next;
}

const char *health_event_word(enum health_event event)
{
	static const char *const words[HEALTH_EVENT_COUNT] = {
#define X(id, word, help) [HEALTH_EVENT_##id] = word,
		HEALTH_EVENTS(X)
#undef X
	};
	return words[event];
}
