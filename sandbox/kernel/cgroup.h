/*
 * A box's cgroups: one directory `rustbox-<box>` in each hierarchy used.
 *
 * What is used follows from the host. v2 with controllers: one tree. v1: one tree per controller. Hybrid: the
 * v1 controllers, and the v2 tree beside them for what v1 never had (kill in one write, freeze without a
 * race, an event when the last process is gone, CPU time of every member). Forced v1 uses the freezer and
 * cpuacct instead. The two versions differ behind `struct cgroup_ops`, the only such table in the project,
 * because here there really are two implementations.
 *
 * Order of use: open (looks only) → make → limit → join_fds → clone, join → counters, kill, wait_empty →
 * remove. All directories are reached by descriptor from the hierarchy's mount.
 *
 * Where a cgroup was delegated to us (host->place) the box's lies below that one, else below the hierarchy's root. A
 * delegated v2 cgroup can have members or share out controllers, not both: where only we and children of ours are
 * in it, we step down into its child `supervisor`, which stays, for it has us; anybody else is not ours to move.
 */
#ifndef SANDBOX_KERNEL_CGROUP_H
#define SANDBOX_KERNEL_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/paths.h"
#include "probes/host.h"
#include "sandbox/kernel/cgroup_tree.h"
#include "sandbox/policy/evidence.h"
#include "sandbox/policy/rows.h"

enum { CGROUP_TREES = HOST_CONTROLLER_COUNT + 1 };

struct cgroup {
	struct cgroup_tree trees[CGROUP_TREES];
	size_t n;
	char world[40];	   /* paths->cgroup_parent */
	char name[80];	   /* rustbox-<box> */
};

/* version[c]: 0 = controller not used, 1 or 2 = in which hierarchy (plan.h). Fails when that is not there. Opens
 * the hierarchies' mount points, changes nothing. */
int cgroup_open(const struct host *host, const struct paths *paths, const char *box,
		const int version[static HOST_CONTROLLER_COUNT], struct cgroup *ret, struct err *e) MUST_CHECK;
void cgroup_close(struct cgroup *cg); /* descriptors only */

/* Makes tree i's directory (and the world's parent in its place, with v2 controllers enabled downwards). One already there
 * is -EEXIST: somebody else's box or an unrecovered one. *inode is its identity. */
int cgroup_make(struct cgroup *cg, size_t i, uint64_t *inode, struct err *e) MUST_CHECK;
/* Writes the rows in their order; on v2 also has an OOM end the whole box. */
int cgroup_limit(const struct cgroup *cg, const struct knob_row *knobs, size_t n, struct err *e) MUST_CHECK;

/* Files into which a process writes "0" to join with itself: v1 `tasks` (no wait for a threadgroup lock, which
 * costs `cgroup.procs` 6 to 15 ms on an idle host), v2 `cgroup.procs`. Returns how many, or -errno. */
int cgroup_join_fds(const struct cgroup *cg, int ret[static CGROUP_TREES], struct err *e) MUST_CHECK;
/* The v2 directory to clone into (CLONE_INTO_CGROUP), or -1: then join_fds leaves that tree out. */
int cgroup_clone_fd(const struct cgroup *cg);
/* An eventfd that becomes readable when v1 memory reports out-of-memory, or -1 where v2 ends the box itself. */
int cgroup_oom_fd(const struct cgroup *cg, struct err *e) MUST_CHECK;

/* Opens what cgroup_counters() reads, while there is nothing better to do: at the end it only reads. What can't be
 * opened, as a file this kernel lacks, is tried again then. */
void cgroup_keep_open(struct cgroup *cg);
/* What the kernel counted since the cgroup was made. Returns the bits of SOURCE_CPU, _MEMORY, _PIDS
 * that could not be read: those fields stay 0 and mean nothing. */
uint32_t cgroup_counters(const struct cgroup *cg, struct cgroup_counters *ret) MUST_CHECK;
/* The CPU time alone, for the supervisor's regular look; false when unknown. */
bool cgroup_cpu_ns(const struct cgroup *cg, uint64_t *ret) MUST_CHECK;

/* Members as they are now, at most `cap` of them; 0 when unknown. Numbers, not identities: check before use. */
size_t cgroup_members(const struct cgroup *cg, pid_t *ret, size_t cap);

/* 0 when no tree has a member; -ETIMEDOUT at the deadline (CLOCK_MONOTONIC ns), naming one. */
int cgroup_wait_empty(const struct cgroup *cg, uint64_t deadline, struct err *e) MUST_CHECK;
/* Kills, waits, removes children depth first, then the directory, newest tree first; verified. Already gone is
 * success. -EBUSY / -ETIMEDOUT name what stays. */
int cgroup_remove(struct cgroup *cg, size_t i, uint64_t deadline, struct err *e) MUST_CHECK;

/* A long-running process of ours leaves the delegated v2 cgroup for its child `supervisor` at once, so that boxes can be made
 * there by others. Nothing to do where none was delegated, or nobody is in it. */
int cgroup_settle(const struct host *host, struct err *e) MUST_CHECK;

/* The same for any one directory, for what recovery finds by name: `top_fd` is its hierarchy's mount point, `path`
 * its path there (no leading slash). version is 1 or 2. */
int cgroup_remove_at(int version, int top_fd, const char *path, uint64_t deadline, struct err *e) MUST_CHECK;

#endif
