/* What the worker remembers of one run: counters, health, events. One call, after the result is decided. */
#ifndef SANDBOX_WORKER_RECORD_H
#define SANDBOX_WORKER_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/paths.h"
#include "probes/health.h"
#include "sandbox/policy/cleanup.h"
#include "sandbox/policy/verdict.h"
#include "sandbox/policy/worker.h"

struct record {
	const char *box;		/* NULL when none was made */
	const struct verdict *verdict;
	const struct cleanup *cleanup;	/* NULL when nothing was started that had to be cleaned up */
	const char *abuse;		/* the attack pattern that was seen, or NULL */
	uint32_t missing;		/* bit per stage that a permissive run went without */
	bool started, contained;
	uint64_t start_ns, wall_ns;	/* request to first instruction; the program's wall time */
};

/* Three failed cleanups in a row quarantine the worker (sandbox/policy/worker.h). `ret` (may be NULL) is the
 * health afterwards. An error means that something was not remembered: the run's own result stands. */
int record_run(const struct paths *p, const struct record *r, struct health *ret, struct err *e) MUST_CHECK;

/* A health event with its metrics and events: quarantine, recovery, cleanup of a box made by `init`. */
int record_health(const struct paths *p, enum health_event event, const char *box, const char *note,
		  struct health *ret, struct err *e) MUST_CHECK;

#endif
