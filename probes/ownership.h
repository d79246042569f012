/*
 * Whose is it? Pure: from what was read to an owner and the sentence that says why. Evidence is a lock, a
 * ledger record, a cgroup, a pid namespace, a uid of the pool or a path under our own root; never a
 * process's name, its arguments or a mount's source, which anybody can choose.
 */
#ifndef PROBES_OWNERSHIP_H
#define PROBES_OWNERSHIP_H

#include "probes/ledger.h"
#include "probes/resource.h"

struct ownership {
	enum owner owner;
	const char *box; /* NULL when nobody's */
	const char *why;
};

/* A thing that belongs to this box: active while the lock is held. When the ledgers could not all be
 * read, a box without a visible one counts as active: unknown must never end in a plan. */
struct ownership ownership_of_box(const struct ledgers *all, const char *box);

/* The box whose directory `path` is or lies in; `work` without trailing slash. NULL: not under a box. */
const char *ownership_box_of_path(const char *work, const char *path, struct arena *a);

/* `work`, `run` and `state` are resolved paths: mountinfo prints no symbolic link. */
struct world {
	const char *work, *run, *state;
	const struct ledgers *ledgers;
};
struct ownership ownership_of_mount(const struct world *w, const char *target, struct arena *a);

/* A directory named rustbox-<box>: anybody may make one in /tmp, so its maker decides. */
struct ownership ownership_of_dir(const struct world *w, const char *box, uid_t uid, uid_t ours, uid_t pool);

struct process_clues {
	const char *cgroup_box; /* in a cgroup of ours */
	const char *ledger_box; /* a ledger names this pid with this start time */
	const char *pidns_box;	/* shares a pid namespace, not the caller's, with members of that box's cgroup */
	bool self;		/* the caller or its session */
	bool our_exe;		/* runs an executable of our installation, by device and inode */
	bool in_pool;		/* its uid is one of the pool's */
	bool live_parent;	/* descends from a supervisor or from a process of an active box */
	bool zombie;
};
struct ownership ownership_of_process(const struct ledgers *all, const struct process_clues *c);

#endif
