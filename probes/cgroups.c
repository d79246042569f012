/*
 * Our cgroups: in every hierarchy each directory rustbox-<box> in one of our places and everything below that,
 * whatever its name, because a payload may make children and a child keeps its parent from being removed.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/hierarchy.h"
#include "probes/probe.h"
#include "probes/statx.h"

enum { DEPTH = 128 /* one descriptor per level */, FILE_ROOM = 300 };

struct walk {
	struct look *look;
	const struct hierarchy *in;
	struct ownership own;
};

/* Where a cgroup's files are: below its own descriptor, or, for one that has nothing below it, by name below its
 * parent's, which saves ten thousand openings. */
struct place {
	int fd;
	const char *name; /* NULL: fd is the cgroup itself */
};

static const char *file_in(const struct place *at, const char *file, char *room, size_t cap)
{
	(void)snprintf(room, cap, "%s%s%s", at->name ? at->name : "", at->name ? "/" : "", file);
	return room;
}

/* Reads the members of one cgroup; in a threaded v2 cgroup only threads can be listed. A 0 is a process
 * of another pid namespace: it counts as a member but names nobody. */
static unsigned read_members(struct walk *w, const struct place *at, const char *path)
{
	char room[FILE_ROOM];
	autofree char *text = NULL;
	unsigned n = 0;
	ssize_t len = kfile_read_all(at->fd, file_in(at, "cgroup.procs", room, sizeof room), &text);
	if (len == -EOPNOTSUPP)
		len = kfile_read_all(at->fd, file_in(at, "cgroup.threads", room, sizeof room), &text);
	if (len <= 0)
		return 0;
	for (char *s = text, *end; *s; s = *end ? end + 1 : end) {
		long pid = strtol(s, &end, 10);
		if (end == s)
			break;
		n++;
		if (pid <= 0)
			continue;
		struct look *l = w->look;
		struct member *m = arena_push(l->a, &l->members, &l->nmembers, sizeof *l->members);
		*m = (struct member){ .pid = (pid_t)pid, .box = w->own.box, .path = path };
	}
	return n;
}

static void read_state(const struct hierarchy *in, const struct place *at, struct cgroup_facts *f)
{
	char room[FILE_ROOM], state[32] = "";
	uint64_t v = 0;
	if (in->version == 2) {
		const char *events = file_in(at, "cgroup.events", room, sizeof room);
		f->populated = kfile_keyed_u64(at->fd, events, "populated", &v) == 0 ? v : f->procs > 0;
		f->frozen = kfile_keyed_u64(at->fd, events, "frozen", &v) == 0 && v;
		f->memory = kfile_u64(at->fd, file_in(at, "memory.current", room, sizeof room), &v) == 0 ? v : 0;
		return;
	}
	/* Co-mounted controllers share a hierarchy's name; asking the others costs two failing opens a cgroup. */
	if (strstr(in->name, "freezer") &&
	    kfile_read(at->fd, file_in(at, "freezer.state", room, sizeof room), state, sizeof state) > 0)
		f->frozen = strncmp(state, "THAWED", 6) != 0;
	if (strstr(in->name, "memory") && kfile_u64(at->fd, file_in(at, "memory.usage_in_bytes", room, sizeof room), &v) == 0)
		f->memory = v;
	f->populated = f->procs > 0;
}

static const char *detail_of(struct arena *a, const struct cgroup_facts *f)
{
	char buf[120], size[16];
	struct text t = TEXT_ON(buf);
	text_add(&t, "%s %s", f->version == 2 ? "v2" : "v1", f->hierarchy);
	text_add(&t, ", %u process%s", f->procs, f->procs == 1 ? "" : "es");
	if (f->children)
		text_add(&t, ", %u below", f->children);
	if (f->memory) {
		text_size(f->memory, size, sizeof size);
		text_add(&t, ", %s", size);
	}
	if (f->frozen)
		text_add(&t, ", frozen");
	return arena_strdup(a, buf);
}

static void add_cgroup(struct walk *w, const struct identity *id, const char *path, const struct cgroup_facts *facts)
{
	struct arena *a = w->look->a;
	struct resource *r = resource_set_add(&w->look->cgroups, a);
	*r = (struct resource){ .kind = RES_CGROUP, .owner = w->own.owner, .box = w->own.box, .why = w->own.why,
				.born = id->ctime, .old = look_is_older(w->look, id->changed), .cgroup = *facts };
	r->cgroup.inode = id->inode;
	r->id = arena_printf(a, "%s:%llu", w->in->name, (unsigned long long)id->inode);
	r->name = arena_printf(a, "%s%s", w->in->mount, path);
	r->detail = detail_of(a, &r->cgroup);
}

static void fail(struct walk *w, int code, const char *path)
{
	struct err why;
	if (code == ENOENT || code == ENODEV) /* removed while we looked: then it is not there */
		return;
	(void)err_set(&why, code, "look into cgroup %s%s", w->in->mount, path);
	set_incomplete(&w->look->cgroups, &why);
}

static bool take_cgroup(struct walk *w, int parent, const char *name, const char *path, int depth);

/* Counts and takes what lies below; returns whether any of it has members. */
static bool take_below(struct walk *w, int fd, const char *path, int depth, unsigned *count)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	autodir DIR *dir = copy < 0 || depth > DEPTH ? NULL : fdopendir(copy);
	bool below = false;
	if (!dir) {
		fail(w, depth > DEPTH ? ELOOP : errno, path);
		own_close(&copy);
		return false;
	}
	int error;
	for (struct dirent *d; (d = kfile_next(dir, &error));) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		(*count)++;
		below |= take_cgroup(w, fd, d->d_name, arena_printf(w->look->a, "%s/%s", path, d->d_name), depth + 1);
	}
	if (error)
		fail(w, error, path);
	return below;
}

/* Returns whether the cgroup or one below it has members. */
static bool take_cgroup(struct walk *w, int parent, const char *name, const char *path, int depth)
{
	struct identity id;
	int rc = identity_at(parent, name, AT_SYMLINK_NOFOLLOW, &id);
	look_breathe(w->look);
	if (rc) {
		fail(w, -rc, path);
		return false;
	}
	/* Two links, its name and its ".": nothing below. */
	bool leaf = id.links == 2, below = false;
	autofd int fd = leaf ? -1 : openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!leaf && (fd < 0 || identity_at(fd, "", AT_EMPTY_PATH, &id))) {
		fail(w, errno, path);
		return false;
	}
	struct cgroup_facts facts = { .hierarchy = w->in->name, .path = path, .version = w->in->version };
	struct place at = leaf ? (struct place){ parent, name } : (struct place){ fd, NULL };
	if (!leaf)
		below = take_below(w, fd, path, depth, &facts.children);
	facts.procs = read_members(w, &at, path);
	read_state(w->in, &at, &facts);
	facts.populated |= below;
	add_cgroup(w, &id, path, &facts);
	return facts.populated;
}

static void take_place(struct look *l, const struct hierarchy *in, const char *parent)
{
	struct walk w = { .look = l, .in = in };
	const char *prefix = *parent ? arena_printf(l->a, "/%s", parent) : "";
	const char *top = arena_printf(l->a, "%s%s", in->mount, prefix);
	autodir DIR *dir = opendir(top);
	if (!dir) {
		fail(&w, errno, prefix);
		return;
	}
	int error;
	for (struct dirent *d; (d = kfile_next(dir, &error));) {
		const char *box = d->d_type == DT_DIR ? paths_box_of_name(d->d_name) : NULL;
		if (!box)
			continue;
		w.own = ownership_of_box(&l->ledgers, arena_strdup(l->a, box));
		(void)take_cgroup(&w, dirfd(dir), d->d_name, arena_printf(l->a, "%s/%s", prefix, d->d_name), 0);
	}
	if (error)
		fail(&w, error, prefix);
}

void cgroups_read(struct look *l)
{
	struct hierarchy *v = NULL;
	size_t n = 0;
	struct err why;
	l->cgroups.complete = true;
	if (hierarchies_read(l->scope, l->a, &v, &n, &why))
		set_incomplete(&l->cgroups, &why);
	if (!l->places.complete)
		set_incomplete(&l->cgroups, &l->places.why);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < l->places.n; k++)
			take_place(l, &v[i], places_parent(&l->places, k, l->a));
}

void cgroups_observe(struct look *l, struct resource_set *ret)
{
	*ret = *look_cgroups(l);
}
