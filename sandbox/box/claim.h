/*
 * The ledger's writer: nothing that can outlive a process is made before it stands here.
 *
 *   claim_own  -> make the thing -> claim_is (its identity) -> ... -> it is gone, verified -> claim_gone
 *
 * One file per box (format: probes/ledger.h). Its flock is the life of the box: it belongs to the open file
 * description, so a forked init or keeper that inherits `fd` keeps the box alive, and the last one to die,
 * by whatever death, lets go. There are no pid files. When all is gone the file is unlinked, by the holder of its lock
 * only; so whoever gets the lock looks whether the file still has its name, and begins again when it has not. Without
 * that look two processes could hold "the" lock on two different inodes.
 */
#ifndef SANDBOX_BOX_CLAIM_H
#define SANDBOX_BOX_CLAIM_H

#include <stdint.h>

#include "probes/base/paths.h"
#include "probes/ledger.h"
#include "probes/resource.h"

enum { CLAIM_BOX_ROOM = 65, CLAIM_LOCK_MS = 250 };

struct claim {
	int fd;	       /* the ledger, flock held, O_CLOEXEC; -1 when there is none */
	unsigned next; /* the next sequence number */
	const struct paths *paths; /* borrowed: whoever opened it keeps them */
	char box[CLAIM_BOX_ROOM];
};

#define CLAIM_NONE ((struct claim){ .fd = -1 })

/* Takes the lock of a box nobody owns and writes the header. Probes ask for shared locks now and then, so
 * a refused lock is tried again for CLAIM_LOCK_MS. -EBUSY: the box lives. -EEXIST: a dead owner left
 * entries behind; the text names the recovery command. Makes the ledger's directory when missing. */
int claim_open(const struct paths *p, const char *box, struct claim *ret, struct err *e) MUST_CHECK;

/* Takes the lock of a dead box with its entries kept, to release them. -ENOENT: no such ledger.
 * -EBUSY: alive. A corrupt ledger is taken as well: its box can be cleaned by name. */
int claim_take(const struct paths *p, const char *box, struct claim *ret, struct err *e) MUST_CHECK;

/* The two halves of claim_take, for who must do something between: first keep runs out (a run in a box that lives
 * holds a write lock of its own beside its keeper's; -EBUSY when there is one), then wait at most `ms` for the
 * owner's lock (-ESTALE: the box was finished by somebody else meanwhile). */
int claim_enter(const struct paths *p, const char *box, struct claim *ret, struct err *e) MUST_CHECK;
int claim_lock(struct claim *c, unsigned ms, struct err *e) MUST_CHECK;

/* Each is one write(2) of one line; an error means: do not make the thing. Names hold no newline;
 * a mount's and a tempdir's is its absolute path, a cgroup's "<hierarchy>:<path>", a process's its id. */
int claim_own(struct claim *c, enum resource_kind kind, const char *name, unsigned *ret_seq, struct err *e) MUST_CHECK;
int claim_is(struct claim *c, unsigned seq, const char *identity, struct err *e) MUST_CHECK;
int claim_ghost(struct claim *c, unsigned seq, const char *identity, struct err *e) MUST_CHECK;
int claim_gone(struct claim *c, unsigned seq, struct err *e) MUST_CHECK;

/* What stands in it now, parsed from the held descriptor. */
int claim_read(const struct claim *c, struct arena *a, struct ledger *ret, struct err *e) MUST_CHECK;

/* Everything is gone: unlinks the file, then lets go. On an error both stay: it is a stale lock. */
int claim_finish(struct claim *c, struct err *e) MUST_CHECK;
/* Lets go and keeps what is written: what remains is a stale lock for recovery. Safe on CLAIM_NONE. */
void claim_close(struct claim *c);

#define autoclaim __attribute__((cleanup(claim_close)))

#endif
