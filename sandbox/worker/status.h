/*
 * The worker's health, persisted: read, next (sandbox/policy/worker.h), replaced atomically. The state directory's
 * flock serializes writers; readers need none, because the file is only ever replaced whole.
 */
#ifndef SANDBOX_WORKER_STATUS_H
#define SANDBOX_WORKER_STATUS_H

#include "probes/base/paths.h"
#include <stdbool.h>

#include "sandbox/policy/worker.h"

struct status_change {
	struct health before, after;
	bool was_corrupt; /* the file was set aside, and the worker quarantined for it */
};

/* Makes the state directory when missing. Waits at most 2 s for another writer (-EBUSY). Nothing is written when
 * nothing changes, which is the common case of a clean run. */
int status_event(const struct paths *p, enum health_event event, const char *note, struct status_change *ret,
		 struct err *e) MUST_CHECK;

/* Makes <state> and what it stands on, 0755. */
int status_directory(const struct paths *p, struct err *e) MUST_CHECK;

#endif
