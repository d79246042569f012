/* Temp directories and locks: the files a box leaves. */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"
#include "probes/dirid.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/box/reclaim_child.h"
#include "sandbox/box/trash.h"
#include "sandbox/box/tree.h"
#include "sandbox/kernel/dirs.h"
#include "sandbox/kernel/sys.h"

struct tree_act {
	const char *work, *name;
	struct dirid id;
};

static void tell_parent(void *arg, uint64_t entries)
{
	child_says(arg, entries);
}

static int tree_in_child(void *arg, struct child_voice *voice, struct err *e)
{
	const struct tree_act *act = arg;
	struct tree_watch watch = { .tell = tell_parent, .arg = voice };
	uint64_t entries;
	/* The work directory is the operator's, and may be reached through a link; beneath it nothing may. */
	autofd int work = sys_openat(AT_FDCWD, act->work, O_PATH | O_DIRECTORY, 0);
	if (work < 0)
		return err_set(e, -work, "open %s", act->work);
	if (!dirid_is(&act->id, work, act->name)) /* its birth; device and inode are compared again on what is opened */
		return err_say(e, ENOENT, "it is gone, or another directory has its name now; left alone");
	return tree_remove(work, act->name, makedev(act->id.major, act->id.minor), (ino_t)act->id.inode, &watch, &entries, e);
}

static void to_trash(struct reclaim_item *item, const struct paths *p, const struct tree_act *act)
{
	struct err e = { 0 };
	uint64_t until = clock_wall_s() + TRASH_S;
	int r = trash_put(p, act->name, &act->id, until, &e);
	item->undo_until = r == 0 ? until : 0;
	if (r == 0)
		reclaim_set(item, RECLAIM_RELEASED, 0, "kept for %d min: rustbox reclaim tempdir --undo %s", TRASH_S / 60, item->of.id);
	else
		reclaim_set(item, r == -ENOENT ? RECLAIM_GONE : r == -EBUSY ? RECLAIM_BUSY : RECLAIM_FAILED, r, "%s", e.text);
}

void reclaim_tempdir(struct reclaim_item *item, const struct reclaim_how *how,
		     void (*progress)(void *, uint64_t), void *progress_arg)
{
	struct err e = { 0 };
	const char *slash = strrchr(item->of.name, '/');
	struct tree_act act = { .work = how->scope->paths->of[PATH_WORK], .name = slash ? slash + 1 : item->of.name };
	if (!item->of.id || dirid_parse(item->of.id, &act.id) < 0) {
		reclaim_set(item, RECLAIM_SKIPPED, EINVAL, "not a directory's identity");
		return;
	}
	int below = reclaim_mounts_below(how->scope, item->of.name);
	if (below != 0) {
		reclaim_set(item, below > 0 ? RECLAIM_BUSY : RECLAIM_FAILED, below > 0 ? EBUSY : below,
			    below > 0 ? "%d mounts on or below it: unmount them first; nothing was deleted"
				      : "the mount table could not be read (%d)", below);
		return;
	}
	if (how->trash && trash_has_room(how->scope->paths)) {
		to_trash(item, how->scope->paths, &act);
		return;
	}
	int r = child_do(tree_in_child, &act, how->tree_ms ? how->tree_ms : TREE_MS, progress, progress_arg, &e);
	if (r == 0)
		reclaim_set(item, RECLAIM_RELEASED, 0, "%s", how->trash ? "deleted at once: its space is needed" : "");
	else if (r == -ENOENT)
		reclaim_set(item, RECLAIM_GONE, 0, "%s", e.text);
	else
		reclaim_set(item, r == -EBUSY ? RECLAIM_BUSY : RECLAIM_FAILED, r, "%s", e.text);
}

enum { ASIDE_TRIES = 1024 /* of one box in one second */ };

/* What cannot be parsed is evidence: it is kept beside the state before the lock is emptied. */
static int set_aside(const struct paths *p, const struct claim *c, struct err *e)
{
	char path[PATH_ROOM + 120], buf[4096];
	int r = dirs_make(p, PATH_STATE, 0755, e);
	if (r < 0)
		return r;
	autofd int to = -EEXIST;
	for (unsigned i = 0; to == -EEXIST && i < ASIDE_TRIES; i++) {
		(void)snprintf(path, sizeof path, "%s/ledger-%s.corrupt-%llu.%u", p->of[PATH_STATE], c->box,
			       (unsigned long long)clock_wall_s(), i);
		to = sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	}
	if (to < 0)
		return err_set(e, -to, "keep the corrupt ledger as %s", path);
	ssize_t n;
	for (off_t at = 0; (n = pread(c->fd, buf, sizeof buf, at)) > 0; at += n) {
		r = sys_write_all(to, buf, (size_t)n);
		if (r < 0)
			return err_set(e, -r, "keep the corrupt ledger as %s", path);
	}
	return n < 0 ? err_set(e, errno, "read the corrupt ledger") : 0;
}

/* A ledger that names what no box can own was not written by a box. */
static bool believable(const struct ledger *l, const struct paths *p, const char *box)
{
	bool sane = true;
	for (size_t i = 0; i < l->n; i++) {
		const char *colon = strchr(l->v[i].name, ':');
		struct resource r = { .kind = l->v[i].kind, .name = l->v[i].name, .id = l->v[i].name, .box = box };
		if (r.kind == RES_CGROUP)
			r.cgroup.path = colon ? colon + 1 : r.name;
		sane = sane && (l->v[i].gone || reclaim_in_bounds(&r, p));
	}
	return sane;
}

/* Every entry must be gone from the host itself; 0, or the reason. */
static int all_gone(const struct scope *scope, const struct ledger *l, bool unsure, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct ledger_entry *at = &l->v[i];
		if (at->gone)
			continue;
		if (at->ghost && unsure)
			return err_say(e, EBUSY, "%.120s was detached, and not every process that may hold it could be seen", at->name);
		if (at->ghost) /* one that is still held was in the snapshot, and the plan puts it before the lock */
			continue;
		int there = reclaim_is_there(scope, at->kind, at->name, at->identity, e);
		if (there < 0)
			return there;
		if (there)
			return err_say(e, EBUSY, "its %s %.120s is still there", resource_kind_word(at->kind), at->name);
	}
	return 0;
}

void reclaim_lock(struct reclaim_item *item, const struct reclaim_how *how, struct claim *box)
{
	autoarena struct arena a = { 0 };
	struct err e = { 0 };
	struct ledger l;
	if (box->fd < 0) {
		reclaim_set(item, RECLAIM_GONE, 0, "%s", "");
		return;
	}
	int r = claim_read(box, &a, &l, &e);
	if (r < 0 || !believable(&l, how->scope->paths, box->box))
		r = set_aside(how->scope->paths, box, &e);
	else
		r = all_gone(how->scope, &l, item->unsure, &e);
	if (r == 0)
		r = claim_finish(box, &e);
	reclaim_set(item, r == 0 ? RECLAIM_RELEASED : r == -EBUSY ? RECLAIM_BUSY : RECLAIM_FAILED, r, "%s",
		    r == 0 ? "" : e.text);
}
