/*
 * Where the space went; see space.h. The walk counts what has a name below the root of the file system, the open files
 * of all processes give what has none; what the file system calls used beyond both is its own (journal, tables,
 * reserve), lies hidden under a mount, or was not reached.
 */
#include "probes/space.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/pressure.h"
#include "probes/probe.h"
#include "probes/procread.h"
#include "probes/refs.h"

enum { DEPTH = 128, CLOCK_EACH = 64 };

struct search {
	struct look look;
	struct space *ret;
	uint64_t mount; /* id: what has another lies on another file system */
	uint64_t until; /* monotonic */
	unsigned steps, hidden;
	bool late;
	/* the process being looked at */
	int dir;
	struct procstat now;
};

static bool is_late(struct search *s)
{
	if (!s->late && ++s->steps % CLOCK_EACH == 0)
		s->late = clock_mono_ns() >= s->until;
	return s->late;
}

static void incomplete(struct space *r, int code, const char *what)
{
	if (r->complete) /* the first reason stays */
		(void)err_say(&r->why, code, "%s", what);
	r->complete = false;
}

/* ---- what has a name ---------------------------------------------------------------------------- */
static void walk(struct search *s, int fd, unsigned depth, struct space_dir *sum);

static void take_entry(struct search *s, int dir, const char *name, unsigned depth, struct space_dir *sum)
{
	struct identity id;
	if (identity_at(dir, name, AT_SYMLINK_NOFOLLOW, &id) || id.mount != s->mount)
		return;
	sum->entries++;
	/* A file with several names is counted by parts: all of them together are one. */
	sum->bytes += S_ISDIR(id.mode) || id.links < 2 ? id.bytes : id.bytes / id.links;
	if (!S_ISDIR(id.mode))
		return;
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno != ENOENT)
		incomplete(s->ret, errno, "not every directory can be opened");
	if (fd >= 0)
		walk(s, fd, depth + 1, sum);
}

/* Takes the descriptor. */
static void walk(struct search *s, int fd, unsigned depth, struct space_dir *sum)
{
	autodir DIR *dir = depth > DEPTH ? NULL : fdopendir(fd);
	if (!dir) {
		(void)close(fd);
		incomplete(s->ret, ELOOP, "directories lie too deep to be walked");
		return;
	}
	int error = 0;
	for (struct dirent *d; !is_late(s) && (d = kfile_next(dir, &error));) {
		struct space_dir own = { 0 };
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		take_entry(s, dirfd(dir), d->d_name, depth, depth ? sum : &own);
		if (depth)
			continue;
		sum->bytes += own.bytes;
		sum->entries += own.entries;
		if (own.entries < 2) /* a file, or an empty directory */
			continue;
		const char *mount = s->ret->mount;
		struct space_dir *slot = arena_push(s->look.a, &s->ret->dirs, &s->ret->ndirs, sizeof *slot);
		*slot = own;
		slot->path = arena_printf(s->look.a, "%s/%s", strcmp(mount, "/") == 0 ? "" : mount, d->d_name);
	}
	if (error)
		incomplete(s->ret, error, "not every directory can be listed");
}

/* ---- what has none ------------------------------------------------------------------------------ */
static const char *name_of(struct search *s, const struct ref *r)
{
	char link[40], path[4400];
	(void)snprintf(link, sizeof link, "fd/%d", r->fd);
	ssize_t n = readlinkat(s->dir, r->kind == REF_FD ? link : r->kind == REF_EXE ? "exe" : r->link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	char *end = strstr(path, " (deleted)");
	if (end && end[10] == '\0')
		*end = '\0';
	return arena_strdup(s->look.a, path);
}

static void take_ref(void *ctx, const struct ref *r)
{
	struct search *s = ctx;
	struct space *ret = s->ret;
	if (!r->id.deleted || !r->id.bytes || !S_ISREG(r->id.mode) || r->id.major != ret->major || r->id.minor != ret->minor)
		return;
	for (size_t i = 0; i < ret->ndeleted; i++)
		if (ret->deleted[i].inode == r->id.inode) {
			ret->deleted[i].holders += ret->deleted[i].pid != s->now.pid;
			return;
		}
	bool known;
	autofree char *cgroups = process_cgroups(s->dir);
	struct space_deleted *slot = arena_push(s->look.a, &ret->deleted, &ret->ndeleted, sizeof *slot);
	*slot = (struct space_deleted){ .pid = s->now.pid, .fd = r->fd, .holders = 1, .inode = r->id.inode, .bytes = r->id.bytes,
					.comm = arena_strdup(s->look.a, s->now.comm), .path = name_of(s, r) };
	slot->box = process_cgroup_box(cgroups, &s->look.places, s->look.a, &known);
	ret->deleted_bytes += r->id.bytes;
}

static void take_processes(struct search *s)
{
	int fd = openat(s->look.proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		incomplete(s->ret, errno, "the processes cannot be listed");
	int error = 0;
	for (struct dirent *d; dir && !is_late(s) && (d = kfile_next(dir, &error));) {
		autofd int one = isdigit((unsigned char)d->d_name[0]) ?
				 openat(s->look.proc, d->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		if (one < 0 || procstat_read(s->look.proc, d->d_name, &s->now))
			continue;
		s->dir = one;
		s->hidden += refs_each(one, s->ret->major, s->ret->minor, take_ref, s) != 0;
	}
	if (error)
		incomplete(s->ret, error, "the processes cannot be listed");
}

/* ---- the whole ---------------------------------------------------------------------------------- */
/* The mount that shows the whole file system of `path`: its own, or another of the same device. */
static int find_mount(struct search *s, const struct identity *id, struct err *e)
{
	const struct mount_table *t = look_mounts(&s->look);
	const struct mount_row *own = NULL, *whole = NULL;
	if (!t) {
		*e = s->look.mounts_why;
		return -e->code;
	}
	for (size_t i = 0; i < t->n; i++)
		if ((id->unique ? t->v[i].unique : t->v[i].facts.mount_id) == id->mount)
			own = &t->v[i];
	if (!own)
		return err_say(e, ENOENT, "%s lies on no mount of this namespace", s->ret->path);
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].facts.major == own->facts.major && t->v[i].facts.minor == own->facts.minor &&
		    strcmp(t->v[i].facts.root, "/") == 0 && t->v[i].facts.layer == 0 && (!whole || &t->v[i] == own))
			whole = &t->v[i];
	s->ret->mount = (whole ? whole : own)->target;
	if (!whole)
		incomplete(s->ret, EXDEV, "only a directory of this file system is mounted here, not the whole");
	return 0;
}

static int by_bytes(const void *a, const void *b)
{
	const struct space_deleted *x = a, *y = b;
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static int dir_by_bytes(const void *a, const void *b)
{
	const struct space_dir *x = a, *y = b;
	return (x->bytes < y->bytes) - (x->bytes > y->bytes);
}

static int look(struct search *s, struct err *e)
{
	struct pressure_disk disk = { .known = false };
	struct space *r = s->ret;
	struct identity id;
	pressure_look_disk(r->path, &disk);
	if (!disk.known) {
		*e = disk.why;
		return -e->code;
	}
	if (identity_at(AT_FDCWD, r->path, 0, &id))
		return err_set(e, errno, "open %s", r->path);
	int rc = find_mount(s, &id, e);
	if (rc)
		return rc;
	int fd = open(r->mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || identity_at(fd, "", AT_EMPTY_PATH, &id)) {
		rc = err_set(e, errno, "open %s", r->mount);
		own_close(&fd);
		return rc;
	}
	s->mount = id.mount;
	r->major = id.major;
	r->minor = id.minor;
	r->total = disk.bytes;
	r->free = disk.free;
	r->used = disk.used;
	r->inodes = disk.inodes;
	r->inodes_free = disk.inodes_free;
	take_processes(s); /* first: they are few, and what a walk cannot find */
	struct space_dir sum = { .bytes = id.bytes };
	walk(s, fd, 0, &sum);
	r->found = sum.bytes;
	r->entries = sum.entries;
	return 0;
}

int space_look(const struct scope *scope, const char *path, unsigned budget_ms, struct arena *a, struct space *ret,
	       struct err *e)
{
	struct space r = { .path = path, .complete = true };
	uint64_t began = clock_mono_ns();
	struct search s = { .ret = &r, .until = began + budget_ms * NS_PER_MS };
	look_init(&s.look, scope, a);
	int rc = look(&s, e);
	look_done(&s.look);
	if (rc)
		return rc;
	if (s.late)
		incomplete(&r, ETIME, "it was not all counted in the time given");
	if (s.hidden)
		incomplete(&r, EACCES, geteuid() ? "some processes hide their open files; run as root to see them" : "some processes hide their open files");
	if (r.ndeleted)
		qsort(r.deleted, r.ndeleted, sizeof *r.deleted, by_bytes);
	if (r.ndirs)
		qsort(r.dirs, r.ndirs, sizeof *r.dirs, dir_by_bytes);
	r.ms = (unsigned)((clock_mono_ns() - began) / NS_PER_MS);
	*ret = r;
	return 0;
}

json_t *space_to_json(const struct space *s)
{
	char device[24];
	json_t *all = json_array();
	uint64_t known = s->found + s->deleted_bytes;
	(void)snprintf(device, sizeof device, "%u:%u", s->major, s->minor);
	json_array_append_new(all, json_pack("{s:s,s:o,s:o,s:s,s:I,s:I,s:I,s:I,s:I}", "op", "space", "path", json_text(s->path), "mount",
					     json_text(s->mount), "device", device, "total", (json_int_t)s->total, "free",
					     (json_int_t)s->free, "used", (json_int_t)s->used, "inodes", (json_int_t)s->inodes,
					     "inodes_free", (json_int_t)s->inodes_free));
	for (size_t i = 0; i < s->ndeleted && i < SPACE_FILES; i++) {
		const struct space_deleted *d = &s->deleted[i];
		json_array_append_new(all, json_pack("{s:s,s:i,s:o,s:o,s:o,s:I,s:I,s:i,s:o}", "op", "deleted", "pid", (int)d->pid,
						     "comm", json_text(d->comm), "fd", d->fd < 0 ? json_null() : json_integer(d->fd),
						     "path", json_text(d->path), "inode", (json_int_t)d->inode, "bytes",
						     (json_int_t)d->bytes, "holders", (int)d->holders, "box", json_text(d->box)));
	}
	for (size_t i = 0; i < s->ndirs && i < SPACE_DIRS; i++)
		json_array_append_new(all, json_pack("{s:s,s:o,s:I,s:I}", "op", "dir", "path", json_text(s->dirs[i].path), "bytes",
						     (json_int_t)s->dirs[i].bytes, "entries", (json_int_t)s->dirs[i].entries));
	json_array_append_new(all, json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:b,s:o,s:I}", "op", "sum", "found", (json_int_t)s->found,
					     "entries", (json_int_t)s->entries, "deleted", (json_int_t)s->deleted_bytes,
					     "deleted_files", (json_int_t)s->ndeleted, "unexplained",
					     (json_int_t)(s->used > known ? s->used - known : 0), "complete", (int)s->complete,
					     "why", s->complete ? json_null() : json_text(s->why.text), "ms", (json_int_t)s->ms));
	return all;
}
