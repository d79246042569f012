/* Every cgroup hierarchy of the host, v1 and v2, from mountinfo or from a recorded tree. */
#ifndef PROBES_HIERARCHY_H
#define PROBES_HIERARCHY_H

#include <stddef.h>

#include "probes/base/arena.h"
#include "probes/base/err.h"
#include "probes/scope.h"

struct hierarchy {
	const char *name;  /* "memory", "cpu,cpuacct", "name=systemd"; "unified" for v2 */
	const char *mount; /* where it is mounted */
	int version;	   /* 1 or 2 */
};

/* In the order of mounting, each hierarchy once. Strings live in the arena. -errno when mountinfo cannot
 * be read: no hierarchies is an answer, not an error. */
int hierarchies_read(const struct scope *scope, struct arena *a, struct hierarchy **ret, size_t *ret_n, struct err *e)
	MUST_CHECK;

#endif
