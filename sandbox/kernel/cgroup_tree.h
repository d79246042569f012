/* One hierarchy of a box: what differs between the two versions, and the walks both share. For cgroup*.c. */
#ifndef SANDBOX_KERNEL_CGROUP_TREE_H
#define SANDBOX_KERNEL_CGROUP_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/host.h"
#include "probes/places.h"
#include "sandbox/policy/evidence.h"

struct cgroup_ops;

enum { CGROUP_KEPT = 8, CGROUP_PATH = PLACE_ROOM + 128 };

struct cgroup_tree {
	const struct cgroup_ops *ops;
	const char *hierarchy;	/* "memory", "pids", ... on v1; "unified" on v2: as in resource ids */
	uint32_t controllers;	/* bit per host_controller served here */
	char place[PLACE_ROOM];	/* the delegated cgroup we stay below, relative to the mount; "" for the mount itself */
	char path[CGROUP_PATH];	/* the box's, relative to the hierarchy's mount, with a leading slash: "/rustbox-x" */
	int top_fd;		/* the hierarchy's mount point */
	int fd;			/* the box's directory; -1 until made or found */
	int kept[CGROUP_KEPT];	/* ops->kept, when cgroup_keep_open() was called; 0: not open */
};

struct cgroup_ops {
	int version;
	const char *join; /* the file to write "0" to */
	struct {
		enum host_controller of;
		const char *file;
	} kept[CGROUP_KEPT]; /* what counters() reads */
	/* After mkdir of a directory below parent_fd: what a fresh one needs before it can have members. */
	int (*ready)(const struct cgroup_tree *tree, int parent_fd, int fd, struct err *e);
	/* Fills what this tree knows; returns the sources that were read. */
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

/* Closes the directory and what was kept open of it. */
void cgroup_let_go(struct cgroup_tree *t);
/* A file of the tree's directory, by the descriptor kept for it or by its name. */
int cgroup_u64(const struct cgroup_tree *tree, const char *file, uint64_t *ret) MUST_CHECK;
int cgroup_keyed_u64(const struct cgroup_tree *tree, const char *file, const char *key, uint64_t *ret) MUST_CHECK;

/* Calls visit(dirfd, arg) for `dirfd`'s children first, then for dirfd; stops at the first error. */
int cgroup_walk(int dirfd, int depth, int (*visit)(int dirfd, void *arg), void *arg) MUST_CHECK;
/* SIGKILL to every member of the subtree until a pass finds nobody new. Returns -ETIMEDOUT at the deadline. */
int cgroup_sweep(int dirfd, uint64_t deadline, struct err *e) MUST_CHECK;

#endif
