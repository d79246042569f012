/* The runbook's six reasons to call engineering, worked out from what was recorded and what is seen now. */
#ifndef SANDBOX_OPS_ESCALATE_H
#define SANDBOX_OPS_ESCALATE_H

#include <jansson.h>
#include <stdio.h>

#include "probes/diff.h"
#include "probes/health.h"
#include "probes/pressure.h"

#define ESCALATIONS(X)                                                                \
	X(RECURS, "cleanup_failures_recur", "cleanup failures recur: more than one an hour") \
	X(PROCEDURE, "procedures_failed", "the last clean-up by hand or by recovery left something") \
	X(KERNEL, "kernel_bug_evidence", "the kernel's log speaks of a bug")             \
	X(FILESYSTEM, "filesystem_corruption", "the kernel's log speaks of a damaged file system") \
	X(QUARANTINE, "cannot_unquarantine", "the worker is quarantined, and releasing it was refused") \
	X(BASELINE, "baseline_not_restored", "a recovery ended, and the host is still not what its baseline says")

enum escalation {
#define X(id, word, help) ESCALATE_##id,
	ESCALATIONS(X)
#undef X
	ESCALATE_COUNT
};

struct escalations {
	struct {
		int met; /* 1, 0, or -1: not known */
		char because[200];
	} of[ESCALATE_COUNT];
	unsigned met; /* how many are */
};

void escalations_judge(const struct health *health, const struct diff *diff, const struct paths *p,
		       const struct pressure *pressure, struct escalations *ret);
json_t *escalations_to_json(const struct escalations *e);
void escalations_to_text(const struct escalations *e, FILE *out);

#endif
