/*
 * Ghosts: file systems of a box that this namespace no longer shows and that live on, because another
 * mount namespace has a copy of the mount or a process holds a file of it after a lazy unmount. What ties
 * one to a box is a mount point under our work root in a namespace with the caller's root, or the ledger:
 * the unique id of the mount, or the device noted at the lazy unmount. Device numbers of memory file
 * systems are soon used again, so a device alone is believed only with the box's name as its source.
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
#include "probes/pressure.h"
#include "probes/probe.h"
#include "probes/procread.h"
#include "probes/refs.h"

/* A mount or device the ledgers say was ours and this namespace no longer shows. */
struct sought {
	uint64_t unique; /* 0 when not known */
	unsigned major, minor;
	bool device; /* major:minor is known */
	const char *box;
};

struct hunt {
	struct look *look;
	const struct mount_table *here;
	const struct mount_row *root; /* this namespace's "/" */
	uint64_t mnt_ns;
	struct sought *sought;
	size_t nsought;
	uint64_t *seen; /* mount namespaces already read */
	size_t nseen;
	size_t hidden;
	struct resource_set *ret;
	struct procstat now; /* the process being looked at */
	uint64_t now_ns;
};

static bool is_mounted_here(const struct hunt *h, unsigned major, unsigned minor)
{
	for (size_t i = 0; i < h->here->n; i++)
		if (h->here->v[i].facts.major == major && h->here->v[i].facts.minor == minor)
			return true;
	return false;
}

static bool has_unique(const struct hunt *h, uint64_t unique)
{
	for (size_t i = 0; i < h->here->n; i++)
		if (h->here->v[i].unique == unique)
			return true;
	return false;
}

/* What it still takes up: memory, as a rule. Asked through the holder's own link, which still leads there. */
static uint64_t bytes_held(const struct hunt *h, const char *through)
{
	char path[PATH_ROOM * 2];
	struct pressure_disk disk = { .known = false };
	if (!through)
		return 0;
	(void)snprintf(path, sizeof path, "%s/%d/%s", h->look->scope->proc, (int)h->now.pid, through);
	pressure_look_disk(path, &disk);
	return disk.known ? disk.bytes - disk.free : 0;
}

static void add_ghost(struct hunt *h, const char *box, unsigned major, unsigned minor, uint64_t ns, const char *how,
		      const char *through)
{
	struct arena *a = h->look->a;
	const char *id = arena_printf(a, "%u:%u", major, minor);
	if (resource_set_find(h->ret, id))
		return;
	struct ownership o = ownership_of_box(&h->look->ledgers, box);
	struct resource *r = resource_set_add(h->ret, a);
	*r = (struct resource){ .kind = RES_GHOST, .owner = o.owner, .box = box, .why = o.why, .id = id };
	r->name = arena_printf(a, "rustbox-%s dev %s", box, id);
	r->ghost = (struct ghost_facts){ .major = major, .minor = minor, .mnt_ns = ns, .holder = h->now.pid,
					 .bytes = bytes_held(h, through), .holder_comm = arena_strdup(a, h->now.comm),
					 .how = how };
	char size[16];
	text_size(r->ghost.bytes, size, sizeof size);
	r->detail = arena_printf(a, "%s, pid %d%s%s", how, (int)h->now.pid, r->ghost.bytes ? ", " : "",
				 r->ghost.bytes ? size : "");
}

static void take_row(struct hunt *h, const struct mount_row *row, bool same_root)
{
	const struct mount_facts *m = &row->facts;
	const char *box = same_root ? ownership_box_of_path(h->look->world.work, row->target, h->look->a) : NULL;
	for (size_t i = 0; !box && i < h->nsought; i++) {
		const struct sought *s = &h->sought[i];
		if (s->device && s->major == m->major && s->minor == m->minor && strncmp(m->source, "rustbox-", 8) == 0 &&
		    strcmp(m->source + 8, s->box) == 0)
			box = s->box;
	}
	if (box && !is_mounted_here(h, m->major, m->minor))
		add_ghost(h, box, m->major, m->minor, h->now_ns, "mounted in another namespace",
			  arena_printf(h->look->a, "root%s", row->target));
}

static const struct mount_row *root_of(const struct mount_table *t)
{
	const struct mount_row *root = NULL;
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->v[i].target, "/") == 0 && (!root || t->v[i].facts.layer > root->facts.layer))
			root = &t->v[i];
	return root;
}

static void take_namespace(struct hunt *h, const char *pid)
{
	struct mount_table t;
	struct err why;
	for (size_t i = 0; i < h->nseen; i++)
		if (h->seen[i] == h->now_ns)
			return;
	int rc = mountinfo_read(h->look->proc, pid, h->look->a, &t, &why);
	if (rc == -EACCES || rc == -EPERM)
		h->hidden++;
	if (rc)
		return; /* another process of this namespace may still answer */
	uint64_t *slot = arena_push(h->look->a, &h->seen, &h->nseen, sizeof *h->seen);
	*slot = h->now_ns;
	const struct mount_row *root = root_of(&t);
	bool same = root && h->root && root->facts.major == h->root->facts.major &&
		    root->facts.minor == h->root->facts.minor && strcmp(root->facts.root, h->root->facts.root) == 0;
	for (size_t i = 0; i < t.n; i++)
		take_row(h, &t.v[i], same);
}

static const char *link_of(struct arena *a, const struct ref *r)
{
	static const char *const words[] = { [REF_CWD] = "cwd", [REF_ROOT] = "root", [REF_EXE] = "exe", [REF_FD] = NULL,
					     [REF_MAP] = NULL };
	return r->kind == REF_FD ? arena_printf(a, "fd/%d", r->fd) : words[r->kind];
}

static void take_ref(void *ctx, const struct ref *r)
{
	struct hunt *h = ctx;
	for (size_t i = 0; i < h->nsought; i++) {
		const struct sought *s = &h->sought[i];
		bool is = s->unique ? r->id.unique && r->id.mount == s->unique :
				      s->device && s->major == r->id.major && s->minor == r->id.minor;
		if (is && !is_mounted_here(h, r->id.major, r->id.minor))
			add_ghost(h, s->box, r->id.major, r->id.minor, 0, "held open after a lazy unmount",
				  link_of(h->look->a, r));
	}
}

/* The namespace of a process that hides its links: mountinfo can still be read, and a mount id that stands
 * in our own table too means our own namespace, because no two mounts have the same id at one time. Else
 * that id stands for the namespace; the bit keeps it apart from inode numbers. */
static uint64_t hidden_namespace(struct hunt *h, int dir)
{
	char text[512];
	unsigned long long id = 0, parent = 0;
	autofd int fd = openat(dir, "mountinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%llu %llu", &id, &parent) != 2) {
		h->hidden += n < 0;
		return 0;
	}
	const struct mount_row *row = mountinfo_find(h->here, id);
	return row && row->facts.parent == parent ? h->mnt_ns : id | 1ull << 63;
}

static void take_process(struct hunt *h, const char *pid)
{
	look_breathe(h->look);
	autofd int dir = openat(h->look->proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || (pid_t)strtol(pid, NULL, 10) == getpid())
		return;
	h->now_ns = namespace_at(dir, "mnt");
	if (h->now_ns == 0 && errno == EACCES)
		h->now_ns = hidden_namespace(h, dir);
	bool elsewhere = h->now_ns && h->now_ns != h->mnt_ns;
	if ((!elsewhere && h->nsought == 0) || procstat_read(h->look->proc, pid, &h->now))
		return;
	if (elsewhere)
		take_namespace(h, pid);
	const struct sought *first = h->nsought && h->sought[0].device ? &h->sought[0] : NULL;
	int r = h->nsought ? refs_each(dir, first ? first->major : ~0u, first ? first->minor : ~0u, take_ref, h) : 0;
	/* An init that hides its links even from root (some guests have one) started before any box and opens nothing of
	 * theirs; counting it would keep every ghost of the host from ever ending. */
	if (r == -EACCES && !(strcmp(pid, "1") == 0 && geteuid() == 0))
		h->hidden++;
}

/* What the ledgers recorded and this namespace does not show. */
static void seek(struct hunt *h)
{
	const struct ledgers *all = &h->look->ledgers;
	for (size_t i = 0; i < all->n; i++)
		for (size_t k = 0; k < all->v[i].n; k++) {
			const struct ledger_entry *entry = &all->v[i].v[k];
			struct sought s = { .box = all->v[i].box };
			char *end = NULL;
			/* The private mounts of a living box are its own business. */
			if (all->v[i].held && !entry->ghost)
				continue;
			if (entry->gone || !entry->identity || (entry->kind != RES_MOUNT && entry->kind != RES_GHOST))
				continue;
			s.unique = strtoull(entry->identity, &end, 10);
			if (*end)
				s.unique = 0;
			const char *device = entry->device ? entry->device : entry->identity;
			s.device = sscanf(device, "%u:%u", &s.major, &s.minor) == 2;
			if ((s.unique && has_unique(h, s.unique)) || (!s.unique && !s.device))
				continue;
			struct sought *slot = arena_push(h->look->a, &h->sought, &h->nsought, sizeof *h->sought);
			*slot = s;
		}
}

void ghosts_observe(struct look *l, struct resource_set *ret)
{
	struct hunt h = { .look = l, .here = look_mounts(l), .ret = ret };
	struct err why;
	int fd = openat(l->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	autofd int self = openat(l->proc, "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!h.here || !dir || self < 0) {
		(void)err_set(&why, errno, "open %s", l->scope->proc);
		set_incomplete(ret, h.here ? &why : &l->mounts_why);
		return;
	}
	if (!l->ledgers.complete)
		set_incomplete(ret, &l->ledgers.why);
	h.root = root_of(h.here);
	h.mnt_ns = namespace_at(self, "mnt");
	seek(&h);
	int error;
	for (struct dirent *d; (d = kfile_next(dir, &error));)
		if (isdigit((unsigned char)d->d_name[0]))
			take_process(&h, d->d_name);
	if (error) {
		(void)err_set(&why, error, "list %s", l->scope->proc);
		set_incomplete(ret, &why);
	}
	if (h.hidden) {
		(void)err_say(&why, EACCES, "hidden by permissions: the mounts of %zu processes%s",
			      h.hidden, geteuid() ? "; run as root to see them" : "");
		set_incomplete(ret, &why);
	}
}
