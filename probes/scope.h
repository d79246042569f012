/* Where to look: the world's paths, and the kernel's own trees, which tests replace by recorded ones. */
#ifndef PROBES_SCOPE_H
#define PROBES_SCOPE_H

#include <stddef.h>

#include "probes/base/paths.h"

struct scope {
	const struct paths *paths;
	const char *proc;    /* "/proc" */
	const char *cgroup;  /* NULL: where mountinfo says the hierarchies are; else a recorded tree */
};

static inline struct scope scope_host(const struct paths *paths)
{
	return (struct scope){ .paths = paths, .proc = "/proc", .cgroup = NULL };
}

#endif
