/* See hold.h. */
#include "sandbox/box/hold.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/kernel/rootfs.h"
#include "sandbox/kernel/sys.h"

enum { FIRST_TRY_S = 2, ALL_TRIES_S = 5 };

static int make_cgroup(struct hold *h, size_t i, struct err *e)
{
	const struct cgroup_tree *t = &h->cgroup.trees[i];
	char name[200], identity[64];
	uint64_t inode;
	unsigned seq;
	(void)snprintf(name, sizeof name, "%s:%s", t->hierarchy, t->path);
	int r = claim_own(&h->claim, RES_CGROUP, name, &seq, e);
	if (r < 0)
		return r;
	r = cgroup_make(&h->cgroup, i, &inode, e);
	if (r == -EEXIST) { /* not of our making: recorded no longer, and not ours to remove */
		int g = claim_gone(&h->claim, seq, NULL);
		return g < 0 ? g : r;
	}
	h->seq[i] = seq;
	if (r < 0)
		return r;
	(void)snprintf(identity, sizeof identity, "%s:%llu", t->hierarchy, (unsigned long long)inode);
	return claim_is(&h->claim, seq, identity, e);
}

static int take_cgroups(const struct paths *paths, const struct host *host, struct plan *plan, struct hold *h,
			struct err *e)
{
	int r = cgroup_open(host, paths, plan->box, plan->cgroup_version, &h->cgroup, e);
	for (size_t i = 0; r == 0 && i < h->cgroup.n; i++)
		r = make_cgroup(h, i, e);
	if (r == 0)
		r = cgroup_limit(&h->cgroup, plan->knobs, plan->nknobs, e);
	if (r < 0)
		return r;
	h->njoin = cgroup_join_fds(&h->cgroup, h->join_fds, e);
	if (h->njoin < 0)
		return h->njoin;
	plan->ncgroup_fds = h->njoin;
	for (int i = 0; i < h->njoin; i++)
		plan->cgroup_fds[i] = h->join_fds[i];
	return 0;
}

static int make_stage_dir(const struct paths *paths, struct err *e)
{
	int r = sys_mkdirat(AT_FDCWD, paths->of[PATH_EMPTY], 0700);
	return r < 0 && r != -EEXIST ? err_set(e, -r, "make %s", paths->of[PATH_EMPTY]) : 0;
}

int hold_take(const struct paths *paths, const struct host *host, struct plan *plan, struct hold *h, struct err *e)
{
	int r = claim_open(paths, plan->box, &h->claim, e);
	if (r == 0)
		r = slot_claim(paths, &h->slot, e);
	if (r == 0)
		r = make_stage_dir(paths, e);
	if (r < 0)
		return r;
	plan->uid = h->slot.uid;
	h->workspace_fd = rootfs_workspace(plan->workspace_data, plan->uid, e);
	if (h->workspace_fd < 0)
		return h->workspace_fd;
	plan->workspace_fd = h->workspace_fd;
	return take_cgroups(paths, host, plan, h, e);
}

static void note_error(struct cleanup *c, const struct err *e)
{
	if (c->nerrors < CLEANUP_ERRORS)
		c->errors[c->nerrors] = *e;
	c->nerrors++;
}

/* Newest first; goes on past one that stays. Returns how many stay. */
static size_t remove_cgroups(struct hold *h, uint64_t deadline, struct cleanup *c)
{
	size_t left = 0;
	for (size_t i = h->cgroup.n; i-- > 0;) {
		struct err e = { 0 };
		if (!h->seq[i])
			continue;
		if (cgroup_remove(&h->cgroup, i, deadline, &e) < 0) {
			note_error(c, &e);
			left++;
			continue;
		}
		if (left) { /* else the ledger is emptied as a whole */
			if (claim_gone(&h->claim, h->seq[i], &e) < 0)
				note_error(c, &e);
		}
		h->seq[i] = 0;
	}
	return left;
}

void hold_release(struct hold *h, struct cleanup *ret)
{
	uint64_t start = clock_mono_ns();
	struct err e = { 0 };
	*ret = (struct cleanup){ .outcome = CLEANUP_CLEAN };
	for (int i = 0; i < h->njoin; i++)
		own_close(&h->join_fds[i]);
	own_close(&h->workspace_fd); /* its last reference: the kernel frees it */
	size_t left = remove_cgroups(h, start + FIRST_TRY_S * NS_PER_S, ret);
	if (left) {
		ret->outcome = CLEANUP_RETRIED;
		left = remove_cgroups(h, start + ALL_TRIES_S * NS_PER_S, ret);
	}
	if (left == 0 && h->claim.fd >= 0 && claim_finish(&h->claim, &e) < 0) {
		note_error(ret, &e);
		left = 1;
	}
	if (left)
		ret->outcome = CLEANUP_LEAKED;
	cgroup_close(&h->cgroup);
	slot_release(&h->slot);
	claim_close(&h->claim);
	ret->ns = clock_mono_ns() - start;
}
