/* See gather.h. A source that was read leaves ev->gaps; one that could not be stays in. */
#include "sandbox/box/gather.h"

#include "probes/base/clock.h"

enum { CONTAINED_MS = 1000 };

void gather(struct watch *w, struct arena *a)
{
	struct evidence *ev = w->ev;
	struct err e = { 0 };
	/* Init is reaped, so the kernel has reaped the rest before it: this is proof, and does not wait as a rule. */
	int r = cgroup_wait_empty(w->cgroup, clock_mono_ns() + CONTAINED_MS * NS_PER_MS, &e);
	ev->contained = r == 0;
	if (r == 0 || r == -ETIMEDOUT)
		ev->gaps &= ~SOURCE_BIT(SOURCE_CONTAINMENT);
	uint32_t counted = SOURCE_BIT(SOURCE_CPU) | SOURCE_BIT(SOURCE_MEMORY) | SOURCE_BIT(SOURCE_PIDS);
	ev->gaps = (ev->gaps & ~counted) | cgroup_counters(w->cgroup, &ev->cg);
	stream_evidence(&w->out, w->ended_ns, a, &ev->out);
	stream_evidence(&w->err, w->ended_ns, a, &ev->err);
}
