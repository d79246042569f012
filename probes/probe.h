/*
 * The observers, one per kind of resource, and what they share in one look at the host: the ledgers, the
 * mount table and the members of our cgroups are read once, when the first observer asks.
 */
#ifndef PROBES_PROBE_H
#define PROBES_PROBE_H

#include "probes/mountinfo.h"
#include "probes/ownership.h"
#include "probes/places.h"
#include "probes/scope.h"

struct member {
	pid_t pid;
	const char *box, *path; /* of the cgroup that listed it */
};

struct look {
	const struct scope *scope;
	struct arena *a;
	struct ledgers ledgers;
	uint64_t began, began_boot; /* before the ledgers were read: ns of the wall clock, and since boot */
	struct world world;
	struct places places;
	int proc; /* the proc directory, -1 when it cannot be opened */
	void (*breathe)(void *ctx); /* NULL: nobody waits */
	void *breathe_ctx;
	unsigned steps;

	bool mounts_read;
	struct mount_table mounts;
	int mounts_rc;
	struct err mounts_why;

	bool cgroups_read;
	struct resource_set cgroups;
	struct member *members; /* sorted by pid */
	size_t nmembers;
};

/* Reads the ledgers and resolves the world's paths. look_done() closes; memory is the arena's. */
void look_init(struct look *l, const struct scope *scope, struct arena *a);
/* Takes an earlier reading of the mounts instead of a new one; `mounts` must outlive the look. */
void look_mounts_known(struct look *l, const struct resource_set *mounts);
void look_done(struct look *l);
/* To be called for each process or cgroup of a long list: now and then lets the one who waits for the look do else. */
void look_breathe(struct look *l);

/* Fills l->cgroups and l->members, unsorted; called once by look_cgroups(). */
void cgroups_read(struct look *l);

const struct mount_table *look_mounts(struct look *l); /* NULL: see mounts_why */
const struct resource_set *look_cgroups(struct look *l);
const struct member *look_member(struct look *l, pid_t pid); /* NULL: in none of ours */
/* Whether a wall clock stamp of a file lies before the look; the kernel's file times may be late by a tick. */
bool look_is_older(const struct look *l, uint64_t stamp_ns);

/* One mount by its unique id, in look->a; its layer and children are not counted. False when it is not in this
 * namespace (any more) or the kernel cannot tell everything. */
bool mounts_observe_one(struct look *l, uint64_t unique, struct resource *ret);

/* Says that a set may lack members. The first reason stays. */
void set_incomplete(struct resource_set *set, const struct err *why);
/* With ledgers that cannot be read what belongs to a box counts as active: then the set does not say what is left over. */
void set_note_unowned(struct resource_set *set, const struct ledgers *all);

typedef void observe_fn(struct look *l, struct resource_set *ret);
observe_fn mounts_observe, cgroups_observe, processes_observe, tempdirs_observe, locks_observe, ghosts_observe;

extern observe_fn *const observers[RES_KINDS];

#endif
