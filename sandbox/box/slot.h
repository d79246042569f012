/*
 * A uid (and gid) of the pool for one box: a file per uid in the slots directory, its flock held while in use. A
 * forked init that keeps the descriptor keeps the uid until the box is dead, whoever else dies first.
 */
#ifndef SANDBOX_BOX_SLOT_H
#define SANDBOX_BOX_SLOT_H

#include "probes/base/paths.h"

struct slot {
	int fd; /* -1: none */
	uid_t uid;
};

#define SLOT_NONE ((struct slot){ .fd = -1, .uid = (uid_t)-1 })

/* `slots`: how many of the pool may be used, 1 to UID_POOL: as many boxes as the host allows at once. -EAGAIN when
 * all are. */
int slot_claim(const struct paths *p, unsigned slots, struct slot *ret, struct err *e) MUST_CHECK;
/* Lets go; safe on SLOT_NONE. The file stays: unlinking a lock lets two hold it. */
void slot_release(struct slot *s);

#endif
