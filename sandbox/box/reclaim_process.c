/*
 * Ends processes. Never by number: a pidfd is opened, then the start time is compared (the number may have been
 * given to another since), then the signal goes through the pidfd. All are signalled before any is waited for,
 * because one may hold what another waits on. A frozen task takes its kill only when thawed: every freezer of ours
 * that it sits in is opened after the signal is queued; a freezer that is not ours is named.
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/places.h"
#include "sandbox/box/reclaim_acts.h"
#include "sandbox/box/reclaim_pid.h"
#include "sandbox/kernel/sys.h"

enum { AT_ONCE = 256 /* pidfds open at a time */, REAP_MS = 3000, REAP_NAP_MS = 10 };

bool pid_is_mine(pid_t pid)
{
	char path[48], stat[512];
	for (pid_t at = getpid(); at > 1;) {
		if (at == pid)
			return true;
		(void)snprintf(path, sizeof path, "/proc/%d/stat", at);
		const char *p = kfile_read(AT_FDCWD, path, stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
		if (!p || sscanf(p, ") %*c %d", &at) != 1)
			return false;
	}
	return false;
}

void pid_describe(pid_t pid, char *out, size_t cap)
{
	char path[48], stat[512], wchan[64] = "";
	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	char *open = kfile_read(AT_FDCWD, path, stat, sizeof stat) > 0 ? strchr(stat, '(') : NULL;
	char *close = open ? strrchr(open, ')') : NULL;
	if (!close) {
		(void)snprintf(out, cap, "pid %d", pid);
		return;
	}
	*close = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/wchan", pid);
	if (kfile_read(AT_FDCWD, path, wchan, sizeof wchan) <= 0 || wchan[0] == '0')
		wchan[0] = '\0';
	(void)snprintf(out, cap, "pid %d (%s) state %c%s%s", pid, open + 1, close[1] ? close[2] : '?', *wchan ? " in " : "",
		       wchan);
}

/* The path of a pid in a v1 hierarchy or, for "", the v2 tree. 0 or -errno. */
static int cgroup_of(pid_t pid, const char *controller, char *out, size_t cap)
{
	char path[48], *save = NULL;
	autofree char *text = NULL;
	(void)snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	ssize_t n = kfile_read_all(AT_FDCWD, path, &text);
	if (n < 0)
		return (int)n;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		char *names = strchr(l, ':'), *at = names ? strchr(names + 1, ':') : NULL;
		if (!at)
			continue;
		*at++ = '\0';
		if (strcmp(names + 1, controller) == 0 && strlen(at) < cap) {
			(void)snprintf(out, cap, "%s", at);
			return 0;
		}
	}
	return -ENOENT;
}

/* Where the path of one of our cgroups says "rustbox-<box>"; NULL when it is none of ours. */
static const char *ours(const struct scope *scope, const char *cgroup, struct arena *a)
{
	struct places places;
	places_read(scope->paths, a, &places);
	return places_within(&places, cgroup, strlen(cgroup));
}

/* From the outermost of ours, at `own` in the path, inwards: a thawed child below a frozen parent stays frozen. */
static int thaw_in(const struct scope *scope, const char *hierarchy, const char *file, const char *text, const char *path,
		   const char *own)
{
	char name[4200];
	autofd int root = reclaim_hierarchy(scope, hierarchy, NULL);
	if (root < 0)
		return root == -ENOENT ? 0 : root;
	for (const char *p = own; p; p = *p ? p + 1 : NULL) {
		p += strcspn(p, "/");
		(void)snprintf(name, sizeof name, "%.*s/%s", (int)(p - path - 1), path + 1, file);
		int r = sys_write_file(root, name, text);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return 0;
}

void pid_thaw(const struct scope *scope, pid_t pid, char *why, size_t cap)
{
	autoarena struct arena a = { 0 };
	char path[4096];
	const char *own;
	why[0] = '\0';
	if (cgroup_of(pid, "freezer", path, sizeof path) == 0) {
		char state[32] = "";
		if ((own = ours(scope, path, &a))) {
			if (thaw_in(scope, "freezer", "freezer.state", "THAWED", path, own) < 0)
				(void)snprintf(why, cap, "frozen, and its freezer %.100s does not thaw", path);
			return;
		}
		autofd int root = reclaim_hierarchy(scope, "freezer", NULL);
		char name[4200];
		(void)snprintf(name, sizeof name, "%s/freezer.state", path + 1);
		if (root >= 0 && path[1] && kfile_read(root, name, state, sizeof state) > 0 && state[0] == 'F')
			(void)snprintf(why, cap, "frozen by %.100s, which is not rustbox's", path);
	}
	if (cgroup_of(pid, "", path, sizeof path) == 0 && (own = ours(scope, path, &a)) &&
	    thaw_in(scope, "unified", "cgroup.freeze", "0", path, own) < 0)
		(void)snprintf(why, cap, "frozen, and %.100s does not thaw", path);
}

/* A pidfd of exactly this process, or -ENOENT when it has ended, or -errno. */
static int open_exact(struct reclaim_item *item, const struct reclaim_how *how)
{
	pid_t pid = (pid_t)strtol(item->of.id, NULL, 10);
	struct err e = { 0 };
	if (pid <= 1) {
		reclaim_set(item, RECLAIM_SKIPPED, EINVAL, "pid %d is in no plan", pid);
		return -EINVAL;
	}
	if (pid_is_mine(pid)) {
		reclaim_set(item, RECLAIM_SKIPPED, EPERM, "the process is you: this command runs below it");
		return -EPERM;
	}
	int fd = sys_pidfd_open(pid);
	int there = fd < 0 ? (fd == -ESRCH ? 0 : fd) : reclaim_is_there(how->scope, RES_PROCESS, "", item->of.id, &e);
	if (there == 1)
		return fd;
	own_close(&fd);
	if (there == 0)
		reclaim_set(item, RECLAIM_GONE, 0, "%s", "");
	else
		reclaim_set(item, RECLAIM_FAILED, there, "%s", e.code ? e.text : "open a pidfd");
	return there == 0 ? -ENOENT : there;
}

static void signal_one(struct reclaim_item *item, const struct reclaim_how *how, int fd)
{
	char why[200];
	int r = sys_pidfd_signal(fd, SIGKILL);
	if (r == -ESRCH)
		reclaim_set(item, RECLAIM_GONE, 0, "%s", "");
	else if (r < 0)
		reclaim_set(item, RECLAIM_FAILED, r, "kill it");
	if (r < 0)
		return;
	pid_thaw(how->scope, (pid_t)strtol(item->of.id, NULL, 10), why, sizeof why);
	if (*why)
		reclaim_set(item, RECLAIM_PENDING, 0, "%s", why);
}

static void settle(struct reclaim_item *item, int fd, uint64_t until)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char what[200];
	int n;
	do {
		uint64_t now = clock_mono_ns();
		n = poll(&p, 1, now >= until ? 0 : (int)((until - now) / NS_PER_MS + 1));
	} while (n < 0 && errno == EINTR);
	if (n > 0) {
		reclaim_set(item, RECLAIM_RELEASED, 0, "%s", "");
		return;
	}
	if (*item->because) {
		item->outcome = RECLAIM_BUSY;
		item->err = EBUSY;
		return;
	}
	pid_describe((pid_t)strtol(item->of.id, NULL, 10), what, sizeof what);
	bool fuse = strstr(what, "request_wait_answer"); /* fs/fuse/dev.c: what it asked for was read and is not answered */
	reclaim_set(item, RECLAIM_FAILED, ETIMEDOUT, "SIGKILL is queued, but %s does not end%s", what,
		    fuse ? ": a FUSE server does not answer; end it, or write 1 to /sys/fs/fuse/connections/DEVICE/abort" : "");
}

/* Has it ended, with its number still waiting for a parent to read it? Then *ret_parent is who should. */
static bool is_zombie(const struct reclaim_item *item, pid_t *ret_parent)
{
	char path[48], stat[1024];
	unsigned long long ticks = 0, want = 0;
	int pid = 0;
	if (sscanf(item->of.id, "%d:%llu", &pid, &want) != 2)
		return false;
	(void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
	const char *p = kfile_read(AT_FDCWD, path, stat, sizeof stat) > 0 ? strrchr(stat, ')') : NULL;
	if (!p || sscanf(p, ") Z %d", ret_parent) != 1)
		return false;
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	return p && sscanf(p, " %llu", &ticks) == 1 && ticks == want;
}

/* A dead parent's zombies go to init, which may be in no hurry; a lazy living parent can keep one for ever. It holds
 * nothing, so nothing waits for it but the number. The kernel has no event for being reaped: short naps. */
static void await_reaping(struct reclaim_item **items, size_t n)
{
	uint64_t until = clock_mono_ns() + REAP_MS * NS_PER_MS;
	pid_t parent;
	for (size_t i = 0; i < n; i++) {
		bool ended = items[i]->outcome == RECLAIM_RELEASED || items[i]->outcome == RECLAIM_GONE;
		while (ended && is_zombie(items[i], &parent) && clock_mono_ns() < until)
			(void)poll(NULL, 0, REAP_NAP_MS);
		if (ended && is_zombie(items[i], &parent))
			reclaim_set(items[i], RECLAIM_BUSY, ECHILD,
				    "a zombie: it has ended and holds nothing; it goes when its parent %d reads it or ends", parent);
	}
}

static void batch(struct reclaim_item **items, size_t n, const struct reclaim_how *how)
{
	int fds[AT_ONCE];
	uint64_t start = clock_mono_ns();
	for (size_t i = 0; i < n; i++) {
		fds[i] = open_exact(items[i], how);
		if (fds[i] >= 0)
			signal_one(items[i], how, fds[i]);
	}
	uint64_t until = clock_mono_ns() + (how->kill_ms ? how->kill_ms : KILL_MS) * NS_PER_MS;
	for (size_t i = 0; i < n; i++) {
		if (fds[i] >= 0 && items[i]->outcome == RECLAIM_PENDING)
			settle(items[i], fds[i], until);
		own_close(&fds[i]);
		items[i]->ms = (clock_mono_ns() - start) / NS_PER_MS;
	}
}

void reclaim_processes(struct reclaim_item **items, size_t n, const struct reclaim_how *how)
{
	for (size_t at = 0; at < n; at += AT_ONCE)
		batch(items + at, n - at < AT_ONCE ? n - at : AT_ONCE, how);
	await_reaping(items, n);
}
