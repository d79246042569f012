/*
 * Where our cgroups may be: below which directories of each hierarchy.
 *
 * The hierarchy's root always. Beside it each cgroup that was delegated to us, by a unit's Delegate= or by hand, and used:
 * the service that ran a box stands in its own cgroup, whoever looks for leftovers stands elsewhere, so the places are
 * written down (sandbox/box/place.h) before the first cgroup is made there. The list lies in /run: a reboot forgets it
 * together with the cgroups.
 */
#ifndef PROBES_PLACES_H
#define PROBES_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "probes/base/arena.h"
#include "probes/base/paths.h"
#include "probes/scope.h"

enum { PLACE_ROOM = 256 };

struct places {
	const char **v; /* relative to a hierarchy's root: "" first, "system.slice/judge.service" */
	size_t n;
	const char *world; /* paths->cgroup_parent: boxes are made in <place>[/<world>] */
	bool complete;	/* false: the list is there and can't be read; the boxes of a delegated cgroup may be overlooked */
	struct err why;
};

void places_read(const struct paths *paths, struct arena *a, struct places *ret);
/* Those directories in each hierarchy, as they are mounted; of a delegated cgroup, where it is. Returns how many; a place
 * that is used later is announced by its box's ledger. */
size_t places_dirs(const struct scope *scope, struct arena *a, const char ***ret);
/* What of a cgroup's path, as /proc/PID/cgroup has it, begins with rustbox-<box> in one of the places; else NULL. */
const char *places_within(const struct places *places, const char *path, size_t len);
/* A place as written: "/a/b". -EINVAL says what is wrong: relative, with "..", in the disguise of a box. */
int place_check(const char *path, struct err *e) MUST_CHECK;
/* <place>[/<world>] of the i-th: what boxes are made in. */
const char *places_parent(const struct places *places, size_t i, struct arena *a);

#endif
