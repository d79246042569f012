/*
 * The way into a box made by `init`, for a run and for an exchange of files alike: its use lock, then its root.
 *
 * Its keeper holds the ledger's flock, which says that the box lives. Whoever uses it takes a write lock of his own open
 * file (F_OFD_SETLK) on the same ledger for as long as he, and a run's init, live: so one uses it at a time.
 */
#ifndef SANDBOX_BOX_LIVING_H
#define SANDBOX_BOX_LIVING_H

#include "probes/base/paths.h"
#include "sandbox/box/claim.h"

/* -ENOENT: no such box; -EBUSY: in use; -EOWNERDEAD: its keeper is gone, recovery's case. ret->fd may be open on
 * failure too: the caller closes. */
int living_enter(const struct paths *paths, const char *box, struct claim *ret, struct err *e) MUST_CHECK;
/* The root of the box's file system as an O_PATH descriptor: that very mount which its ledger records, owned by a uid
 * of the pool, which is *uid. */
int living_root(const struct paths *paths, const struct claim *entered, uid_t *uid, struct err *e) MUST_CHECK;

#endif
