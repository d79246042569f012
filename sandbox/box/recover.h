/* Recovery of all that dead boxes left: look, plan, walk, look again; at most one at a time on a host. */
#ifndef SANDBOX_BOX_RECOVER_H
#define SANDBOX_BOX_RECOVER_H

#include "sandbox/box/reclaim.h"

/* The right to recover, held through a file that says who is at work. */
struct recovery_lock {
	int fd;
};
#define RECOVERY_UNLOCKED ((struct recovery_lock){ .fd = -1 })

/* Tries once; -EBUSY: `who` (escaped) is at work. */
int recovery_lock(const struct paths *p, struct recovery_lock *ret, char *who, size_t cap, struct err *e) MUST_CHECK;
/* Asks again until `ms` are over. */
int recovery_lock_within(const struct paths *p, unsigned ms, struct recovery_lock *ret, char *who, size_t cap,
			 struct err *e) MUST_CHECK;
void recovery_unlock(struct recovery_lock *l);
#define autorecovery __attribute__((cleanup(recovery_unlock)))

enum { RECOVER_ROUNDS = 3 }; /* what appeared while the first plan was walked goes with the next */

struct recovery {
	size_t released, gone, left; /* items of the last walk of each thing */
	unsigned rounds;
	struct snapshot after;	     /* a fresh look when all was done */
	bool looked, clean;	     /* complete; complete and nothing left */
	struct err why;		     /* why not `looked` */
};

/* snapshot_take() of everything, and once more when something without a ledger looks left over: a leftover must be one
 * in both. What only the second shows is called active. */
void recover_look(const struct scope *scope, struct arena *a, struct snapshot *ret);

/* Every leak of every dead box, beginning with a look already taken. Orphans are never in its plan: they are named one
 * by one. The lock must be held. */
void recover_all(const struct reclaim_how *how, const struct snapshot *first, struct arena *a, struct recovery *ret);

/* Whether everything was seen. */
bool recover_looked(const struct snapshot *s, struct err *why);

#endif
