/*
 * The one engine that removes things from the host: a plan, and the walk through it.
 *
 * A plan is a list of items bound to identities, in an order computed from what blocks what. Walking it acts
 * on the intersection with the world only: each item is looked at again, by identity, at the moment it acts;
 * what is gone already is fine, what bears the name but is another thing is left alone. Whatever can sleep
 * in the kernel for ever runs in a child with a deadline. No item fails another, except that one which is
 * blocked by a failed one is skipped and says by which.
 */
#ifndef SANDBOX_BOX_RECLAIM_H
#define SANDBOX_BOX_RECLAIM_H

#include <jansson.h>
#include <stdint.h>

#include "probes/resource.h"
#include "probes/scope.h"
#include "probes/snapshot.h"

#define RECLAIM_OUTCOMES(X)                                             \
	X(PENDING, "pending", "not walked yet")                         \
	X(RELEASED, "released", "it was there, and is verified gone")   \
	X(GONE, "gone", "it was gone before we came")                   \
	X(BUSY, "busy", "somebody holds it")                            \
	X(FAILED, "failed", "the kernel refused, or did not answer")    \
	X(SKIPPED, "skipped", "not acted upon; `because` says why")

enum reclaim_outcome {
#define X(id, word, why) RECLAIM_##id,
	RECLAIM_OUTCOMES(X)
#undef X
	RECLAIM_OUTCOME_COUNT
};

enum { RECLAIM_BLOCKS = 4, RECLAIM_BECAUSE = 300 };
enum { RECLAIM_NOTHING = -1 };

struct reclaim_item {
	struct resource of;	    /* identity and facts as seen when the plan was made */
	int blocks[RECLAIM_BLOCKS]; /* items that cannot go before this one; RECLAIM_NOTHING ends the list */
	enum reclaim_outcome outcome;
	int err;		    /* positive errno, 0 when none */
	int blocker;		    /* for SKIPPED: the item at the root of it, else RECLAIM_NOTHING */
	uint64_t ms;
	uint64_t undo_until;	    /* a directory in the trash: wall clock seconds; 0: there is no undo */
	bool ghost;		    /* detached by this walk: released, but its lock must stay until the ghost ends */
	bool unsure;		    /* a lock: when the plan was made, not every ghost could be seen */
	char because[RECLAIM_BECAUSE]; /* escaped, for people; "" when there is nothing to add */
};

struct reclaim_plan {
	struct reclaim_item *v; /* in the order of the walk */
	size_t n;
};

struct reclaim_choice {
	unsigned kinds;		  /* bit per resource_kind; 0 = all */
	const char *const *ids;	  /* ids, or absolute paths for mount, cgroup and tempdir; NULL with nids 0 = every one */
	size_t nids;
	const unsigned *id_kinds; /* beside each id, the kinds it is meant of, as bits; NULL: all of `kinds` */
	const char *const *id_names; /* beside each id, the name it must still have: inode numbers are used again; NULL: any */
	const char *box;	  /* only this box's, when not NULL */
	uint64_t older_than;	  /* seconds; with it, what has no known age is not chosen */
	uint64_t now;		  /* wall clock seconds */
};

/* Pure. Only leftovers are chosen: LEAK, and ORPHAN when its id is in `ids`. An id that is not there, or is not
 * a leftover, becomes a SKIPPED or GONE item that says so, so that nothing asked for is lost in silence. */
void reclaim_plan_make(const struct snapshot *now, const struct reclaim_choice *c, struct arena *a,
		       struct reclaim_plan *ret);

struct reclaim_how {
	const struct scope *scope;
	bool lazy;		/* a mount that stays busy is detached, and recorded as a ghost */
	bool trash;		/* directories are kept for a while, where there is room (trash.h) */
	bool dry;		/* nothing is done; every item stays PENDING */
	unsigned umount_ms, tree_ms, kill_ms, rmdir_ms; /* 0 = 10 s, 60 s, 5 s, 5 s */
	/* Called when an item begins (outcome PENDING), while a tree is deleted (`done` entries), and at its end. */
	void (*tell)(void *arg, const struct reclaim_plan *plan, size_t at, uint64_t done);
	/* May add who holds a busy mount to `because`; NULL where the eyes for it are not linked in. */
	void (*holders)(void *arg, struct reclaim_item *item);
	bool (*stop)(void *arg); /* asked between items: true ends the walk; the rest stays PENDING */
	void *arg;
};

/* Walks the plan. Returns the number of items that are neither RELEASED nor GONE. */
size_t reclaim_walk(struct reclaim_plan *plan, const struct reclaim_how *how);

struct claim;
/* Releases everything in a held ledger, newest first, striking off what is verified gone; then, when all is,
 * truncates it. Bounded by `ms` in all. Items (in arena) say what happened. Returns how many are left. */
size_t reclaim_claim(struct claim *c, const struct reclaim_how *how, unsigned ms, struct arena *a,
		     struct reclaim_plan *ret);

json_t *reclaim_item_to_json(const struct reclaim_item *item);
const char *reclaim_outcome_word(enum reclaim_outcome o);

#endif
