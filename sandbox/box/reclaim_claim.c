/*
 * A box releasing what it recorded, newest first. No look at the whole host: the ledger says what there is, and each
 * entry is asked for by identity. An entry without one was cut short between "own" and "is": what stands under its
 * name is taken for it, because the name is the box's own and its lock is held by us.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "sandbox/box/claim.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/box/reclaim_mount.h"
#include "sandbox/kernel/sys.h"

static const char *id_of_mount(const char *name, struct arena *a)
{
	char id[MOUNT_ID_ROOM];
	return reclaim_mount_id_at(AT_FDCWD, name, id) == 0 ? arena_strdup(a, id) : NULL;
}

static const char *id_of_dir(const char *name, struct arena *a)
{
	struct stat st;
	if (lstat(name, &st) < 0 || !S_ISDIR(st.st_mode))
		return NULL;
	return arena_printf(a, "%u:%u:%llu", major(st.st_dev), minor(st.st_dev), (unsigned long long)st.st_ino);
}

static const char *id_of_cgroup(const struct scope *scope, const char *name, struct arena *a)
{
	struct stat st;
	const char *colon = strchr(name, ':');
	if (!colon)
		return NULL;
	const char *hierarchy = arena_strndup(a, name, (size_t)(colon - name));
	autofd int root = reclaim_hierarchy(scope, hierarchy, NULL);
	autofd int fd = root < 0 ? root : sys_openat2(root, colon + 1 + strspn(colon + 1, "/"), O_PATH | O_NOFOLLOW, 0,
						      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	return arena_printf(a, "%s:%llu", hierarchy, (unsigned long long)st.st_ino);
}

static void item_of(const struct ledger_entry *at, const struct claim *c, const struct scope *scope, struct arena *a,
		    struct reclaim_item *item)
{
	struct resource r = { .kind = at->kind, .owner = OWNER_LEAK, .name = at->name, .id = at->identity,
			      .box = arena_strdup(a, c->box) };
	if (!r.id && r.kind == RES_MOUNT)
		r.id = id_of_mount(at->name, a);
	else if (!r.id && r.kind == RES_TEMPDIR)
		r.id = id_of_dir(at->name, a);
	else if (!r.id && r.kind == RES_CGROUP)
		r.id = id_of_cgroup(scope, at->name, a);
	else if (!r.id && r.kind == RES_PROCESS)
		r.id = at->name;
	if (r.kind == RES_CGROUP) {
		const char *colon = strchr(at->name, ':');
		r.cgroup.path = colon ? colon + 1 : at->name;
	}
	*item = (struct reclaim_item){ .of = r, .blocker = RECLAIM_NOTHING };
	for (int i = 0; i < RECLAIM_BLOCKS; i++)
		item->blocks[i] = RECLAIM_NOTHING;
}

static void release(struct reclaim_item *item, struct claim *c, const struct reclaim_how *how)
{
	switch (item->of.kind) {
	case RES_MOUNT:
		reclaim_mount(item, how, c);
		break;
	case RES_CGROUP:
		reclaim_cgroup(item, how);
		break;
	case RES_PROCESS: /* a keeper that has ended needs no wait for its parent's attention */
		if (reclaim_is_there(how->scope, RES_PROCESS, item->of.name, item->of.id, NULL) == 0)
			reclaim_set(item, RECLAIM_GONE, 0, "%s", "");
		else
			reclaim_processes(&item, 1, how);
		break;
	case RES_TEMPDIR:
		reclaim_tempdir(item, how, NULL, NULL);
		break;
	case RES_LOCK:
	case RES_GHOST:
	case RES_KINDS:
		reclaim_set(item, RECLAIM_SKIPPED, EINVAL, "nothing a box can own");
		break;
	}
}

static unsigned less(unsigned wanted, unsigned usual, uint64_t until)
{
	uint64_t now = clock_mono_ns();
	uint64_t rest = now >= until ? 1 : (until - now) / NS_PER_MS + 1;
	wanted = wanted ? wanted : usual;
	return rest < wanted ? (unsigned)rest : wanted;
}

static void release_entry(struct reclaim_item *item, const struct ledger_entry *at, struct claim *c,
			  const struct reclaim_how *how, uint64_t until)
{
	struct err e = { 0 };
	uint64_t start = clock_mono_ns();
	struct reclaim_how within = *how;
	within.umount_ms = less(how->umount_ms, UMOUNT_MS, until);
	within.tree_ms = less(how->tree_ms, TREE_MS, until);
	within.kill_ms = less(how->kill_ms, KILL_MS, until);
	within.rmdir_ms = less(how->rmdir_ms, RMDIR_MS, until) / 2 + 1;
	if (at->ghost)
		reclaim_set(item, RECLAIM_BUSY, EBUSY, "detached earlier; a ghost until its last holder ends");
	else if (!item->of.id)
		reclaim_set(item, RECLAIM_GONE, 0, "it was recorded, and never made");
	else if (!reclaim_in_bounds(&item->of, how->scope->paths))
		reclaim_set(item, RECLAIM_SKIPPED, EPERM, "the ledger names a thing outside rustbox's own: left alone");
	else if (start >= until)
		reclaim_set(item, RECLAIM_SKIPPED, ETIMEDOUT, "cleanup_timeout: no time was left for it");
	else
		release(item, c, &within);
	item->ms = (clock_mono_ns() - start) / NS_PER_MS;
	if (item->ghost)
		return;
	if ((item->outcome == RECLAIM_RELEASED || item->outcome == RECLAIM_GONE) && claim_gone(c, at->seq, &e) < 0)
		reclaim_set(item, RECLAIM_FAILED, e.code, "gone, but not struck off: %s", e.text);
}

size_t reclaim_claim(struct claim *c, const struct reclaim_how *how, unsigned ms, struct arena *a,
		     struct reclaim_plan *ret)
{
	struct reclaim_plan p = { 0 };
	struct ledger l;
	struct err e = { 0 };
	size_t left = 0;
	uint64_t until = clock_mono_ns() + ms * NS_PER_MS;
	if (claim_read(c, a, &l, &e) < 0) {
		struct reclaim_item *item = arena_push(a, &p.v, &p.n, sizeof *item);
		item_of(&(struct ledger_entry){ .kind = RES_LOCK, .name = c->box, .identity = c->box }, c, how->scope, a, item);
		reclaim_set(item, RECLAIM_FAILED, e.code, "the ledger cannot be believed: %s", e.text);
		*ret = p;
		return 1;
	}
	for (size_t i = l.n; i-- > 0;) {
		if (l.v[i].gone)
			continue;
		struct reclaim_item *item = arena_push(a, &p.v, &p.n, sizeof *item);
		item_of(&l.v[i], c, how->scope, a, item);
		release_entry(item, &l.v[i], c, how, until);
		left += item->ghost || (item->outcome != RECLAIM_RELEASED && item->outcome != RECLAIM_GONE);
	}
	if (!left && claim_finish(c, &e) < 0) {
		struct reclaim_item *item = arena_push(a, &p.v, &p.n, sizeof *item);
		item_of(&(struct ledger_entry){ .kind = RES_LOCK, .name = c->box, .identity = c->box }, c, how->scope, a, item);
		reclaim_set(item, RECLAIM_FAILED, e.code, "%s", e.text);
		left++;
	}
	*ret = p;
	return left;
}
