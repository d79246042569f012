/*
 * A keeper: the process that keeps a box made by `init` alive between runs. All it does is hold the ledger's flock;
 * when it dies, by whatever death, the box is a leftover. It has two descriptors, the ledger and the box's uid slot.
 */
#ifndef SANDBOX_BOX_KEEPER_H
#define SANDBOX_BOX_KEEPER_H

#include "sandbox/box/claim.h"

/* Forks it off; it inherits the locks of the claim and of the slot, and is recorded in the ledger as a process. */
int keeper_start(struct claim *c, int slot_fd, struct err *e) MUST_CHECK;
/* Ends the keeper a ledger names, through a pidfd and after comparing its start time, and waits at most `ms` for its
 * end. 0 also when it is dead already. */
int keeper_end(const struct ledger *l, unsigned ms, struct err *e) MUST_CHECK;

#endif
