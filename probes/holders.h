/*
 * Who holds a mount: by device and unique mount id over cwd, root, exe, open files and mappings of
 * every process, and by the mounts of every mount namespace. Never by path text: after pivot_root or a
 * lazy unmount the path of a holder's cwd prints as "/".
 */
#ifndef PROBES_HOLDERS_H
#define PROBES_HOLDERS_H

#include "probes/resource.h"
#include "probes/snapshot.h"

#define HOLDS(X)                                                              \
	X(CWD, "cwd") X(ROOT, "root") X(EXE, "exe") X(FD, "fd") X(MAP, "map") \
	X(CHILD_MOUNT, "child mount") X(PEER_MOUNT, "mount in another namespace") X(LOOP, "loop device") X(SWAP, "swap")

enum hold {
#define X(id, word) HOLD_##id,
	HOLDS(X)
#undef X
	HOLD_COUNT
};

struct holder {
	enum hold hold;
	pid_t pid;	       /* 0 for holds that are not a process */
	uint64_t start_ticks;
	int fd;		       /* for HOLD_FD, else -1 */
	uid_t uid;
	char state;
	uint64_t mnt_ns;
	bool same_ns;	       /* in the caller's mount namespace */
	bool you;	       /* the caller's own session: an ancestor of this process or its terminal */
	bool deleted;	       /* the file is open but unlinked */
	bool exact;	       /* matched by mount id; else only by device: the hold may be another mount's */
	enum owner owner;
	const char *comm, *cmdline, *box, *detail, *wchan;
};

struct holders {
	struct holder *v;
	size_t n;
	bool complete; /* false when a process could not be read: `why` says how many */
	struct err why;
};

/* The mount's facts from a snapshot (kind MOUNT or GHOST). */
void holders_find(const struct scope *scope, const struct resource *of, struct arena *a, struct holders *ret);
json_t *holders_to_json(const struct resource *of, const struct holders *h);
int holders_from_json(const json_t *j, struct arena *a, struct holders *ret, struct err *e) MUST_CHECK;
const char *hold_word(enum hold hold);

#endif
