/* One poll loop, from clone until the box is dead and its output is read. No threads, no naps. */
#ifndef SANDBOX_BOX_SUPERVISE_H
#define SANDBOX_BOX_SUPERVISE_H

#include <signal.h>

#include "sandbox/box/launch.h"
#include "sandbox/box/stream.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/policy/evidence.h"

struct watch {
	const struct plan *plan;
	struct child *child;
	const struct cgroup *cgroup;
	const sigset_t *cancel;	 /* NULL: nothing cancels */
	struct stream_pump in, out, err;
	struct evidence *ev;
	/* Filled in by the loop, CLOCK_MONOTONIC ns; 0: it did not happen. */
	uint64_t begun_ns, exec_ns, ended_ns;
	unsigned failed_row;	 /* of the plan, counted from 1 */
};

/* Everything seen goes to w->ev; what the supervisor itself could not do is its `trouble`. When it returns, init has
 * been killed or has ended, and is reaped. */
void supervise(struct watch *w);

#endif
