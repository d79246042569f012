/*
 * Mount tables; see mountinfo.h. Rows are keyed by id and never by printed text: a mount's source is free
 * text that its maker chose, and its target may hold any byte.
 */
#include "probes/mountinfo.h"

#include <fcntl.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"

enum { READINGS = 8, IDS_AT_ONCE = 512 };

static void free_table(struct libmnt_table **tb)
{
	mnt_unref_table(*tb);
}

static void free_iter(struct libmnt_iter **it)
{
	mnt_free_iter(*it);
}

/* libmount asks what to do with a line it cannot parse: count it and go on. */
static int skip_line(struct libmnt_table *tb, const char *file, int line)
{
	(void)file;
	(void)line;
	size_t *bad = mnt_table_get_userdata(tb);
	(*bad)++;
	return 1;
}

static unsigned optional_number(const char *fields, const char *key)
{
	const char *at = fields ? strstr(fields, key) : NULL;
	return at && (at == fields || at[-1] == ' ') ? (unsigned)strtoul(at + strlen(key), NULL, 10) : 0;
}

static const char *keep(struct arena *a, const char *s)
{
	return s ? arena_strdup(a, s) : "";
}

static struct mount_row row_of(struct libmnt_fs *fs, struct arena *a)
{
	dev_t dev = mnt_fs_get_devno(fs);
	const char *optional = mnt_fs_get_optional_fields(fs);
	return (struct mount_row){
		.target = keep(a, mnt_fs_get_target(fs)),
		.facts = { .parent = (uint64_t)mnt_fs_get_parent_id(fs),
			   .mount_id = (uint64_t)mnt_fs_get_id(fs),
			   .major = major(dev),
			   .minor = minor(dev),
			   .shared = optional_number(optional, "shared:"),
			   .master = optional_number(optional, "master:"),
			   .fstype = keep(a, mnt_fs_get_fstype(fs)),
			   .source = keep(a, mnt_fs_get_source(fs)),
			   .root = keep(a, mnt_fs_get_root(fs)),
			   .options = keep(a, mnt_fs_get_options(fs)) },
	};
}

static int by_id(const void *a, const void *b)
{
	const struct mount_row *x = a, *y = b;
	return (x->facts.mount_id > y->facts.mount_id) - (x->facts.mount_id < y->facts.mount_id);
}

static struct mount_row *find(const struct mount_table *t, uint64_t id)
{
	struct mount_row key = { .facts = { .mount_id = id } };
	return t->n ? bsearch(&key, t->v, t->n, sizeof *t->v, by_id) : NULL;
}

const struct mount_row *mountinfo_find(const struct mount_table *t, uint64_t mount_id)
{
	return find(t, mount_id);
}

/* A mount lies on another when its parent has the same target; ids mostly grow upwards, so the layer below
 * is mostly known already, and the climb is only for the rest. */
static void link_rows(struct mount_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct mount_row *below = find(t, t->v[i].facts.parent);
		if (below && below != &t->v[i])
			below->facts.children++;
		unsigned climbed = 0;
		while (below && below != &t->v[i] && climbed < t->n && strcmp(below->target, t->v[i].target) == 0) {
			climbed++;
			if (below < &t->v[i]) {
				climbed += below->facts.layer;
				break;
			}
			below = find(t, below->facts.parent);
		}
		t->v[i].facts.layer = climbed;
	}
}

int mountinfo_parse(const char *text, struct arena *a, struct mount_table *ret, struct err *e)
{
	struct mount_table t = { 0 };
	__attribute__((cleanup(free_table))) struct libmnt_table *tb = mnt_new_table();
	__attribute__((cleanup(free_iter))) struct libmnt_iter *it = mnt_new_iter(MNT_ITER_FORWARD);
	if (!tb || !it)
		abort();
	if (!*text)
		return err_say(e, EINVAL, "the mount table is empty");
	autofile FILE *f = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	if (!f)
		return err_set(e, errno, "open the mount table");
	(void)mnt_table_set_userdata(tb, &t.bad);
	(void)mnt_table_set_parser_errcb(tb, skip_line);
	int rc = mnt_table_parse_stream(tb, f, "mountinfo");
	if (rc < 0 || mnt_table_is_empty(tb))
		return err_say(e, EINVAL, "not a mount table: no line of it can be parsed");
	struct libmnt_fs *fs = NULL;
	while (mnt_table_next_fs(tb, it, &fs) == 0) {
		struct mount_row *slot = arena_push(a, &t.v, &t.n, sizeof *t.v);
		*slot = row_of(fs, a);
	}
	qsort(t.v, t.n, sizeof *t.v, by_id);
	link_rows(&t);
	*ret = t;
	return 0;
}

int mountinfo_read(int dirfd, const char *who, struct arena *a, struct mount_table *ret, struct err *e)
{
	char path[64];
	autofree char *before = NULL, *now = NULL;
	(void)snprintf(path, sizeof path, "%.40s/mountinfo", who);
	for (int i = 0; i < READINGS; i++) {
		free(before);
		before = take_ptr(&now);
		ssize_t n = kfile_read_all(dirfd, path, &now);
		if (n < 0)
			return err_set(e, (int)-n, "read mountinfo of %s", who);
		if (before && strcmp(before, now) == 0)
			return mountinfo_parse(now, a, ret, e);
	}
	return err_say(e, EAGAIN, "mounts change faster than they can be read (%d readings, none equal)", READINGS);
}

/* ---- unique ids ---------------------------------------------------------------------------------
 * The numbers and layouts of include/uapi/linux/mount.h in Linux 6.8; Debian 12's headers lack them. */
#define NR_STATMOUNT 457L
#define NR_LISTMOUNT 458L
#define LIST_ROOT    UINT64_MAX /* LSMT_ROOT: everything the caller's namespace holds */
#define WANT_BASIC   2ull	/* STATMOUNT_MNT_BASIC */
/* SB_BASIC, MNT_BASIC, PROPAGATE_FROM, MNT_ROOT, MNT_POINT, FS_TYPE; MNT_OPTS is given only when there are some. */
#define WANT_NEEDED  (1ull | 2ull | 4ull | 8ull | 16ull | 32ull)
#define WANT_SOURCE  0x200ull /* given only when it is not empty */
#define WANT_OPTS    0x80ull
#define WANT_SUBTYPE 0x100ull /* "fuse.sshfs": given only when there is one */

struct id_request {
	uint32_t size, spare;
	uint64_t mount, param;
};

struct stat_answer {
	uint32_t size, opts;
	uint64_t mask;
	uint32_t dev_major, dev_minor;
	uint64_t magic;
	uint32_t sb_flags, fs_type;
	uint64_t id, parent_id;
	uint32_t old_id, old_parent_id;
	uint64_t attr, propagation, peer_group, master, propagate_from;
	uint32_t root, point; /* these and opts, fs_type, sb_source: offsets into str */
	uint64_t ns_id;
	uint32_t fs_subtype, sb_source;
	uint64_t rest[48];
	char str[]; /* what the kernel knows of later is written over nothing of ours: the size says where str begins */
};
_Static_assert(sizeof(struct stat_answer) == 512, "the kernel puts the strings after 512 bytes");

static void note_unique(struct mount_table *t, uint64_t unique)
{
	struct id_request req = { .size = sizeof req, .mount = unique, .param = WANT_BASIC };
	struct stat_answer st = { 0 };
	if (syscall(NR_STATMOUNT, &req, &st, sizeof st, 0))
		return; /* gone since it was listed */
	struct mount_row *row = find(t, st.old_id);
	/* The reusable id alone may already name another mount; with the same parent it is the one we read. */
	if (row && row->facts.parent == st.old_parent_id)
		row->unique = st.id;
}

bool mountinfo_unique_ids(struct mount_table *t)
{
	uint64_t ids[IDS_AT_ONCE];
	struct id_request req = { .size = sizeof req, .mount = LIST_ROOT };
	for (;;) {
		long n = syscall(NR_LISTMOUNT, &req, ids, IDS_AT_ONCE, 0);
		if (n < 0)
			return false;
		for (long i = 0; i < n; i++)
			note_unique(t, ids[i]);
		if (n < IDS_AT_ONCE)
			return true;
		req.param = ids[n - 1];
	}
}

static void add_word(char *out, size_t cap, bool on, const char *word)
{
	size_t n = strlen(out);
	if (on && n < cap)
		(void)snprintf(out + n, cap - n, ",%s", word);
}

/* In the kernel's order (fs/proc_namespace.c), then what the file system adds: as libmount joins them. */
static const char *options_of(const struct stat_answer *st, struct arena *a)
{
	char out[160];
	const char *more = st->mask & WANT_OPTS ? st->str + st->opts : "";
	(void)snprintf(out, sizeof out, "%s", st->attr & MOUNT_ATTR_RDONLY || st->sb_flags & MS_RDONLY ? "ro" : "rw");
	add_word(out, sizeof out, st->attr & MOUNT_ATTR_NOSUID, "nosuid");
	add_word(out, sizeof out, st->attr & MOUNT_ATTR_NODEV, "nodev");
	add_word(out, sizeof out, st->attr & MOUNT_ATTR_NOEXEC, "noexec");
	add_word(out, sizeof out, (st->attr & MOUNT_ATTR__ATIME) == MOUNT_ATTR_NOATIME, "noatime");
	add_word(out, sizeof out, st->attr & MOUNT_ATTR_NODIRATIME, "nodiratime");
	add_word(out, sizeof out, (st->attr & MOUNT_ATTR__ATIME) == MOUNT_ATTR_RELATIME, "relatime");
	add_word(out, sizeof out, st->attr & MOUNT_ATTR_NOSYMFOLLOW, "nosymfollow");
	return *more ? arena_printf(a, "%s,%s", out, more) : arena_strdup(a, out);
}

enum { ANSWER_ROOM = 16 * 1024 };

/* 1, 0 when it is gone, -1 when this kernel does not tell everything of it. */
static int stat_row(uint64_t unique, struct stat_answer *st, struct arena *a, struct mount_row *ret)
{
	struct id_request req = { .size = sizeof req, .mount = unique, .param = WANT_NEEDED | WANT_SOURCE | WANT_OPTS | WANT_SUBTYPE };
	memset(st, 0, sizeof *st);
	if (syscall(NR_STATMOUNT, &req, st, ANSWER_ROOM, 0))
		return errno == ENOENT ? 0 : -1;
	if ((st->mask & WANT_NEEDED) != WANT_NEEDED)
		return -1;
	const char *type = st->str + st->fs_type;
	const char *source = st->mask & WANT_SOURCE ? st->str + st->sb_source : "";
	bool sub = st->mask & WANT_SUBTYPE;
	*ret = (struct mount_row){
		.target = arena_strdup(a, st->str + st->point),
		.unique = st->id,
		.facts = { .parent = st->old_parent_id, .mount_id = st->old_id, .major = st->dev_major,
			   .minor = st->dev_minor, .shared = (unsigned)st->peer_group, .master = (unsigned)st->master,
			   .fstype = sub ? arena_printf(a, "%s.%s", type, st->str + st->fs_subtype) : arena_strdup(a, type),
			   .source = arena_strdup(a, source), .root = arena_strdup(a, st->str + st->root),
			   .options = options_of(st, a) },
	};
	return 1;
}

bool mountinfo_one(uint64_t unique, struct arena *a, struct mount_row *ret)
{
	autofree struct stat_answer *st = malloc(ANSWER_ROOM);
	if (!st)
		abort();
	/* Without a source it may be a kernel that tells none (before 6.13). */
	return stat_row(unique, st, a, ret) == 1 && st->mask & WANT_SOURCE;
}

bool mountinfo_own(struct arena *a, struct mount_table *ret)
{
	enum { FIRST_ROOM = 1024, LAST_ROOM = 1 << 20 };
	struct mount_table t = { 0 };
	autofree struct stat_answer *st = malloc(ANSWER_ROOM);
	autofree uint64_t *ids = NULL;
	bool sources = false;
	long n = 0;
	if (!st)
		abort();
	/* One call that gives them all is one moment of the table. */
	for (size_t room = FIRST_ROOM; n == 0 && room <= LAST_ROOM; room *= 4) {
		struct id_request req = { .size = sizeof req, .mount = LIST_ROOT };
		free(ids);
		ids = malloc(room * sizeof *ids);
		if (!ids)
			abort();
		n = syscall(NR_LISTMOUNT, &req, ids, room, 0);
		n = n == (long)room ? 0 : n;
	}
	if (n <= 0)
		return false;
	t.v = arena_alloc(a, ((size_t)n + 1) * sizeof *t.v);
	for (long i = 0; i < n; i++) {
		int known = stat_row(ids[i], st, a, &t.v[t.n]);
		if (known < 0)
			return false;
		t.n += (size_t)known;
		sources = sources || (known && st->mask & WANT_SOURCE);
	}
	if (!sources) /* this kernel tells none, or there are no mounts: the text says which */
		return false;
	qsort(t.v, t.n, sizeof *t.v, by_id);
	link_rows(&t);
	*ret = t;
	return true;
}
