/* What differs between the two versions, and the walks both share. Private to cgroup*.c. */
#ifndef SANDBOX_KERNEL_CGROUP_OPS_H
#define SANDBOX_KERNEL_CGROUP_OPS_H

#include "sandbox/kernel/cgroup.h"

struct cgroup_ops {
	int version;
	const char *join; /* the file to write "0" to */
	/* After mkdir of a directory below parent_fd: what a fresh one needs before it can have members. */
	int (*ready)(const struct cgroup_tree *tree, int parent_fd, int fd, struct err *e);
	/* Fills what this tree knows; returns the sources it should have known and could not read. */
	uint32_t (*counters)(const struct cgroup_tree *tree, struct cgroup_counters *ret);
	bool (*cpu_ns)(const struct cgroup_tree *tree, uint64_t *ret);
	int (*kill)(int dirfd, uint64_t deadline, struct err *e);
};

extern const struct cgroup_ops cgroup_ops_v1, cgroup_ops_v2;

/* v2 needs no controller for these two: time and freezing belong to every v2 cgroup. */
enum { CGROUP_V2_CORE = 1u << HOST_CPUACCT | 1u << HOST_FREEZER };

static inline bool cgroup_serves(const struct cgroup_tree *tree, enum host_controller c)
{
	return tree->controllers >> c & 1;
}

/* Calls visit(dirfd, arg) for `dirfd`'s children first, then for dirfd; stops at the first error. */
int cgroup_walk(int dirfd, int depth, int (*visit)(int dirfd, void *arg), void *arg) MUST_CHECK;
/* SIGKILL to every member of the subtree until a pass finds nobody new. Returns -ETIMEDOUT at the deadline. */
int cgroup_sweep(int dirfd, uint64_t deadline, struct err *e) MUST_CHECK;

#endif
