/*
 * Empties and removes one cgroup directory, by hierarchy and inode. Killing is in rounds: read the members, take a
 * pidfd of each, make sure that it still is a member (else the number may be somebody else's by now), signal all,
 * wait for all, look again. A program that forks faster than that is first stopped from forking: pids.max 0 and
 * the v1 freezer of the same path, or cgroup.kill, which is one act, where the kernel has it.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/box/reclaim_child.h"
#include "sandbox/box/reclaim_pid.h"
#include "sandbox/kernel/sys.h"

enum { ROUND_MAX = 512, NAP_MS = 2, NAP_MAX_MS = 64, SPARE_MS = 2000 };

struct empty_act {
	const struct scope *scope;
	const char *hierarchy, *path;
	uint64_t inode;
	unsigned ms;
};

static int open_below(int root, const char *path, int flags)
{
	return sys_openat2(root, path, flags, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
}

/* Writes one knob of the same box path in another hierarchy, where there is one. Best effort: without it a forker
 * takes more rounds, and what a failure means is seen by looking at the members again. */
static void poke(const struct empty_act *act, const char *hierarchy, const char *file, const char *text)
{
	autofd int root = reclaim_hierarchy(act->scope, hierarchy, NULL);
	autofd int dir = root < 0 ? root : open_below(root, act->path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (dir < 0 || sys_write_file(dir, file, text) < 0)
		return;
}

/* Is it a member of this very path? The hierarchy's line ends in it. */
static bool member(pid_t pid, const char *path)
{
	char name[48], *save = NULL;
	autofree char *text = NULL;
	(void)snprintf(name, sizeof name, "/proc/%d/cgroup", pid);
	if (kfile_read_all(AT_FDCWD, name, &text) < 0)
		return false;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		const char *at = strchr(l, ':');
		at = at ? strchr(at + 1, ':') : NULL;
		if (at && at[1] == '/' && strcmp(at + 2, path) == 0)
			return true;
	}
	return false;
}

struct round {
	int fds[ROUND_MAX];
	size_t n;
	pid_t last; /* a member that is still there, for the report */
	size_t members;
};

static int signal_members(const struct empty_act *act, char *list, struct round *r, struct err *e)
{
	char *save = NULL;
	for (char *l = strtok_r(list, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		pid_t pid = (pid_t)strtol(l, NULL, 10);
		r->members++;
		if (pid <= 0)
			return err_say(e, EBUSY, "a member lives in another pid namespace: run this on the host");
		if (pid_is_mine(pid))
			return err_say(e, EBUSY, "pid %d in it is you: this command runs below it", pid);
		if (r->n == ROUND_MAX)
			continue; /* the next round takes the others */
		int fd = sys_pidfd_open(pid);
		if (fd >= 0 && member(pid, act->path) && sys_pidfd_signal(fd, SIGKILL) == 0) {
			r->fds[r->n++] = fd;
			r->last = pid;
		} else {
			own_close(&fd);
		}
	}
	return 0;
}

static void wait_round(struct round *r, uint64_t until)
{
	for (size_t i = 0; i < r->n; i++) {
		uint64_t now = clock_mono_ns();
		struct pollfd p = { .fd = r->fds[i], .events = POLLIN };
		(void)poll(&p, 1, now >= until ? 0 : (int)((until - now) / NS_PER_MS + 1));
		own_close(&r->fds[i]);
	}
}

static int still_there(const struct empty_act *act, const struct round *r, struct err *e)
{
	char what[160] = "its members", why[120] = "";
	if (r->last > 0) {
		pid_describe(r->last, what, sizeof what);
		pid_thaw(act->scope, r->last, why, sizeof why);
	}
	return err_say(e, EBUSY, "%zu still in it after %u ms: %s%s%s", r->members, act->ms, what, *why ? "; " : "", why);
}

/* One round; 1 = nobody was in it, 0 = look again, or -errno. */
static int kill_round(const struct empty_act *act, int dir, struct round *r, uint64_t until, struct err *e)
{
	autofree char *list = NULL;
	char why[120];
	*r = (struct round){ 0 };
	int killed = sys_write_file(dir, "cgroup.kill", "1"); /* v2 only */
	ssize_t n = kfile_read_all(dir, "cgroup.procs", &list);
	if (n == -ENODEV || n == 0)
		return 1;
	if (n < 0)
		return n == -EOPNOTSUPP && killed == 0 ? 0 : err_set(e, (int)-n, "read its members");
	int rc = signal_members(act, list, r, e);
	poke(act, "freezer", "freezer.state", "THAWED");
	if (r->last > 0) /* the payload may have frozen it elsewhere, below its own name */
		pid_thaw(act->scope, r->last, why, sizeof why);
	wait_round(r, until);
	return rc;
}

static int empty(const struct empty_act *act, int dir, struct err *e)
{
	uint64_t until = clock_mono_ns() + act->ms * NS_PER_MS;
	struct round r;
	int nap = NAP_MS;
	for (;;) {
		poke(act, "pids", "pids.max", "0");
		poke(act, "freezer", "freezer.state", "FROZEN");
		int rc = kill_round(act, dir, &r, until, e);
		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (clock_mono_ns() >= until)
			return still_there(act, &r, e);
		if (r.n == 0) { /* dying, or not ours to see: give the kernel a moment */
			(void)poll(NULL, 0, nap);
			nap = nap < NAP_MAX_MS ? nap * 2 : NAP_MAX_MS;
		}
	}
}

/* rmdir says EBUSY for a moment after the last exit; bounded, and then it is the kernel that keeps a reference. */
static int remove_dir(int parent, const char *name, uint64_t until, struct err *e)
{
	int r, nap = NAP_MS;
	while ((r = sys_unlinkat(parent, name, AT_REMOVEDIR)) == -EBUSY && clock_mono_ns() < until) {
		(void)poll(NULL, 0, nap);
		nap = nap < NAP_MAX_MS ? nap * 2 : NAP_MAX_MS;
	}
	if (r == -EBUSY)
		return err_say(e, EBUSY, "empty, and still rmdir says busy: a child cgroup is below, or the kernel keeps a "
			       "reference");
	return r < 0 && r != -ENOENT ? err_set(e, -r, "rmdir") : 0;
}

static int cgroup_in_child(void *arg, struct child_voice *voice, struct err *e)
{
	const struct empty_act *act = arg;
	char parent[4096];
	struct stat st;
	const char *slash = strrchr(act->path, '/');
	(void)voice;
	(void)snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - act->path) : 1, slash ? act->path : ".");
	autofd int root = reclaim_hierarchy(act->scope, act->hierarchy, e);
	if (root < 0)
		return root;
	autofd int up = open_below(root, parent, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	autofd int dir = up < 0 ? up : open_below(up, slash ? slash + 1 : act->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	if (dir < 0)
		return dir == -ENOENT ? err_say(e, ENOENT, "it is gone already") : err_set(e, -dir, "open it");
	if (fstat(dir, &st) < 0)
		return err_set(e, errno, "look at it");
	if (st.st_ino != act->inode)
		return err_say(e, ENOENT, "another cgroup has its name now; left alone");
	int r = empty(act, dir, e);
	if (r < 0)
		return r;
	r = remove_dir(up, slash ? slash + 1 : act->path, clock_mono_ns() + act->ms * NS_PER_MS, e);
	if (r < 0)
		return r;
	autofd int again = open_below(up, slash ? slash + 1 : act->path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	if (again >= 0 && fstat(again, &st) == 0 && st.st_ino == act->inode)
		return err_say(e, EIO, "the kernel said yes, but it is still there");
	return 0;
}

void reclaim_cgroup(struct reclaim_item *item, const struct reclaim_how *how)
{
	char hierarchy[64];
	struct err e = { 0 };
	const char *colon = strchr(item->of.id, ':'), *path = item->of.cgroup.path;
	if (!colon || !path) {
		reclaim_set(item, RECLAIM_SKIPPED, EINVAL, "not a cgroup's identity");
		return;
	}
	(void)snprintf(hierarchy, sizeof hierarchy, "%.*s", (int)(colon - item->of.id), item->of.id);
	unsigned ms = how->rmdir_ms ? how->rmdir_ms : RMDIR_MS;
	struct empty_act act = { .scope = how->scope, .hierarchy = hierarchy, .path = path + strspn(path, "/"),
				 .inode = strtoull(colon + 1, NULL, 10), .ms = ms };
	int r = child_do(cgroup_in_child, &act, 2 * ms + SPARE_MS, NULL, NULL, &e);
	if (r == 0)
		reclaim_set(item, RECLAIM_RELEASED, 0, "%s", "");
	else if (r == -ENOENT)
		reclaim_set(item, RECLAIM_GONE, 0, "%s", e.text);
	else
		reclaim_set(item, r == -EBUSY ? RECLAIM_BUSY : RECLAIM_FAILED, r, "%s", e.text);
}
