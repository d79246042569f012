/*
 * Whether a cgroup was given to us to make others below: "delegated".
 *
 * systemd marks the cgroup of a unit with Delegate= by the extended attribute user.delegate (trusted.delegate before 251)
 * and then leaves alone what is below it; everything else in its tree is its own to arrange (CGROUP_DELEGATION in its
 * documentation). An ordinary user has a cgroup that somebody gave him when he may write its cgroup.procs and
 * cgroup.subtree_control; that is v2 only, because v1 is not safe to hand out. We look at the cgroup we are in and at the one
 * above it, where DelegateSubgroup= or a service that moved itself has put us, and no farther: between us and a cgroup
 * higher up there is another manager.
 *
 * v2 lets a cgroup have either members or controllers for its children. So a delegated cgroup is of use when nobody but
 * us is in it (then we step down into a child of it, cgroup.h), or when it shares out controllers already.
 */
#ifndef PROBES_DELEGATION_H
#define PROBES_DELEGATION_H

#include "probes/host.h"

/* The child of a delegated cgroup that its manager steps into. */
#define DELEGATION_LEAF "supervisor"
/* What to do about a member of the delegated cgroup itself. */
#define DELEGATION_REMEDY \
	"put it into a child of that cgroup: DelegateSubgroup=" DELEGATION_LEAF " in the unit (systemd 254), or the service does it"

/* Sets host->place, or host->place_why when there is a delegated cgroup that cannot be used; and v2_controllers to what is
 * available there. Needs the hierarchies of `host`. */
void delegation_look(const struct scope *scope, struct arena *a, struct host *host);
/* What the operator says it is, "/a/b"; -EINVAL when it is none, -ENOENT when it is in no hierarchy. */
int delegation_set(struct host *host, const char *path, struct arena *a, struct err *e) MUST_CHECK;
/* True when the hierarchy mounted at `mount` has the host's place; else its boxes are made at its root. */
bool delegation_has(const struct host *host, const char *mount);
/* Whether any hierarchy has it. */
bool delegation_is_there(const struct host *host);
/* 0 when every member of the cgroup is the calling process or a child of it, else a pid of another's, or -errno. */
pid_t delegation_stranger(const struct scope *scope, int cgroup);

#endif
