/*
 * Temp directories: rustbox-<box> directly below the work root. Nothing is opened that lies under a mount,
 * because the file system mounted there may never answer: for a covered directory the entry's inode number
 * comes from reading the work root, and its contents stay unknown until the mount is gone.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/probe.h"
#include "probes/statx.h"

enum { ENTRIES = 4096 }; /* how many of the top level are counted */

struct cover {
	unsigned below; /* mounts on the directory or deeper */
	bool on;	/* one of them on the directory itself */
};

/* The mount points below the work root in strcmp order, so that one directory's are found by bisection. */
struct targets {
	const char **v;
	size_t n;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct targets targets_below(const struct mount_table *t, const char *work, struct arena *a)
{
	struct targets list = { 0 };
	size_t len = strlen(work);
	for (size_t i = 0; t && i < t->n; i++) {
		if (strncmp(t->v[i].target, work, len) != 0 || t->v[i].target[len] != '/')
			continue;
		const char **slot = arena_push(a, &list.v, &list.n, sizeof *list.v);
		*slot = t->v[i].target;
	}
	if (list.n > 1)
		qsort(list.v, list.n, sizeof *list.v, by_text);
	return list;
}

/* How many targets begin with `prefix` (or, with `whole`, are equal to it). */
static unsigned count_from(const struct targets *t, const char *prefix, bool whole)
{
	size_t low = 0, high = t->n, len = strlen(prefix) + whole;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strcmp(t->v[mid], prefix) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	size_t end = low;
	while (end < t->n && strncmp(t->v[end], prefix, len) == 0)
		end++;
	return (unsigned)(end - low);
}

static struct cover cover_of(const struct targets *t, const char *path, struct arena *a)
{
	unsigned on = count_from(t, path, true);
	return (struct cover){ .on = on, .below = on + count_from(t, arena_printf(a, "%s/", path), false) };
}

/* Sizes are asked only when no mount is below: a file of the top level may be one. */
static void count_top(int parent, const char *name, bool sizes, struct tempdir_facts *f)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		(void)close(fd);
	for (struct dirent *d; dir && f->entries < ENTRIES && (d = readdir(dir));) {
		struct stat st;
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		f->entries++;
		if (sizes && d->d_type == DT_REG && fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			f->bytes += (uint64_t)st.st_blocks * 512;
	}
}

static const char *detail_of(struct arena *a, const struct tempdir_facts *f, bool covered)
{
	char buf[96], size[16];
	struct text t = TEXT_ON(buf);
	text_size(f->bytes, size, sizeof size);
	if (covered)
		text_add(&t, "a mount lies on it");
	else
		text_add(&t, "%llu%s entries, %s", (unsigned long long)f->entries, f->entries >= ENTRIES ? "+" : "", size);
	if (f->mounts_below)
		text_add(&t, ", %u mount%s below", f->mounts_below, f->mounts_below == 1 ? "" : "s");
	return arena_strdup(a, buf);
}

struct work {
	struct look *look;
	struct targets targets;
	struct identity root; /* the work root's own */
	uid_t ours;	      /* who owns rustbox's ledger directory */
	int bare;	      /* the work root without what is mounted below it; -1 not asked for yet, -2 not to be had */
};

/* The birth of a directory that something is mounted on: asked in a detached copy of the work root's own mount, which
 * has nothing mounted on it, is in nobody's tree and ends with its descriptor. 0: this kernel or caller cannot. */
static uint64_t covered_birth(struct work *w, int parent, const char *name, uint64_t inode)
{
	struct identity id;
	if (w->bare == -1)
		w->bare = open_tree(parent, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (w->bare < 0) {
		w->bare = -2; /* once is enough */
		return 0;
	}
	return identity_at(w->bare, name, AT_SYMLINK_NOFOLLOW, &id) == 0 && id.inode == inode ? id.birth : 0;
}

static void take_dir(struct work *w, int parent, const struct dirent *d, const char *box, struct resource_set *ret)
{
	struct arena *a = w->look->a;
	const char *path = arena_printf(a, "%s/%s", w->look->world.work, d->d_name);
	struct cover cover = cover_of(&w->targets, path, a);
	struct identity id = w->root;
	id.inode = d->d_ino;
	id.mtime = id.birth = 0;
	if (cover.on)
		id.birth = covered_birth(w, parent, d->d_name, id.inode);
	int rc = cover.on ? 0 : identity_at(parent, d->d_name, AT_SYMLINK_NOFOLLOW, &id);
	if (rc && rc != -ENOENT) {
		struct err why;
		(void)err_set(&why, -rc, "look at %s", path);
		set_incomplete(ret, &why);
	}
	if (rc || (!cover.on && !S_ISDIR(id.mode)))
		return;
	struct tempdir_facts facts = { .inode = id.inode, .major = id.major, .minor = id.minor, .mtime = id.mtime,
				       .mounts_below = cover.below };
	if (!cover.on)
		count_top(parent, d->d_name, !cover.below, &facts);
	struct ownership o = cover.on ? ownership_of_box(&w->look->ledgers, box) :
					ownership_of_dir(&w->look->world, box, id.uid, w->ours,
							 w->look->scope->paths->uid_base);
	struct resource *r = resource_set_add(ret, a);
	*r = (struct resource){ .kind = RES_TEMPDIR, .owner = o.owner, .why = o.why, .name = path,
				.box = o.box, .born = facts.mtime, .tempdir = facts,
				.old = look_is_older(w->look, id.birth ? id.birth : id.changed),
				.detail = detail_of(a, &facts, cover.on) };
	r->id = arena_printf(a, "%u:%u:%llu", facts.major, facts.minor, (unsigned long long)facts.inode);
	if (id.birth)
		r->id = arena_printf(a, "%s:%llu", r->id, (unsigned long long)id.birth);
}

void tempdirs_observe(struct look *l, struct resource_set *ret)
{
	const struct mount_table *mounts = look_mounts(l);
	struct work w = { .look = l, .bare = -1, .targets = targets_below(mounts, l->world.work, l->a) };
	struct identity ledger;
	struct err why;
	autodir DIR *dir = opendir(l->world.work);
	if (!dir && (errno == ENOENT || errno == ENOTDIR))
		return;
	if (!dir || identity_at(dirfd(dir), "", AT_EMPTY_PATH, &w.root)) {
		(void)err_set(&why, errno, "open %s", l->world.work);
		set_incomplete(ret, &why);
		return;
	}
	if (!mounts)
		set_incomplete(ret, &l->mounts_why);
	if (identity_at(AT_FDCWD, l->scope->paths->of[PATH_LEDGER], AT_SYMLINK_NOFOLLOW, &ledger) == 0)
		w.ours = ledger.uid;
	int error;
	for (struct dirent *d; (d = kfile_next(dir, &error));) {
		const char *box = d->d_type == DT_DIR || d->d_type == DT_UNKNOWN ? paths_box_of_name(d->d_name) : NULL;
		if (box)
			take_dir(&w, dirfd(dir), d, arena_strdup(l->a, box), ret);
	}
	if (error) {
		(void)err_set(&why, error, "list %s", l->world.work);
		set_incomplete(ret, &why);
	}
	if (w.bare >= 0)
		(void)close(w.bare);
}
