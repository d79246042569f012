/* cgroup v2: one tree for all controllers, killed by one write, its emptiness an event. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/delegation.h"
#include "sandbox/kernel/cgroup.h"
#include "sandbox/kernel/sys.h"

static const char *const names[HOST_CONTROLLER_COUNT] = {
#define X(id, name) [HOST_##id] = name,
	HOST_CONTROLLERS(X)
#undef X
};

/* A cgroup with members cannot share out controllers (no internal processes). Where the members are we and children of
 * ours, as for a service whose only process is rustbox, they go one step down; who else is there has to be moved by
 * whoever put him there. */
static int step_down(int fd, struct err *e)
{
	const struct scope scope = { .proc = "/proc" };
	pid_t stranger = delegation_stranger(&scope, fd);
	if (stranger != 0)
		return err_say(e, EBUSY, "pid %d is in the cgroup that boxes are to be made in; " DELEGATION_REMEDY, (int)stranger);
	int r = sys_mkdirat(fd, DELEGATION_LEAF, 0755);
	if (r < 0 && r != -EEXIST)
		return err_set(e, -r, "make cgroup %s", DELEGATION_LEAF);
	autofree char *members = NULL;
	ssize_t n = kfile_read_all(fd, "cgroup.procs", &members);
	char *save = NULL;
	for (char *pid = n > 0 ? strtok_r(members, "\n", &save) : NULL; pid; pid = strtok_r(NULL, "\n", &save)) {
		r = sys_write_file(fd, DELEGATION_LEAF "/cgroup.procs", pid);
		if (r < 0 && r != -ESRCH)
			return err_set(e, -r, "step down into cgroup %s", DELEGATION_LEAF);
	}
	return n < 0 ? err_set(e, (int)-n, "list the cgroup's members") : 0;
}

int cgroup_settle(const struct host *host, struct err *e)
{
	char first[16];
	if (!host->unified || !delegation_has(host, host->unified))
		return 0;
	autofd int top = sys_openat(AT_FDCWD, host->unified, O_PATH | O_DIRECTORY, 0);
	autofd int fd = top < 0 ? top : sys_openat(top, host->place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return err_set(e, -fd, "open cgroup /%s", host->place);
	return kfile_read(fd, "cgroup.procs", first, sizeof first) == 0 ? 0 : step_down(fd, e);
}

static int enable(int fd, const char *plus, struct err *e)
{
	int r = sys_write_file(fd, "cgroup.subtree_control", plus);
	if (r == -EBUSY) {
		r = step_down(fd, e);
		if (r < 0)
			return r;
		r = sys_write_file(fd, "cgroup.subtree_control", plus);
	}
	return r < 0 ? err_set(e, -r, "enable the %s controller (cgroup.subtree_control)", plus + 1) : 0;
}

/* Children have a controller's files only when the parent says so. One controller a write: a refusal then
 * names the one that was refused. */
static int enable_below(int fd, uint32_t controllers, struct err *e)
{
	char now[512];
	ssize_t n = kfile_read(fd, "cgroup.subtree_control", now, sizeof now);
	if (n < 0)
		return err_set(e, (int)-n, "read cgroup.subtree_control");
	for (int c = 0; c < HOST_CONTROLLER_COUNT; c++) {
		if (!((controllers & ~(uint32_t)CGROUP_V2_CORE) >> c & 1))
			continue;
		bool there = false;
		char copy[512], *save = NULL;
		memcpy(copy, now, sizeof copy);
		for (char *w = strtok_r(copy, " \n", &save); w && !there; w = strtok_r(NULL, " \n", &save))
			there = strcmp(w, names[c]) == 0;
		if (there)
			continue;
		char plus[32];
		(void)snprintf(plus, sizeof plus, "+%s", names[c]);
		int r = enable(fd, plus, e);
		if (r < 0)
			return r;
	}
	return 0;
}

static int ready_v2(const struct cgroup_tree *tree, int parent_fd, int fd, struct err *e)
{
	int r = tree->controllers & ~(uint32_t)CGROUP_V2_CORE ? enable_below(parent_fd, tree->controllers, e) : 0;
	if (r < 0 || !cgroup_serves(tree, HOST_MEMORY))
		return r;
	/* One victim would leave a half-dead program: the kernel ends all of it. */
	r = sys_write_file(fd, "memory.oom.group", "1");
	return r < 0 ? err_set(e, -r, "have an out-of-memory end the whole box (memory.oom.group)") : 0;
}

static bool cpu_ns_v2(const struct cgroup_tree *tree, uint64_t *ret)
{
	/* There without the cpu controller: cgroup core keeps the time of every v2 group. */
	uint64_t us;
	if (!cgroup_serves(tree, HOST_CPUACCT) || cgroup_keyed_u64(tree, "cpu.stat", "usage_usec", &us) < 0)
		return false;
	*ret = us * 1000;
	return true;
}

static uint32_t counters_v2(const struct cgroup_tree *tree, struct cgroup_counters *ret)
{
	uint32_t seen = 0;
	if (cgroup_serves(tree, HOST_MEMORY)) {
		if (cgroup_keyed_u64(tree, "memory.events", "max", &ret->memory_fails) == 0 &&
		    cgroup_keyed_u64(tree, "memory.events", "oom_kill", &ret->oom_kills) == 0)
			seen |= SOURCE_BIT(SOURCE_MEMORY);
		/* memory.peak came with Linux 5.19; without it rusage is the only witness of the peak. */
		if (cgroup_u64(tree, "memory.peak", &ret->memory_peak) < 0)
			ret->memory_peak = 0;
	}
	if (cgroup_serves(tree, HOST_PIDS)) {
		if (cgroup_keyed_u64(tree, "pids.events", "max", &ret->pids_refused) == 0)
			seen |= SOURCE_BIT(SOURCE_PIDS);
		if (cgroup_u64(tree, "pids.peak", &ret->pids_peak) < 0)
			ret->pids_peak = 0;
	}
	if (cpu_ns_v2(tree, &ret->cpu_ns))
		seen |= SOURCE_BIT(SOURCE_CPU);
	return seen;
}

static int thaw(int dirfd, void *arg)
{
	(void)arg;
	int r = sys_write_file(dirfd, "cgroup.freeze", "0");
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

/* cgroup.kill (5.14) takes forks in flight along and reaches frozen members; before it, freeze and sweep. */
static int kill_v2(int dirfd, uint64_t deadline, struct err *e)
{
	int r = sys_write_file(dirfd, "cgroup.kill", "1");
	if (r != -ENOENT)
		return r < 0 ? err_set(e, -r, "cgroup.kill") : 0;
	r = sys_write_file(dirfd, "cgroup.freeze", "1");
	if (r < 0 && r != -ENOENT)
		return err_set(e, -r, "cgroup.freeze");
	r = cgroup_sweep(dirfd, deadline, e);
	int t = cgroup_walk(dirfd, 0, thaw, NULL);
	return t < 0 && r == 0 ? err_set(e, -t, "thaw") : r;
}

const struct cgroup_ops cgroup_ops_v2 = {
	.version = 2, .join = "cgroup.procs", .ready = ready_v2, .counters = counters_v2, .cpu_ns = cpu_ns_v2,
	.kill = kill_v2,
	.kept = { { HOST_MEMORY, "memory.events" }, { HOST_MEMORY, "memory.peak" }, { HOST_PIDS, "pids.events" },
		  { HOST_PIDS, "pids.peak" }, { HOST_CPUACCT, "cpu.stat" } },
};
