/*
 * Who keeps a mount busy; see holders.h. A hold is certain when the unique mount id matches. By device
 * alone it is believed only when no foreign mount shares the device: every process of the host "holds"
 * the disk that a bind mount shows.
 */
#include "probes/holders.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/probe.h"
#include "probes/procread.h"
#include "probes/refs.h"

_Static_assert((int)HOLD_CWD == (int)REF_CWD && (int)HOLD_ROOT == (int)REF_ROOT && (int)HOLD_EXE == (int)REF_EXE &&
		       (int)HOLD_FD == (int)REF_FD && (int)HOLD_MAP == (int)REF_MAP,
	       "a reference is the hold of the same number");

struct search {
	struct look look;
	const struct resource *of;
	struct holders *ret;
	struct caller caller;
	struct our_programs ours;
	unsigned major, minor, shared, master;
	uint64_t mount;	 /* unique or reusable id, 0 for a ghost */
	bool unique, by_device;
	uint64_t *seen; /* mount namespaces already read */
	size_t nseen, hidden;
	pid_t first_hidden;
	/* the process being looked at */
	int dir;
	struct procstat st;
	uint64_t mnt_ns;
	bool described;
	uid_t uid;
	struct process_facts facts;
	struct ownership owner;
};

/* By device only when nothing foreign lies on the same one. */
static bool is_device_ours(struct search *s)
{
	const struct mount_table *t = look_mounts(&s->look);
	for (size_t i = 0; t && i < t->n; i++) {
		const struct mount_row *row = &t->v[i];
		bool same = row->facts.major == s->major && row->facts.minor == s->minor;
		if (same && row->facts.mount_id != s->of->mount.mount_id &&
		    ownership_of_mount(&s->look.world, row->target, s->look.a).owner == OWNER_FOREIGN)
			return false;
	}
	return true;
}

static void search_init(struct search *s, const struct resource *of)
{
	const struct mount_facts *m = &of->mount;
	s->of = of;
	if (of->kind == RES_GHOST) {
		s->major = of->ghost.major;
		s->minor = of->ghost.minor;
	} else {
		s->major = m->major;
		s->minor = m->minor;
		s->shared = m->shared;
		s->master = m->master;
		s->unique = of->id[0] != 'o';
		s->mount = strtoull(of->id + !s->unique, NULL, 10);
	}
	caller_read(s->look.proc, &s->caller);
	our_programs_read(&s->ours);
	s->by_device = is_device_ours(s);
}

static struct holder *add_holder(struct search *s, enum hold hold)
{
	struct holder *h = arena_push(s->look.a, &s->ret->v, &s->ret->n, sizeof *s->ret->v);
	*h = (struct holder){ .hold = hold, .fd = -1, .comm = "", .cmdline = "", .detail = "", .wchan = "",
			      .owner = OWNER_FOREIGN, .state = '?' };
	return h;
}

/* Read once per process, and only of one that holds something. */
static void describe(struct search *s)
{
	uid_t pool = s->look.scope->paths->uid_base;
	struct identity id = { 0 };
	if (s->described)
		return;
	s->described = true;
	(void)identity_at(s->dir, "", AT_EMPTY_PATH, &id);
	s->uid = id.uid;
	autofree char *cgroups = process_cgroups(s->dir);
	process_describe(s->dir, &s->st, id.uid, cgroups, s->look.a, &s->facts);
	const struct member *member = look_member(&s->look, s->st.pid);
	struct process_clues c = {
		.cgroup_box = member ? member->box : NULL,
		.our_exe = our_programs_run_by(&s->ours, s->dir),
		.in_pool = id.uid >= pool && id.uid < pool + UID_POOL,
		.self = caller_is(&s->caller, &s->st),
		.zombie = s->st.state == 'Z',
	};
	s->owner = ownership_of_process(&s->look.ledgers, &c);
}

/* A value of the process's own environment as it was started; "" when there is none. */
static void environ_of(int dir, const char *name, char *out, size_t cap)
{
	char text[8192];
	size_t len = strlen(name);
	autofd int fd = openat(dir, "environ", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	out[0] = '\0';
	if (n <= 0)
		return;
	text[n] = '\0';
	for (const char *at = text; at < text + n; at += strlen(at) + 1)
		if (strncmp(at, name, len) == 0 && at[len] == '=')
			(void)snprintf(out, cap, "%s", at + len + 1);
}

/* Another pane of the caller's tmux is the caller too. A box's process may claim it as well, so its uid decides. */
static void note_pane(struct search *s, struct holder *h)
{
	const char *mine = getenv("TMUX");
	uid_t pool = s->look.scope->paths->uid_base;
	char theirs[256], pane[32];
	if (!mine || !*mine || (h->uid >= pool && h->uid < pool + UID_POOL) || s->owner.box)
		return;
	environ_of(s->dir, "TMUX", theirs, sizeof theirs);
	environ_of(s->dir, "TMUX_PANE", pane, sizeof pane);
	if (!pane[0] || strcspn(mine, ",") != strcspn(theirs, ",") || strncmp(mine, theirs, strcspn(mine, ",")) != 0)
		return;
	h->you = true;
	h->detail = arena_printf(s->look.a, "tmux pane %s", pane);
}

static void fill_process(struct search *s, struct holder *h)
{
	describe(s);
	h->pid = s->st.pid;
	h->start_ticks = s->st.start_ticks;
	h->uid = s->uid;
	h->state = s->st.state;
	h->mnt_ns = s->mnt_ns;
	h->same_ns = s->mnt_ns == s->caller.mnt_ns;
	h->you = caller_is(&s->caller, &s->st);
	note_pane(s, h);
	h->owner = s->owner.owner;
	h->box = s->owner.box;
	h->comm = s->facts.comm;
	h->cmdline = s->facts.cmdline;
	h->wchan = s->facts.wchan;
}

static bool is_exact(const struct search *s, const struct identity *id)
{
	return s->mount && id->mount == s->mount && id->unique == s->unique;
}

static void take_ref(void *ctx, const struct ref *r)
{
	static const char *const links[] = { [REF_CWD] = "cwd", [REF_ROOT] = "root", [REF_EXE] = "exe" };
	struct search *s = ctx;
	bool exact = is_exact(s, &r->id);
	bool device = r->id.major == s->major && r->id.minor == s->minor;
	if (!exact && !(device && s->by_device))
		return;
	struct holder *h = add_holder(s, (enum hold)r->kind);
	fill_process(s, h);
	h->fd = r->fd;
	h->exact = exact;
	h->deleted = r->id.deleted && r->id.mount; /* a mapping known by device only says nothing of links */
	char path[32], target[4096];
	if (r->kind == REF_MAP)
		return;
	if (r->kind == REF_FD)
		(void)snprintf(path, sizeof path, "fd/%d", r->fd);
	else
		(void)snprintf(path, sizeof path, "%s", links[r->kind]);
	ssize_t n = readlinkat(s->dir, path, target, sizeof target - 1);
	if (n > 0)
		h->detail = h->detail[0] ? arena_printf(s->look.a, "%s, %.*s", h->detail, (int)n, target) /* the pane, and where in it */
					 : arena_strndup(s->look.a, target, (size_t)n);
}

static bool is_peer(const struct search *s, const struct mount_facts *m)
{
	if (m->major != s->major || m->minor != s->minor)
		return false;
	if (s->by_device)
		return true;
	unsigned group = s->shared ? s->shared : s->master;
	return group && (m->shared == group || m->master == group);
}

static void take_namespace(struct search *s, const char *pid)
{
	struct mount_table t;
	for (size_t i = 0; i < s->nseen; i++)
		if (s->seen[i] == s->mnt_ns)
			return;
	if (mountinfo_read(s->look.proc, pid, s->look.a, &t, NULL))
		return; /* gone, or busy: another process of this namespace may answer */
	uint64_t *slot = arena_push(s->look.a, &s->seen, &s->nseen, sizeof *s->seen);
	*slot = s->mnt_ns;
	for (size_t i = 0; i < t.n; i++) {
		if (!is_peer(s, &t.v[i].facts))
			continue;
		struct holder *h = add_holder(s, HOLD_PEER_MOUNT);
		fill_process(s, h);
		h->detail = t.v[i].target;
	}
}

static void take_process(struct search *s, const char *pid)
{
	autofd int dir = openat(s->look.proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || (pid_t)strtol(pid, NULL, 10) == getpid() || procstat_read(s->look.proc, pid, &s->st))
		return;
	s->dir = dir;
	s->described = false;
	s->mnt_ns = namespace_at(dir, "mnt");
	if (s->mnt_ns && s->mnt_ns != s->caller.mnt_ns)
		take_namespace(s, pid);
	if (refs_each(dir, s->major, s->minor, take_ref, s) == -EACCES)
		s->first_hidden = s->hidden++ ? s->first_hidden : s->st.pid;
}

static void take_children(struct search *s)
{
	const struct mount_table *t = look_mounts(&s->look);
	for (size_t i = 0; t && s->of->kind == RES_MOUNT && i < t->n; i++) {
		const struct mount_row *row = &t->v[i];
		if (row->facts.parent != s->of->mount.mount_id)
			continue;
		struct holder *h = add_holder(s, HOLD_CHILD_MOUNT);
		h->detail = row->target;
		h->same_ns = h->exact = true;
	}
}

/* A file the kernel itself uses: the backing file of a loop device, a swap file. */
static void take_kernel_file(struct search *s, enum hold hold, const char *path, const char *what)
{
	struct identity id;
	if (identity_at(AT_FDCWD, path, 0, &id))
		return;
	bool device = id.major == s->major && id.minor == s->minor && s->by_device;
	if (!is_exact(s, &id) && !device)
		return;
	struct holder *h = add_holder(s, hold);
	h->exact = is_exact(s, &id);
	h->detail = arena_printf(s->look.a, "%s %s", what, path);
}

static void take_loops(struct search *s)
{
	autodir DIR *dir = opendir("/sys/block");
	for (struct dirent *d; dir && (d = readdir(dir));) {
		char name[300], file[4096];
		if (strncmp(d->d_name, "loop", 4) != 0)
			continue;
		(void)snprintf(name, sizeof name, "%s/loop/backing_file", d->d_name);
		if (kfile_read(dirfd(dir), name, file, sizeof file) <= 0)
			continue;
		file[strcspn(file, "\n")] = '\0';
		take_kernel_file(s, HOLD_LOOP, file, d->d_name);
	}
}

static void take_swaps(struct search *s)
{
	autofree char *text = NULL;
	char *save = NULL;
	if (kfile_read_all(s->look.proc, "swaps", &text) < 0)
		return;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		line[strcspn(line, " \t")] = '\0';
		if (line[0] == '/')
			take_kernel_file(s, HOLD_SWAP, line, "swap");
	}
}

/* What holds it for certain comes first: texts that name a few name those. */
static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;
	if (x->exact != y->exact)
		return x->exact ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (int)x->hold - (int)y->hold;
}

void holders_find(const struct scope *scope, const struct resource *of, struct arena *a, struct holders *ret)
{
	struct search s = { 0 };
	*ret = (struct holders){ .complete = true };
	s.ret = ret;
	look_init(&s.look, scope, a);
	int fd = openat(s.look.proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	autodir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		(void)err_set(&ret->why, errno, "open %s", scope->proc);
		ret->complete = false;
		look_done(&s.look);
		return;
	}
	search_init(&s, of);
	take_children(&s);
	int error;
	for (struct dirent *d; (d = kfile_next(dir, &error));)
		if (isdigit((unsigned char)d->d_name[0]))
			take_process(&s, d->d_name);
	if (error) {
		ret->complete = false;
		(void)err_set(&ret->why, error, "list %s", scope->proc);
	}
	take_loops(&s);
	take_swaps(&s);
	if (ret->n > 1)
		qsort(ret->v, ret->n, sizeof *ret->v, compare_holders);
	if (s.hidden) {
		ret->complete = false;
		(void)err_say(&ret->why, EACCES, "hidden by permissions: %zu process%s, pid %d first%s", s.hidden,
			      s.hidden == 1 ? "" : "es", (int)s.first_hidden, geteuid() ? "; run as root to see them" : "");
	}
	look_done(&s.look);
}
