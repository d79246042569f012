/*
 * rustbox's processes, in one pass over /proc: members of our cgroups, processes a ledger names, those in
 * a box's pid namespace, those with a uid of the pool, and rustbox itself. Only numbers count as evidence;
 * a name or an argument can be anything.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/probe.h"
#include "probes/procread.h"
#include "probes/statx.h"

struct pidns {
	uint64_t inode;
	const char *box;
};

struct recorded {
	pid_t pid;
	uint64_t start;
	const char *box;
};

struct pass {
	struct look *look;
	struct caller caller;
	struct our_programs ours;
	struct pidns *pidns; /* of members of our cgroups */
	size_t npidns;
	struct recorded *recorded; /* by the ledgers, not struck off */
	size_t nrecorded;
	size_t hidden;
	int unread; /* an errno: some process, or the rest of the list, could not be looked at */
	bool root;
	struct resource_set *ret;
};

static void note_pidns(struct pass *p, uint64_t inode, const char *box)
{
	if (!inode || inode == p->caller.pid_ns || (p->npidns && p->pidns[p->npidns - 1].inode == inode))
		return;
	struct pidns *slot = arena_push(p->look->a, &p->pidns, &p->npidns, sizeof *p->pidns);
	*slot = (struct pidns){ inode, box };
}

static void note_recorded(struct pass *p)
{
	const struct ledgers *all = &p->look->ledgers;
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->v[i].n; k++) {
			const struct ledger_entry *entry = &all->v[i].v[k];
			int pid = 0;
			unsigned long long start = 0;
			if (entry->kind != RES_PROCESS || entry->gone || !entry->identity ||
			    sscanf(entry->identity, "%d:%llu", &pid, &start) != 2)
				continue;
			struct recorded *slot = arena_push(p->look->a, &p->recorded, &p->nrecorded, sizeof *p->recorded);
			*slot = (struct recorded){ pid, start, all->v[i].box };
		}
}

static const char *recorded_box(const struct pass *p, const struct procstat *st)
{
	for (size_t i = 0; i < p->nrecorded; i++)
		if (p->recorded[i].pid == st->pid && p->recorded[i].start == st->start_ticks)
			return p->recorded[i].box;
	return NULL;
}

static int by_inode(const void *a, const void *b)
{
	const struct pidns *x = a, *y = b;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

static const char *pidns_box(struct pass *p, int dir)
{
	struct pidns key = { .inode = p->npidns ? namespace_at(dir, "pid") : 0 };
	const struct pidns *at = p->npidns ? bsearch(&key, p->pidns, p->npidns, sizeof key, by_inode) : NULL;
	return at ? at->box : NULL;
}

/* Climbs from a process of the pool to a supervisor of ours or to a member of an active box. */
static bool has_live_parent(struct pass *p, const struct procstat *of)
{
	struct procstat st = *of;
	for (int i = 0; i < CALLER_DEPTH && st.ppid > 1; i++) {
		char name[24];
		(void)snprintf(name, sizeof name, "%d", (int)st.ppid);
		autofd int dir = openat(p->look->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir < 0 || procstat_read(p->look->proc, name, &st))
			return false;
		const struct member *m = look_member(p->look, st.pid);
		if (m ? ownership_of_box(&p->look->ledgers, m->box).owner == OWNER_ACTIVE :
			  our_programs_run_by(&p->ours, dir))
			return true;
	}
	return false;
}

static void add_process(struct pass *p, const struct procstat *st, const struct process_facts *facts, const struct ownership *o)
{
	struct arena *a = p->look->a;
	char buf[64], size[16];
	struct text t = TEXT_ON(buf);
	struct resource *r = resource_set_add(p->ret, a);
	*r = (struct resource){ .kind = RES_PROCESS, .owner = o->owner, .box = o->box, .why = o->why, .process = *facts,
				.born = process_born(st->start_ticks),
				.old = procstat_is_older(st, p->look->began_boot) };
	text_size(st->rss, size, sizeof size);
	text_add(&t, "%c uid %u, %s", st->state, (unsigned)facts->uid, size);
	r->detail = arena_strdup(a, buf);
	r->id = arena_printf(a, "%d:%llu", (int)st->pid, (unsigned long long)st->start_ticks);
	r->name = arena_printf(a, "%s uid %u", r->process.comm, (unsigned)facts->uid);
}

/* What its own cgroup file says of a process that may be ours, and to whom it belongs then. */
static void judge(struct pass *p, int dir, const struct procstat *st, uid_t uid, struct process_clues *c)
{
	struct look *l = p->look;
	struct process_facts facts;
	bool known = false;
	autofree char *cgroups = process_cgroups(dir);
	const char *now = process_cgroup_box(cgroups, &l->places, l->a, &known);
	/* A member's box says whose it is; its program is asked only when that turns out to be old news. */
	if (known && !now && c->cgroup_box)
		c->our_exe = our_programs_run_by(&p->ours, dir);
	c->cgroup_box = known ? now : c->cgroup_box;
	c->ledger_box = recorded_box(p, st);
	c->zombie = st->state == 'Z' || st->state == 'X';
	c->self = (c->cgroup_box || c->ledger_box || c->our_exe) && caller_is(&p->caller, st);
	c->live_parent = c->in_pool && !c->cgroup_box && has_live_parent(p, st);
	struct ownership o = ownership_of_process(&l->ledgers, c);
	if (o.owner == OWNER_FOREIGN)
		return;
	process_describe(dir, st, uid, cgroups, l->a, &facts);
	add_process(p, st, &facts, &o);
}

/* One that a cgroup of ours listed. The list is a moment old: the pid may have been used again since. One that is older
 * than the list is the one that was listed. */
static void take_member(struct pass *p, const struct member *m, int dir, uid_t uid)
{
	struct look *l = p->look;
	struct process_facts facts;
	struct procstat st;
	char name[24];
	uint64_t pid_ns = namespace_at(dir, "pid");
	(void)snprintf(name, sizeof name, "%d", (int)m->pid);
	note_pidns(p, pid_ns, m->box);
	if (procstat_read(l->proc, name, &st))
		return;
	struct process_clues c = { .cgroup_box = m->box, .self = caller_is(&p->caller, &st) };
	if (l->scope->cgroup || !procstat_is_older(&st, l->began_boot)) {
		c.in_pool = uid >= l->scope->paths->uid_base && uid < l->scope->paths->uid_base + UID_POOL;
		judge(p, dir, &st, uid, &c);
		return;
	}
	struct ownership o = ownership_of_process(&l->ledgers, &c);
	process_describe_member(dir, &st, uid, m->path, pid_ns, l->a, &facts);
	add_process(p, &st, &facts, &o);
}

/* Any other is looked at closely only when a cheap sign says it may be ours. */
static void take_other(struct pass *p, const char *name, int dir, uid_t uid)
{
	uid_t pool = p->look->scope->paths->uid_base;
	struct procstat st;
	struct process_clues c = { .in_pool = uid >= pool && uid < pool + UID_POOL,
				   .our_exe = our_programs_run_by(&p->ours, dir), .pidns_box = pidns_box(p, dir) };
	/* Root hides from root only behind a security module or more capabilities, and no payload has those. */
	bool may_be_boxed = uid != 0 || !p->root;
	if (!c.our_exe && may_be_boxed && faccessat(dir, "exe", F_OK, 0) && errno == EACCES)
		p->hidden++;
	bool maybe = c.pidns_box || c.our_exe || c.in_pool || p->nrecorded;
	if (maybe && procstat_read(p->look->proc, name, &st) == 0)
		judge(p, dir, &st, uid, &c);
}

static void take_process(struct pass *p, pid_t pid, const struct member *m)
{
	char name[24];
	struct identity id;
	(void)snprintf(name, sizeof name, "%d", (int)pid);
	look_breathe(p->look);
	autofd int dir = openat(p->look->proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || identity_at(dir, "", AT_EMPTY_PATH, &id)) {
		if (errno != ENOENT && errno != ESRCH) /* else it has ended */
			p->unread = errno;
		return;
	}
	if (m)
		take_member(p, m, dir, id.uid);
	else
		take_other(p, name, dir, id.uid);
}

/* Members first: the others are compared with their pid namespaces. */
static void take_all(struct pass *p, DIR *dir)
{
	pid_t *others = NULL;
	size_t n = 0;
	int error;
	for (struct dirent *d; (d = kfile_next(dir, &error));) {
		pid_t pid = isdigit((unsigned char)d->d_name[0]) ? (pid_t)strtol(d->d_name, NULL, 10) : 0;
		const struct member *m = pid ? look_member(p->look, pid) : NULL;
		if (m)
			take_process(p, pid, m);
		else if (pid)
			*(pid_t *)arena_push(p->look->a, &others, &n, sizeof *others) = pid;
	}
	if (p->npidns > 1)
		qsort(p->pidns, p->npidns, sizeof *p->pidns, by_inode);
	for (size_t i = 0; i < n; i++)
		take_process(p, others[i], NULL);
	p->unread = error ? error : p->unread;
}

void processes_observe(struct look *l, struct resource_set *ret)
{
	struct pass p = { .look = l, .ret = ret, .root = geteuid() == 0 };
	struct err why;
	const struct resource_set *cgroups = look_cgroups(l);
	if (!cgroups->complete)
		set_incomplete(ret, &cgroups->why);
	int fd = openat(l->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		(void)err_set(&why, errno, "open %s", l->scope->proc);
		set_incomplete(ret, &why);
		return;
	}
	caller_read(l->proc, &p.caller);
	our_programs_read(&p.ours);
	note_recorded(&p);
	take_all(&p, dir);
	if (p.unread) {
		(void)err_set(&why, p.unread, "look at the processes in %s", l->scope->proc);
		set_incomplete(ret, &why);
	}
	if (p.hidden) {
		(void)err_say(&why, EACCES, "hidden by permissions: %zu processes; run as root to see them", p.hidden);
		set_incomplete(ret, &why);
	}
}
