/*
 * cgroup v1: one controller a tree (or a few co-mounted). No kill, no event when empty, and an OOM that
 * ends one process only; the freezer makes a kill complete and the supervisor ends the box on an OOM event.
 */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/kfile.h"
#include "sandbox/kernel/cgroup_tree.h"
#include "sandbox/kernel/sys.h"

/* A new cpuset has neither cpus nor memory nodes and refuses members until it does. */
static int inherit(int parent_fd, int fd, const char *file, struct err *e)
{
	char value[1024];
	ssize_t n = kfile_read(parent_fd, file, value, sizeof value);
	if (n < 0)
		return err_set(e, (int)-n, "read the parent's %s", file);
	int r = sys_write_file(fd, file, value);
	return r < 0 ? err_set(e, -r, "write %s", file) : 0;
}

static int ready_v1(const struct cgroup_tree *tree, int parent_fd, int fd, struct err *e)
{
	if (!cgroup_serves(tree, HOST_CPUSET))
		return 0;
	int r = inherit(parent_fd, fd, "cpuset.cpus", e);
	return r < 0 ? r : inherit(parent_fd, fd, "cpuset.mems", e);
}

/* Without swap both limits are equal, and the kernel charges memory+swap first: then only that counter moves. */
static bool memory_fails(const struct cgroup_tree *tree, uint64_t *ret)
{
	uint64_t swap = 0;
	if (cgroup_u64(tree, "memory.failcnt", ret) < 0)
		return false;
	if (cgroup_u64(tree, "memory.memsw.failcnt", &swap) == 0)
		*ret += swap;
	return true;
}

static uint32_t counters_v1(const struct cgroup_tree *tree, struct cgroup_counters *ret)
{
	uint32_t seen = 0;
	if (cgroup_serves(tree, HOST_MEMORY) &&
	    cgroup_u64(tree, "memory.max_usage_in_bytes", &ret->memory_peak) == 0 &&
	    memory_fails(tree, &ret->memory_fails) &&
	    cgroup_keyed_u64(tree, "memory.oom_control", "oom_kill", &ret->oom_kills) == 0)
		seen |= SOURCE_BIT(SOURCE_MEMORY);
	if (cgroup_serves(tree, HOST_PIDS)) {
		if (cgroup_keyed_u64(tree, "pids.events", "max", &ret->pids_refused) == 0)
			seen |= SOURCE_BIT(SOURCE_PIDS);
		if (cgroup_u64(tree, "pids.peak", &ret->pids_peak) < 0)
			ret->pids_peak = 0; /* older kernels do not say */
	}
	if (cgroup_serves(tree, HOST_CPUACCT) && cgroup_u64(tree, "cpuacct.usage", &ret->cpu_ns) == 0)
		seen |= SOURCE_BIT(SOURCE_CPU);
	return seen;
}

static bool cpu_ns_v1(const struct cgroup_tree *tree, uint64_t *ret)
{
	return cgroup_serves(tree, HOST_CPUACCT) && cgroup_u64(tree, "cpuacct.usage", ret) == 0;
}

static int thaw(int dirfd, void *arg)
{
	(void)arg;
	int r = sys_write_file(dirfd, "freezer.state", "THAWED");
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}

/* Best effort: a frozen group cannot fork away from the sweep, but a D-state member keeps it from freezing,
 * and then the sweep alone must do. The kernel gives no event for "FROZEN", so this looks a few times. */
static void freeze(int dirfd, uint64_t deadline)
{
	if (sys_write_file(dirfd, "freezer.state", "FROZEN") < 0)
		return;
	uint64_t until = clock_mono_ns() + 100 * NS_PER_MS;
	until = until < deadline ? until : deadline;
	char state[32];
	while (kfile_read(dirfd, "freezer.state", state, sizeof state) > 0 && strncmp(state, "FROZEN", 6) != 0 &&
	       clock_mono_ns() < until)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

static int kill_v1(int dirfd, uint64_t deadline, struct err *e)
{
	/* No new members while we count: only the pids tree has this file. */
	int r = sys_write_file(dirfd, "pids.max", "0");
	if (r < 0 && r != -ENOENT && r != -EACCES)
		return err_set(e, -r, "stop forks");
	bool freezer = faccessat(dirfd, "freezer.state", W_OK, 0) == 0;
	if (freezer)
		freeze(dirfd, deadline);
	r = cgroup_sweep(dirfd, deadline, e);
	/* SIGKILL does nothing to a frozen task: thaw always, and everything below, whoever froze it. */
	if (freezer) {
		int t = cgroup_walk(dirfd, 0, thaw, NULL);
		if (t < 0 && r == 0)
			r = err_set(e, -t, "thaw");
	}
	return r;
}

const struct cgroup_ops cgroup_ops_v1 = {
	.version = 1, .join = "tasks", .ready = ready_v1, .counters = counters_v1, .cpu_ns = cpu_ns_v1,
	.kill = kill_v1,
	.kept = { { HOST_MEMORY, "memory.max_usage_in_bytes" }, { HOST_MEMORY, "memory.failcnt" },
		  { HOST_MEMORY, "memory.memsw.failcnt" }, { HOST_MEMORY, "memory.oom_control" },
		  { HOST_PIDS, "pids.events" }, { HOST_PIDS, "pids.peak" }, { HOST_CPUACCT, "cpuacct.usage" } },
};
