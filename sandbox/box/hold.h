/*
 * What a run holds on the host, all of it recorded before it is made: its ledger and uid (locks), its cgroups, its
 * workspace. Taken in this order, released in the reverse one.
 */
#ifndef SANDBOX_BOX_HOLD_H
#define SANDBOX_BOX_HOLD_H

#include "probes/base/paths.h"
#include "probes/host.h"
#include "sandbox/box/claim.h"
#include "sandbox/box/plan.h"
#include "sandbox/box/slot.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/policy/cleanup.h"

enum { HOLD_WALKS = 2 }; /* a compiler, then what it made */

struct hold {
	struct claim claim;
	struct slot slot;
	struct cgroup cgroup;
	unsigned seq[CGROUP_TREES]; /* of the ledger's entries; 0: none */
	uid_t uid;
	int workspace_fds[HOLD_WALKS]; /* the same file system, detached, once for each walk */
	int join_fds[CGROUP_TREES], njoin;
	bool lives_on; /* a box made by `init`: ledger, uid and workspace are its keeper's, and stay */
	off_t ledger_size; /* of a living box's, before this run's own lines */
};

#define HOLD_NONE ((struct hold){ .claim = CLAIM_NONE, .slot = SLOT_NONE, .workspace_fds = { -1, -1 } })

/* Ledger, uid and workspace, for `walks` programs one after the other. On failure the caller still releases.
 *
 * A box that lives across runs (plan->keep): its keeper holds the ledger's flock, each run takes a write lock of its
 * own open file (F_OFD_SETLK) on the same ledger for as long as it and its init live. -ENOENT: no such box;
 * -EBUSY: another run is in it; -EOWNERDEAD: its keeper is gone, recovery's case. */
int hold_take(const struct paths *paths, const struct plan *plan, size_t walks, struct hold *h, struct err *e) MUST_CHECK;
/* What one walk needs before its init is born: fills in the plan's uid and workspace, makes the v2 cgroup. */
int hold_walk(const struct paths *paths, const struct host *host, struct plan *plan, size_t walk, struct hold *h,
	      struct err *e) MUST_CHECK;
/* The rest, while init puts the root together: the v1 cgroups, all limits, and join_fds, which init waits for. */
int hold_cgroups(const struct plan *plan, struct hold *h, struct err *e) MUST_CHECK;
/* Between two walks: the cgroups of the first go, because their counters tell of it alone. */
int hold_next(struct hold *h, struct err *e) MUST_CHECK;
/* Within 5 s: one try, and another when it failed. What stays is named in ret and stays recorded. */
void hold_release(struct hold *h, struct cleanup *ret);

#endif
