/*
 * The end of a cgroup: kill, wait, remove, with the walks they need.
 *
 * A pid read from cgroup.procs may be somebody else's a moment later. So a pidfd is opened first and the list
 * read again: only a pid that is still a member then is signalled, through the pidfd.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/sys.h"

enum { DEPTH_MAX = 256, PIDS_MAX = 4096 };

struct pids {
	pid_t v[PIDS_MAX];
	size_t n;
};

static int ms_until(uint64_t deadline)
{
	uint64_t now = clock_mono_ns();
	uint64_t ms = now >= deadline ? 0 : (deadline - now + NS_PER_MS - 1) / NS_PER_MS;
	return ms > 60000 ? 60000 : (int)ms;
}

int cgroup_walk(int dirfd, int depth, int (*visit)(int dirfd, void *arg), void *arg)
{
	if (depth > DEPTH_MAX)
		return -ELOOP;
	int copy = sys_openat(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	if (copy < 0)
		return copy == -ENOENT ? 0 : copy;
	autodir DIR *dir = fdopendir(copy);
	if (!dir)
		return -errno;
	const struct dirent *d;
	while ((d = readdir(dir))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		autofd int child = sys_openat(dirfd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (child == -ENOENT)
			continue;
		int r = child < 0 ? child : cgroup_walk(child, depth + 1, visit, arg);
		if (r < 0)
			return r;
	}
	return visit(dirfd, arg);
}

/* Appends the members of one directory; a list longer than we keep is taken in several passes. */
static int collect(int dirfd, void *arg)
{
	struct pids *pids = arg;
	autofree char *text = NULL;
	ssize_t n = kfile_read_all(dirfd, "cgroup.procs", &text);
	if (n < 0)
		return n == -ENODEV || n == -ENOENT ? 0 : (int)n;
	for (char *p = text; *p && pids->n < PIDS_MAX; p++) {
		long pid = strtol(p, &p, 10);
		if (pid > 0) /* 0: a member this pid namespace cannot see */
			pids->v[pids->n++] = (pid_t)pid;
		if (!*p)
			break;
	}
	return 0;
}

static bool has(const struct pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->n; i++)
		if (pids->v[i] == pid)
			return true;
	return false;
}

static int members(int dirfd, struct pids *ret, struct err *e)
{
	ret->n = 0;
	int r = cgroup_walk(dirfd, 0, collect, ret);
	return r < 0 ? err_set(e, -r, "list the cgroup's members") : 0;
}

/* One pass: a pidfd for each candidate, membership asked again, SIGKILL. *fresh: somebody not in `known`. */
static int sweep_once(int dirfd, struct pids *known, bool *fresh, struct err *e)
{
	autofree struct pids *before = calloc(2, sizeof *before);
	if (!before)
		abort();
	struct pids *after = before + 1;
	autofree int *fds = NULL;
	int r = members(dirfd, before, e);
	if (r < 0)
		return r;
	fds = calloc(before->n + 1, sizeof *fds);
	if (!fds)
		abort();
	for (size_t i = 0; i < before->n; i++)
		fds[i] = sys_pidfd_open(before->v[i]);
	r = members(dirfd, after, e);
	*fresh = false;
	for (size_t i = 0; i < before->n; i++) {
		if (fds[i] < 0)
			continue;
		if (r == 0 && has(after, before->v[i])) {
			int sent = sys_pidfd_signal(fds[i], SIGKILL);
			if (sent < 0 && sent != -ESRCH)
				r = err_set(e, -sent, "kill pid %d", (int)before->v[i]);
			*fresh = *fresh || !has(known, before->v[i]);
		}
		own_close(&fds[i]);
	}
	*known = *before;
	return r;
}

int cgroup_sweep(int dirfd, uint64_t deadline, struct err *e)
{
	autofree struct pids *known = calloc(1, sizeof *known);
	if (!known)
		abort();
	for (bool fresh = true; fresh;) {
		int r = sweep_once(dirfd, known, &fresh, e);
		if (r < 0)
			return r;
		if (fresh && clock_mono_ns() > deadline)
			return err_say(e, ETIMEDOUT, "members appear faster than they can be killed");
	}
	return 0;
}

/* Sleeps until one of the members has died, or the deadline. */
static int await_death(const struct pids *pids, uint64_t deadline)
{
	struct pollfd set[16];
	nfds_t n = 0;
	for (size_t i = 0; i < pids->n && n < 16; i++) {
		int fd = sys_pidfd_open(pids->v[i]);
		if (fd >= 0)
			set[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	/* Nobody to wait for: what is left is between exit and release, for which v1 has no event. */
	int r = poll(set, n, n ? ms_until(deadline) : 1);
	for (nfds_t i = 0; i < n; i++)
		(void)close(set[i].fd);
	return r;
}

/* As a rule a box has ended when somebody asks, and its cgroup has no children: a directory's link count says so
 * (cgroupfs counts as ext4 does, two and one for each child). Then one file tells all. */
static bool is_bare(int dirfd)
{
	struct stat st;
	char first[2];
	return fstat(dirfd, &st) == 0 && st.st_nlink == 2 && kfile_read(dirfd, "cgroup.procs", first, sizeof first) == 0;
}

static int wait_empty_at(int dirfd, const char *path, uint64_t deadline, struct err *e)
{
	if (is_bare(dirfd))
		return 0;
	autofree struct pids *now = calloc(1, sizeof *now);
	if (!now)
		abort();
	for (;;) {
		int r = members(dirfd, now, e);
		if (r < 0 || now->n == 0)
			return r;
		if (clock_mono_ns() >= deadline) {
			char file[64], comm[32] = "?";
			(void)snprintf(file, sizeof file, "/proc/%d/comm", (int)now->v[0]);
			ssize_t n = kfile_read(AT_FDCWD, file, comm, sizeof comm);
			if (n > 0)
				comm[n - 1] = '\0';
			return err_say(e, ETIMEDOUT, "cgroup %s still has %zu members, one is pid %d (%s)", path, now->n,
				       (int)now->v[0], comm);
		}
		(void)await_death(now, deadline);
	}
}

int cgroup_wait_empty(const struct cgroup *cg, uint64_t deadline, struct err *e)
{
	for (size_t i = 0; i < cg->n; i++) {
		const struct cgroup_tree *t = &cg->trees[i];
		int r = t->fd < 0 ? 0 : wait_empty_at(t->fd, t->path, deadline, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int kill_at(int version, int dirfd, uint64_t deadline, struct err *e)
{
	return (version == 2 ? &cgroup_ops_v2 : &cgroup_ops_v1)->kill(dirfd, deadline, e);
}

/* Children first; the payload may have made some where it was given a way to. */
static int remove_children(int dirfd, int depth)
{
	if (depth > DEPTH_MAX)
		return -ELOOP;
	int copy = sys_openat(dirfd, ".", O_RDONLY | O_DIRECTORY, 0);
	autodir DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	if (!dir)
		return copy < 0 ? copy : -errno;
	const struct dirent *d;
	int first = 0;
	while ((d = readdir(dir))) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		autofd int child = sys_openat(dirfd, d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		int r = child < 0 ? child : remove_children(child, depth + 1);
		if (r == 0)
			r = sys_unlinkat(dirfd, d->d_name, AT_REMOVEDIR);
		if (r < 0 && r != -ENOENT && first == 0)
			first = r;
	}
	return first;
}

int cgroup_remove_at(int version, int top_fd, const char *path, uint64_t deadline, struct err *e)
{
	bool killed = false;
	for (;;) {
		int r = sys_unlinkat(top_fd, path, AT_REMOVEDIR);
		if (r == 0 || r == -ENOENT)
			return 0;
		if (r != -EBUSY)
			return err_set(e, -r, "remove cgroup %s", path);
		autofd int fd = sys_openat(top_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd == -ENOENT)
			return 0;
		if (fd < 0)
			return err_set(e, -fd, "open cgroup %s", path);
		r = killed ? 0 : kill_at(version, fd, deadline, e);
		if (r == 0)
			r = wait_empty_at(fd, path, deadline, e);
		if (r < 0)
			return r;
		killed = true;
		r = remove_children(fd, 0);
		if (clock_mono_ns() >= deadline)
			return err_set(e, r < 0 ? -r : EBUSY, "remove cgroup %s", path);
		/* A child, or a task between exit and release: v1 has no event for either. */
		if (r < 0)
			(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
}

int cgroup_remove(struct cgroup *cg, size_t i, uint64_t deadline, struct err *e)
{
	struct cgroup_tree *t = &cg->trees[i];
	int r = cgroup_remove_at(t->ops->version, t->top_fd, t->path + 1, deadline, e);
	if (r == 0)
		cgroup_let_go(t);
	return r;
}
