/* One look at the host, shared by the observers; see probe.h. */
#include "probes/probe.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/own.h"

observe_fn *const observers[RES_KINDS] = {
	[RES_MOUNT] = mounts_observe,	  [RES_CGROUP] = cgroups_observe, [RES_PROCESS] = processes_observe,
	[RES_TEMPDIR] = tempdirs_observe, [RES_LOCK] = locks_observe,	  [RES_GHOST] = ghosts_observe,
};

/* As mountinfo prints it: without symbolic links. A directory that is not there yet keeps its name. */
static const char *resolved(struct arena *a, const char *path)
{
	autofree char *real = realpath(path, NULL);
	return real ? arena_strdup(a, real) : path;
}

void look_init(struct look *l, const struct scope *scope, struct arena *a)
{
	*l = (struct look){ .scope = scope, .a = a, .began = clock_wall_ns(), .began_boot = clock_boot_ns() };
	ledgers_read(scope, a, &l->ledgers);
	l->world = (struct world){ .work = resolved(a, scope->paths->of[PATH_WORK]),
				   .run = resolved(a, scope->paths->of[PATH_RUN]),
				   .state = resolved(a, scope->paths->of[PATH_STATE]),
				   .ledgers = &l->ledgers };
	places_read(scope->paths, a, &l->places);
	l->proc = open(scope->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void look_done(struct look *l)
{
	if (l->proc >= 0)
		(void)close(l->proc);
	l->proc = -1;
}

bool look_is_older(const struct look *l, uint64_t stamp_ns)
{
	enum { TICK_NS = 10000000 }; /* at the slowest, HZ=100 */
	return stamp_ns && stamp_ns + TICK_NS < l->began;
}

void look_breathe(struct look *l)
{
	enum { STEPS = 64 }; /* some of a millisecond's work */
	if (l->breathe && ++l->steps % STEPS == 0)
		l->breathe(l->breathe_ctx);
}

static int by_mount_id(const void *a, const void *b)
{
	const struct mount_row *x = a, *y = b;
	return (x->facts.mount_id > y->facts.mount_id) - (x->facts.mount_id < y->facts.mount_id);
}

void look_mounts_known(struct look *l, const struct resource_set *mounts)
{
	struct mount_table t = { .v = arena_alloc(l->a, (mounts->n + 1) * sizeof *t.v), .n = mounts->n };
	for (size_t i = 0; i < mounts->n; i++) {
		const struct resource *r = &mounts->v[i];
		t.v[i] = (struct mount_row){ .target = r->name, .facts = r->mount,
					     .unique = r->id[0] == 'o' ? 0 : strtoull(r->id, NULL, 10) };
	}
	if (t.n > 1)
		qsort(t.v, t.n, sizeof *t.v, by_mount_id);
	l->mounts = t;
	l->mounts_read = true;
}

const struct mount_table *look_mounts(struct look *l)
{
	if (!l->mounts_read) {
		l->mounts_read = true;
		/* A recorded tree is text, without unique ids: the kernel would answer for its own table. */
		if (!l->scope->cgroup && mountinfo_own(l->a, &l->mounts))
			return &l->mounts;
		l->mounts_rc = mountinfo_read(l->proc, "self", l->a, &l->mounts, &l->mounts_why);
		if (l->mounts_rc == 0 && !l->scope->cgroup)
			(void)mountinfo_unique_ids(&l->mounts);
	}
	return l->mounts_rc ? NULL : &l->mounts;
}

static int by_pid(const void *a, const void *b)
{
	const struct member *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

const struct resource_set *look_cgroups(struct look *l)
{
	if (!l->cgroups_read) {
		l->cgroups_read = true;
		cgroups_read(l);
		if (l->nmembers > 1)
			qsort(l->members, l->nmembers, sizeof *l->members, by_pid);
	}
	return &l->cgroups;
}

const struct member *look_member(struct look *l, pid_t pid)
{
	(void)look_cgroups(l);
	struct member key = { .pid = pid };
	return l->nmembers ? bsearch(&key, l->members, l->nmembers, sizeof *l->members, by_pid) : NULL;
}

void set_incomplete(struct resource_set *set, const struct err *why)
{
	if (set->complete)
		set->why = *why;
	set->complete = false;
}

void set_note_unowned(struct resource_set *set, const struct ledgers *all)
{
	for (size_t i = 0; !all->complete && i < set->n; i++)
		if (set->v[i].box && !ledgers_find(all, set->v[i].box)) {
			set_incomplete(set, &all->why);
			return;
		}
}
