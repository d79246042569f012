/* See hold.h. */
#include "sandbox/box/hold.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/box/living.h"
#include "sandbox/box/place.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/kernel/rootfs.h"
#include "sandbox/kernel/sys.h"

enum { FIRST_TRY_S = 2, ALL_TRIES_S = 5 };

static int make_cgroup(struct hold *h, size_t i, struct err *e)
{
	const struct cgroup_tree *t = &h->cgroup.trees[i];
	char name[CGROUP_PATH + 64], identity[64];
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

static int make_stage_dir(const struct paths *paths, struct err *e)
{
	int r = sys_mkdirat(AT_FDCWD, paths->of[PATH_EMPTY], 0700);
	return r < 0 && r != -EEXIST ? err_set(e, -r, "make %s", paths->of[PATH_EMPTY]) : 0;
}

static int take_fresh(const struct paths *paths, const struct plan *plan, size_t walks, struct hold *h, struct err *e)
{
	int r = claim_open(paths, plan->box, &h->claim, e);
	if (r == 0)
		r = make_stage_dir(paths, e);
	if (r == 0)
		r = slot_claim(paths, plan->slots, &h->slot, e);
	if (r < 0)
		return r;
	h->uid = plan->rootless ? 0 : h->slot.uid;
	autofd int workspace = rootfs_workspace(plan->workspace_data, h->uid, e);
	if (workspace < 0)
		return workspace;
	if (walks > 1)
		return rootfs_copies(workspace, paths->of[PATH_EMPTY], h->workspace_fds, walks, e);
	h->workspace_fds[0] = take_fd(&workspace);
	return 0;
}

/* ---- a box that lives across runs ---- */

static int remove_recorded(const struct scope *scope, const char *name, uint64_t deadline, struct err *e)
{
	char hierarchy[64];
	const char *colon = strchr(name, ':');
	if (!colon)
		return err_say(e, EBADMSG, "the ledger's cgroup '%.80s' names no hierarchy: run `rustbox health --recover --cleanup`", name);
	(void)snprintf(hierarchy, sizeof hierarchy, "%.*s", (int)(colon - name), name);
	autofd int top = reclaim_hierarchy(scope, hierarchy, e);
	if (top < 0)
		return top;
	return cgroup_remove_at(strcmp(hierarchy, "unified") == 0 ? 2 : 1, top, colon + 1 + strspn(colon + 1, "/"), deadline, e);
}

/* What an earlier run of this box left when it was killed: no run is in it now, so it is nobody's. It stands in the
 * ledger, newest last; where it was made may be another place than ours. */
static int clear_earlier(const struct paths *paths, struct hold *h, struct err *e)
{
	autoarena struct arena a = { 0 };
	struct ledger ledger = { 0 };
	struct scope scope = scope_host(paths);
	int r = claim_read(&h->claim, &a, &ledger, e);
	uint64_t deadline = clock_mono_ns() + ALL_TRIES_S * NS_PER_S;
	h->claim.next = 1;
	for (size_t i = ledger.n; i-- > 0;) {
		const struct ledger_entry *own = &ledger.v[i];
		h->claim.next = own->seq >= h->claim.next ? own->seq + 1 : h->claim.next;
		if (own->kind != RES_CGROUP || own->gone)
			continue;
		r = r == 0 ? remove_recorded(&scope, own->name, deadline, e) : r;
		r = r == 0 ? claim_gone(&h->claim, own->seq, e) : r;
	}
	struct stat st;
	if (r == 0 && fstat(h->claim.fd, &st) < 0)
		r = err_set(e, errno, "look at the ledger of box %s", h->claim.box);
	h->ledger_size = r == 0 ? st.st_size : 0;
	return r;
}

/* The same file system for each walk; it stays mounted where the keeper's ledger says. */
static int enter_workspace(const struct paths *paths, size_t walks, struct hold *h, struct err *e)
{
	autofd int root = living_root(paths, &h->claim, &h->uid, e);
	if (root < 0)
		return root;
	for (size_t i = 0; i < walks; i++) {
		h->workspace_fds[i] = sys_open_tree(root, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
		if (h->workspace_fds[i] < 0)
			return err_set(e, -h->workspace_fds[i], "take the file system of box %s", h->claim.box);
	}
	return 0;
}

static int take_living(const struct paths *paths, const struct plan *plan, size_t walks, struct hold *h, struct err *e)
{
	int r = living_enter(paths, plan->box, &h->claim, e);
	h->lives_on = true;
	if (r == 0)
		r = make_stage_dir(paths, e);
	if (r == 0)
		r = clear_earlier(paths, h, e);
	return r == 0 ? enter_workspace(paths, walks, h, e) : r;
}

int hold_take(const struct paths *paths, const struct plan *plan, size_t walks, struct hold *h, struct err *e)
{
	return plan->keep ? take_living(paths, plan, walks, h, e) : take_fresh(paths, plan, walks, h, e);
}

/* A v2 cgroup is joined by being born in it, one of v1 by a write afterwards: only the first has to be there then. */
static int make_cgroups(struct hold *h, bool before_birth, struct err *e)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < h->cgroup.n; i++)
		if ((h->cgroup.trees[i].ops->version == 2) == before_birth)
			r = make_cgroup(h, i, e);
	return r;
}

int hold_walk(const struct paths *paths, const struct host *host, struct plan *plan, size_t walk, struct hold *h,
	      struct err *e)
{
	plan->uid = h->uid;
	plan->workspace_fd = h->workspace_fds[walk];
	int r = cgroup_open(host, paths, plan->box, plan->cgroup_version, &h->cgroup, e);
	if (r == 0 && h->cgroup.n)
		r = place_record(paths, host, e);
	return r == 0 ? make_cgroups(h, true, e) : r;
}

int hold_cgroups(const struct plan *plan, struct hold *h, struct err *e)
{
	int r = make_cgroups(h, false, e);
	if (r == 0)
		r = cgroup_limit(&h->cgroup, plan->knobs, plan->nknobs, e);
	if (r < 0)
		return r;
	r = cgroup_join_fds(&h->cgroup, h->join_fds, e);
	h->njoin = r < 0 ? 0 : r;
	return r < 0 ? r : 0;
}

/* ---- the end ---- */

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
		/* As a rule the ledger is emptied as a whole, and needs no line for each. */
		if (left && claim_gone(&h->claim, h->seq[i], &e) < 0)
			note_error(c, &e);
		h->seq[i] = 0;
	}
	return left;
}

static void close_joins(struct hold *h)
{
	for (int i = 0; i < h->njoin; i++)
		own_close(&h->join_fds[i]);
	h->njoin = 0;
}

int hold_next(struct hold *h, struct err *e)
{
	uint64_t deadline = clock_mono_ns() + ALL_TRIES_S * NS_PER_S;
	int r = 0;
	close_joins(h);
	for (size_t i = h->cgroup.n; r == 0 && i-- > 0;) {
		if (!h->seq[i])
			continue;
		r = cgroup_remove(&h->cgroup, i, deadline, e);
		if (r == 0)
			r = claim_gone(&h->claim, h->seq[i], e);
		if (r == 0)
			h->seq[i] = 0;
	}
	if (r == 0)
		cgroup_close(&h->cgroup);
	return r;
}

/* Nothing of this run is left: neither are its lines. A living box's ledger would grow with every run. */
static int finish_ledger(struct hold *h, struct err *e)
{
	if (!h->lives_on)
		return claim_finish(&h->claim, e);
	int r = h->ledger_size ? sys_ftruncate(h->claim.fd, h->ledger_size) : 0;
	return r < 0 ? err_set(e, -r, "shorten the ledger of box %s", h->claim.box) : 0;
}

void hold_release(struct hold *h, struct cleanup *ret)
{
	uint64_t start = clock_mono_ns();
	struct err e = { 0 };
	*ret = (struct cleanup){ .outcome = CLEANUP_CLEAN };
	close_joins(h);
	for (size_t i = 0; i < HOLD_WALKS; i++)
		own_close(&h->workspace_fds[i]); /* the last reference: the kernel frees it */
	size_t left = remove_cgroups(h, start + FIRST_TRY_S * NS_PER_S, ret);
	if (left) {
		ret->outcome = CLEANUP_RETRIED;
		left = remove_cgroups(h, start + ALL_TRIES_S * NS_PER_S, ret);
	}
	if (left == 0 && h->claim.fd >= 0 && finish_ledger(h, &e) < 0) {
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
