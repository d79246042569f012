/* Whose it is; see ownership.h. */
#include "probes/ownership.h"

#include <string.h>


static const char leak_free[] = "no live owner: the box's lock is free";
static const char leak_unknown[] = "no live owner: the box has no ledger";

struct ownership ownership_of_box(const struct ledgers *all, const char *box)
{
	const struct ledger *l = ledgers_find(all, box);
	if (l && l->held)
		return (struct ownership){ OWNER_ACTIVE, box, "the box's lock is held" };
	if (!l && !all->complete)
		return (struct ownership){ OWNER_ACTIVE, box, "the box's lock cannot be read, so it counts as held" };
	return (struct ownership){ OWNER_LEAK, box, l ? leak_free : leak_unknown };
}

/* The rest of `path` after `dir`, NULL when it is not below; "" when it is dir itself. */
static const char *below(const char *dir, const char *path)
{
	size_t n = strlen(dir);
	if (strncmp(path, dir, n) != 0 || (path[n] != '/' && path[n] != '\0'))
		return NULL;
	return path + n;
}

const char *ownership_box_of_path(const char *work, const char *path, struct arena *a)
{
	const char *rest = below(work, path);
	if (!rest || *rest != '/')
		return NULL;
	rest++;
	const char *name = arena_strndup(a, rest, strcspn(rest, "/"));
	return paths_box_of_name(name);
}

struct ownership ownership_of_mount(const struct world *w, const char *target, struct arena *a)
{
	const char *box = ownership_box_of_path(w->work, target, a);
	if (box)
		return ownership_of_box(w->ledgers, box);
	if (below(w->run, target) || below(w->state, target))
		return (struct ownership){ OWNER_SERVICE, NULL, "under rustbox's own state directories" };
	return (struct ownership){ OWNER_FOREIGN, NULL, "its mount point is not under a box" };
}

struct ownership ownership_of_dir(const struct world *w, const char *box, uid_t uid, uid_t ours, uid_t pool)
{
	if (uid != ours && uid != 0 && (uid < pool || uid >= pool + UID_POOL))
		return (struct ownership){ OWNER_FOREIGN, NULL, "made by a user that is neither rustbox's nor a box's" };
	return ownership_of_box(w->ledgers, box);
}

static struct ownership outside(const struct process_clues *c, const char *box)
{
	if (c->zombie)
		return (struct ownership){ OWNER_LEAK, box, "a zombie of a dead box: its parent does not reap it" };
	return (struct ownership){ OWNER_ORPHAN, box, "a sandboxed process outside its cgroup" };
}

struct ownership ownership_of_process(const struct ledgers *all, const struct process_clues *c)
{
	const char *box = c->cgroup_box ? c->cgroup_box : c->ledger_box;
	if (c->self)
		return (struct ownership){ OWNER_SELF, box, "this program, what started it, or its terminal" };
	if (box)
		return ownership_of_box(all, box);
	if (c->pidns_box) {
		struct ownership o = ownership_of_box(all, c->pidns_box);
		if (o.owner == OWNER_ACTIVE)
			return o;
		if (!c->our_exe)
			return outside(c, c->pidns_box);
		o.why = "the init of a box whose owner is gone";
		return o;
	}
	if (c->our_exe)
		return (struct ownership){ OWNER_SERVICE, NULL, "runs an executable of this installation" };
	if (!c->in_pool)
		return (struct ownership){ OWNER_FOREIGN, NULL, "no cgroup, record, namespace or uid ties it to rustbox" };
	if (c->live_parent || !all->complete)
		return (struct ownership){ OWNER_ACTIVE, NULL, "a uid of the pool, below a live supervisor" };
	return outside(c, NULL);
}
