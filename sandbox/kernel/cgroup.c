/* Which trees, and what both versions do alike; see cgroup.h. */
#include "sandbox/kernel/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/delegation.h"
#include "sandbox/kernel/sys.h"

static const char *const controller_names[HOST_CONTROLLER_COUNT] = {
#define X(id, name) [HOST_##id] = name,
	HOST_CONTROLLERS(X)
#undef X
};

static int add_tree(struct cgroup *cg, const struct host *host, const struct cgroup_ops *ops, const char *hierarchy,
		    const char *mount, uint32_t controllers, struct err *e)
{
	int fd = sys_openat(AT_FDCWD, mount, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_set(e, -fd, "open %s", mount);
	struct cgroup_tree *t = &cg->trees[cg->n++];
	*t = (struct cgroup_tree){ .ops = ops, .hierarchy = hierarchy, .controllers = controllers, .top_fd = fd, .fd = -1 };
	const char *place = delegation_has(host, mount) ? host->place : "";
	(void)snprintf(t->place, sizeof t->place, "%s", place);
	(void)snprintf(t->path, sizeof t->path, "%s%s%s%.39s/%.79s", *place ? "/" : "", place, *cg->world ? "/" : "", cg->world,
		       cg->name);
	return 0;
}

/* The controllers that share a v1 mount, as cpu,cpuacct often do. */
static uint32_t mounted_at(const struct host *host, const char *mount)
{
	uint32_t set = 0;
	for (int d = 0; d < HOST_CONTROLLER_COUNT; d++)
		if (host->v1[d] && strcmp(host->v1[d], mount) == 0)
			set |= 1u << d;
	return set;
}

static int add_v1(struct cgroup *cg, const struct host *host, uint32_t want, struct err *e)
{
	uint32_t done = 0;
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++) {
		const char *mount = host->v1[c];
		if (!mount || !(want >> c & 1) || done >> c & 1)
			continue;
		uint32_t here = mounted_at(host, mount);
		int r = add_tree(cg, host, &cgroup_ops_v1, controller_names[c], mount, here & want, e);
		if (r < 0)
			return r;
		done |= here;
	}
	return 0;
}

static void begin(struct cgroup *cg, const struct paths *paths, const char *box)
{
	*cg = (struct cgroup){ 0 };
	(void)snprintf(cg->world, sizeof cg->world, "%s", paths->cgroup_parent);
	(void)snprintf(cg->name, sizeof cg->name, "rustbox-%s", box);
}

static int not_there(enum host_controller c, int version, struct err *e)
{
	return err_say(e, ENOTSUP, "the %s cgroup controller is not available on v%d: boot with cgroup_enable=%s or mount it",
		       controller_names[c], version, controller_names[c]);
}

int cgroup_open(const struct host *host, const struct paths *paths, const char *box,
		const int version[static HOST_CONTROLLER_COUNT], struct cgroup *ret, struct err *e)
{
	uint32_t v1 = 0, v2 = 0;
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++) {
		if (version[c] == 1 && !host->v1[c])
			return not_there(c, 1, e);
		if (version[c] == 2 && (!host->unified || !((host->v2_controllers | CGROUP_V2_CORE) >> c & 1)))
			return not_there(c, 2, e);
		v1 |= version[c] == 1 ? 1u << c : 0;
		v2 |= version[c] == 2 ? 1u << c : 0;
	}
	struct cgroup cg;
	begin(&cg, paths, box);
	int r = add_v1(&cg, host, v1, e);
	if (r == 0 && v2)
		r = add_tree(&cg, host, &cgroup_ops_v2, "unified", host->unified, v2, e);
	if (r < 0)
		cgroup_close(&cg);
	else
		*ret = cg;
	return r;
}

void cgroup_let_go(struct cgroup_tree *t)
{
	for (int f = 0; f < CGROUP_KEPT; f++) {
		if (t->kept[f])
			own_close(&t->kept[f]);
		t->kept[f] = 0;
	}
	own_close(&t->fd);
	t->fd = -1;
}

void cgroup_close(struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n; i++) {
		own_close(&cg->trees[i].top_fd);
		cgroup_let_go(&cg->trees[i]);
	}
	cg->n = 0;
}

static int open_directory(int above, const char *name)
{
	return sys_openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/* This world's directory, made by the first run in it. */
static int open_world(const struct cgroup *cg, const struct cgroup_tree *t, int above, struct err *e)
{
	autofd int fd = open_directory(above, cg->world);
	if (fd == -ENOENT) {
		int r = sys_mkdirat(above, cg->world, 0755);
		if (r < 0 && r != -EEXIST)
			return err_set(e, -r, "make cgroup %s in %s", cg->world, t->hierarchy);
		fd = open_directory(above, cg->world);
	}
	if (fd < 0)
		return err_set(e, -fd, "open cgroup %s in %s", cg->world, t->hierarchy);
	int r = t->ops->ready(t, above, fd, e);
	return r < 0 ? err_wrap(e, "cgroup %s in %s", cg->world, t->hierarchy) : take_fd(&fd);
}

/* The directory the box's own goes into, borrowed: the hierarchy's, the place in it, or this world's in either. What had
 * to be opened is in owned. */
static int open_parent(const struct cgroup *cg, const struct cgroup_tree *t, int owned[static 2], struct err *e)
{
	int at = t->top_fd;
	if (*t->place) {
		at = owned[0] = open_directory(at, t->place);
		if (at < 0)
			return err_set(e, -at, "open cgroup /%s in %s", t->place, t->hierarchy);
	}
	return *cg->world ? (owned[1] = open_world(cg, t, at, e)) : at;
}

static int make_in(struct cgroup *cg, struct cgroup_tree *t, int parent, uint64_t *inode, struct err *e)
{
	int r = sys_mkdirat(parent, cg->name, 0755);
	if (r < 0)
		return err_set(e, -r, "make cgroup %s in %s", t->path, t->hierarchy);
	autofd int fd = open_directory(parent, cg->name);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, fd < 0 ? -fd : errno, "open cgroup %s in %s", t->path, t->hierarchy);
	r = t->ops->ready(t, parent, fd, e);
	if (r < 0)
		return err_wrap(e, "cgroup %s in %s", t->path, t->hierarchy);
	*inode = st.st_ino;
	t->fd = take_fd(&fd);
	return 0;
}

int cgroup_make(struct cgroup *cg, size_t i, uint64_t *inode, struct err *e)
{
	int owned[] = { -1, -1 };
	int parent = open_parent(cg, &cg->trees[i], owned, e);
	int r = parent < 0 ? parent : make_in(cg, &cg->trees[i], parent, inode, e);
	own_close(&owned[0]);
	own_close(&owned[1]);
	return r;
}

/* A missing swap knob is no gap on a host without swap. */
static bool cgroup_host_swaps(void)
{
	autofree char *text = NULL;
	if (kfile_read_all(AT_FDCWD, "/proc/swaps", &text) < 0)
		return true; /* could not look: assume the worse */
	char *second = strchr(text, '\n');
	return second && second[1];
}

static const struct cgroup_tree *tree_of(const struct cgroup *cg, const struct knob_row *k)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->trees[i].ops->version == k->version && cgroup_serves(&cg->trees[i], k->controller))
			return &cg->trees[i];
	return NULL;
}

int cgroup_limit(const struct cgroup *cg, const struct knob_row *knobs, size_t n, struct err *e)
{
	for (const struct knob_row *k = knobs; k < knobs + n; k++) {
		const struct cgroup_tree *t = tree_of(cg, k);
		if (!t)
			return err_say(e, ENOTSUP, "no v%d cgroup of this box has %s", k->version, k->file);
		int r = sys_write_file(t->fd, k->file, k->value);
		if (r == -ENOENT && k->maybe && !cgroup_host_swaps())
			continue;
		if (r < 0)
			return err_set(e, -r, "write '%s' to %s of cgroup %s", k->value, k->file, t->path);
	}
	return 0;
}

int cgroup_clone_fd(const struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->trees[i].ops->version == 2)
			return cg->trees[i].fd;
	return -1;
}

int cgroup_join_fds(const struct cgroup *cg, int ret[static CGROUP_TREES], struct err *e)
{
	int n = 0;
	for (size_t i = 0; i < cg->n; i++) {
		const struct cgroup_tree *t = &cg->trees[i];
		if (t->ops->version == 2)
			continue;
		int fd = sys_openat(t->fd, t->ops->join, O_WRONLY, 0);
		if (fd < 0) {
			while (n > 0)
				(void)close(ret[--n]);
			return err_set(e, -fd, "open %s of cgroup %s", t->ops->join, t->path);
		}
		ret[n++] = fd;
	}
	return n;
}

int cgroup_oom_fd(const struct cgroup *cg, struct err *e)
{
	const struct cgroup_tree *t = NULL;
	for (size_t i = 0; i < cg->n; i++)
		if (cg->trees[i].ops->version == 1 && cgroup_serves(&cg->trees[i], HOST_MEMORY))
			t = &cg->trees[i];
	if (!t)
		return -1;
	autofd int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	autofd int control = sys_openat(t->fd, "memory.oom_control", O_RDONLY, 0);
	if (event < 0 || control < 0)
		return err_set(e, event < 0 ? errno : -control, "watch for out-of-memory");
	char line[32];
	(void)snprintf(line, sizeof line, "%d %d", event, control);
	int r = sys_write_file(t->fd, "cgroup.event_control", line);
	return r < 0 ? err_set(e, -r, "watch for out-of-memory (cgroup.event_control)") : take_fd(&event);
}

void cgroup_keep_open(struct cgroup *cg)
{
	for (size_t i = 0; i < cg->n; i++) {
		struct cgroup_tree *t = &cg->trees[i];
		for (int f = 0; t->fd >= 0 && f < CGROUP_KEPT && t->ops->kept[f].file; f++) {
			if (t->kept[f] || !cgroup_serves(t, t->ops->kept[f].of))
				continue;
			int fd = sys_openat(t->fd, t->ops->kept[f].file, O_RDONLY, 0);
			if (fd > 0)
				t->kept[f] = fd;
			else if (fd == 0) /* who runs us without a stdin gets the counters read the long way */
				own_close(&fd);
		}
	}
}

static int kept_fd(const struct cgroup_tree *tree, const char *file)
{
	for (int f = 0; f < CGROUP_KEPT && tree->ops->kept[f].file; f++)
		if (tree->kept[f] && strcmp(tree->ops->kept[f].file, file) == 0)
			return tree->kept[f];
	return -1;
}

int cgroup_u64(const struct cgroup_tree *tree, const char *file, uint64_t *ret)
{
	int fd = kept_fd(tree, file);
	return fd < 0 ? kfile_u64(tree->fd, file, ret) : kfile_u64_fd(fd, ret);
}

int cgroup_keyed_u64(const struct cgroup_tree *tree, const char *file, const char *key, uint64_t *ret)
{
	int fd = kept_fd(tree, file);
	return fd < 0 ? kfile_keyed_u64(tree->fd, file, key, ret) : kfile_keyed_u64_fd(fd, key, ret);
}

uint32_t cgroup_counters(const struct cgroup *cg, struct cgroup_counters *ret)
{
	uint32_t gaps = SOURCE_BIT(SOURCE_CPU) | SOURCE_BIT(SOURCE_MEMORY) | SOURCE_BIT(SOURCE_PIDS);
	*ret = (struct cgroup_counters){ 0 };
	for (size_t i = 0; i < cg->n; i++)
		gaps &= ~cg->trees[i].ops->counters(&cg->trees[i], ret);
	return gaps;
}

bool cgroup_cpu_ns(const struct cgroup *cg, uint64_t *ret)
{
	for (size_t i = 0; i < cg->n; i++)
		if (cg->trees[i].ops->cpu_ns(&cg->trees[i], ret))
			return true;
	return false;
}

size_t cgroup_members(const struct cgroup *cg, pid_t *ret, size_t cap)
{
	autofree char *text = NULL;
	size_t n = 0;
	if (cg->n == 0 || kfile_read_all(cg->trees[0].fd, "cgroup.procs", &text) < 0)
		return 0;
	for (char *p = text; n < cap && *p; p++) {
		long pid = strtol(p, &p, 10);
		if (pid > 0)
			ret[n++] = (pid_t)pid;
		if (*p != '\n')
			break;
	}
	return n;
}
