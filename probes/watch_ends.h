/*
 * The ends of processes, as events: a pidfd for each one of ours and for each visible holder of a ghost. As many
 * descriptors are kept as the process may open at all; beyond that the ends are found by looking, and the source says
 * `poll`.
 */
#ifndef PROBES_WATCH_ENDS_H
#define PROBES_WATCH_ENDS_H

#include "probes/snapshot.h"

struct watched {
	pid_t pid;
	uint64_t start;
	int fd;
	bool seen; /* in the last snapshot */
};

struct ends {
	struct watched *v;
	size_t n, room, most;
	bool all; /* every process of ours is watched */
};

/* Raises the caller's own soft limit of open files to its hard one: nobody else is concerned by that. */
void ends_init(struct ends *e);
/* Watches what is new in the snapshot, lets go of what is not in it; events come with `tag` in the low byte of data.u64
 * and the descriptor in the high half. */
void ends_follow(struct ends *e, int epoll, unsigned tag, const struct snapshot *now);
/* The process behind this descriptor has ended. */
void ends_take(struct ends *e, int fd);
void ends_done(struct ends *e);

#endif
