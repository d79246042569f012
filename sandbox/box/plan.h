/*
 * What will be done, fully resolved: spec and host facts in, rows out. Nothing is parsed, chosen or
 * allocated after clone; the child walks these rows. What cannot be enforced here is refused before
 * anything exists (strict), or listed as missing (permissive).
 */
#ifndef SANDBOX_BOX_PLAN_H
#define SANDBOX_BOX_PLAN_H

#include "probes/host.h"
#include "sandbox/box/spec.h"
#include "sandbox/policy/stages.h"

/* A control that this host cannot give, and how it could. */
struct plan_missing {
	const char *control; /* a stage's word, or a limit's flag */
	const char *why, *remedy;
	uint32_t stages;     /* bit per stage that cannot be done at all */
};

struct plan {
	const char *box;	 /* its name; made up when the spec had none */
	bool keep;		 /* a box that lives across runs: the workspace is mounted on the host */
	bool rootless;		 /* in a user namespace: the one uid there is is 0, the caller's own outside */
	unsigned slots;		 /* boxes this host may have at once */
	uid_t uid;		 /* and gid; (uid_t)-1 until the slot is claimed */
	struct limits limits;
	uint64_t ns_flags;	 /* CLONE_NEW* */
	uint32_t configured;	 /* bit per stage to be walked */
	uint32_t optional;	 /* of those, bit per stage that may fail; 0 when strict */
	struct mount_row *mounts;
	size_t nmounts;
	const char *workspace_data; /* tmpfs options of the workspace: "size=...,nr_inodes=...,mode=0700" */
	struct rlimit_row *rlimits;
	size_t nrlimits;
	struct knob_row *knobs;
	size_t nknobs;
	int cgroup_version[HOST_CONTROLLER_COUNT]; /* 0: not used, 1 or 2 */
	char **argv, **env;
	char **candidates;	 /* NULL-terminated paths in the box; exec takes the first that is there */
	const char *cwd;	 /* in the box */
	const char *stdin_file, *stdout_file, *stderr_file, *stdin_text;
	bool merge, capture;
	struct plan_missing *missing;
	size_t nmissing;
	char envelope[65];	 /* filled in by the run, while it waits (spec_envelope) */
	int workspace_fd;	 /* -1; filled in by the run */
};

/*
 * Strings may point into spec and host, which must outlive the plan. Fails with -ENOTSUP naming the
 * control and its remedy when the spec is strict and something is missing, -EINVAL for a wish that
 * can never be granted.
 */
int plan_make(const struct spec *spec, const struct host *host, struct arena *a, struct plan *ret, struct err *e)
	MUST_CHECK;
/* The same without refusing: for --dry-run and `check`. */
int plan_sketch(const struct spec *spec, const struct host *host, struct arena *a, struct plan *ret, struct err *e)
	MUST_CHECK;

/* Remedies that `rustbox check` names as well: without root, in a user namespace, without clone3, with read-only cgroups. */
#define PLAN_ROOT "run it as root: sudo rustbox run ..., or with --permissive, in a user namespace and without cgroups"
#define PLAN_IDS "give it mounts of its own, the ids 0 to 65535 and setgroups; or use --permissive: no cgroups then, and one id for all"
#define PLAN_CLONE3 "use Linux 5.3 or newer; in a container, let its seccomp profile permit clone3"
#define PLAN_WRITABLE "mount -o remount,rw on that hierarchy, or start this container with writable cgroups"
/* 0 when nobody offers it, else 1 or 2. */
int plan_cgroup_version(const struct host *host, enum host_controller c, bool force_v1);

#endif
