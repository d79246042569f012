/* What this kernel and host offer. Facts only: what follows from them is policy. */
#ifndef PROBES_HOST_H
#define PROBES_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/base/arena.h"
#include "probes/scope.h"

/* The controllers rustbox can use; v1 names and v2 names differ only for cpuacct and freezer. */
#define HOST_CONTROLLERS(X) \
	X(MEMORY, "memory") X(PIDS, "pids") X(CPU, "cpu") X(CPUACCT, "cpuacct") X(CPUSET, "cpuset") X(FREEZER, "freezer")

enum host_controller {
#define X(id, name) HOST_##id,
	HOST_CONTROLLERS(X)
#undef X
	HOST_CONTROLLER_COUNT
};

enum cgroup_layout { CGROUP_NONE, CGROUP_V1, CGROUP_V2, CGROUP_HYBRID };

struct host {
	char name[65];	    /* uname nodename */
	char kernel[65];    /* uname release */
	char boot_id[37];
	enum cgroup_layout layout; /* HYBRID: controllers on v1 and a v2 tree beside them */
	const char *v1[HOST_CONTROLLER_COUNT]; /* mount point of the v1 hierarchy, NULL when not v1 */
	const char *unified;	   /* mount point of the v2 tree, NULL when none */
	uint32_t v2_controllers;   /* bit per host_controller available (and delegable) at the v2 root, or at `place` */
	const char *place;	   /* the cgroup delegated to us, relative to a hierarchy's root; NULL: none (delegation.h) */
	const char *place_why;	   /* why a delegated cgroup is not used; NULL */
	uint32_t namespaces;	   /* CLONE_NEW* bits the kernel has */
	bool pidfd, clone3, seccomp, openat2, mount_api, cgroup_kill, mount_id_unique, statmount, landlock, psi;
	unsigned cpus;
	uint64_t memory;	   /* bytes */
	bool proc;		   /* there is a /proc: without it nothing can be known of this process */
	uint32_t read_only;	   /* bit per host_controller that would be there, were its hierarchy not mounted read-only */
	bool root;		   /* effective uid 0 with CAP_SYS_ADMIN and every id that boxes need */
	bool user_ns;		   /* not in the kernel's first user namespace: root of it can make no device */
	const char *root_why;	   /* what keeps uid 0 from being root of boxes; NULL when that is plain, or nothing */
	bool rootless;		   /* not root, but in a user namespace of our own; set by who entered it */
};

/* Never fails as a whole: what could not be established is false/NULL. Strings live in the arena. */
void host_look(const struct scope *scope, struct arena *a, struct host *ret);
/* Only what a launch depends on: cgroups, system calls, namespaces, privileges. In the same time on a host with ten
 * mounts and with ten thousand. The rest stays 0. */
void host_look_for_launch(const struct scope *scope, struct arena *a, struct host *ret);
/* What a v2 cgroup has for its children; bit per host_controller, those included that belong to every v2 cgroup. */
uint32_t host_v2_controllers(const char *dir);
const char *cgroup_layout_word(enum cgroup_layout layout); /* "v1", "v2", "hybrid", "none" */

#endif
