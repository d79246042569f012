/*
 * The world of one drill, as plain data: where it is, the things planted in it (each must be gone at the end)
 * and the canaries beside them (each must be as it was). It is kept in a file of the drill's own world, so that any process
 * inside can judge from it; and the drill's log stands beside it.
 */
#ifndef SANDBOX_DRILL_GROUND_H
#define SANDBOX_DRILL_GROUND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "probes/base/paths.h"

enum thing_kind {
	THING_MOUNT,   /* id: the unique mount id */
	THING_BELOW,   /* any mount at or below the path */
	THING_CGROUP,  /* a directory */
	THING_PROCESS, /* pid, id: start time */
	THING_ZOMBIE,  /* the same, and it has ended: there until somebody reads it */
	THING_PATH,    /* id: inode; as a canary also content, mode, owner, links and time */
	THING_KEPT,    /* a canary file that may grow, and may not be replaced or deleted */
	THING_HELD     /* id: a device, held by a process or mounted in its namespace */
};
enum { THING_NAME = 320, GROUND_THINGS = 48, GROUND_CANARIES = 12, GROUND_BOX = 16 };

struct thing {
	enum thing_kind kind;
	char name[THING_NAME];
	uint64_t id;
	pid_t pid;
	/* canaries only */
	char sum[65];
	unsigned mode, nlink, uid;
	int64_t mtime_ns;
};

struct ground {
	uint32_t schema, size; /* another build's record is refused */
	unsigned drill, seed, draws;
	struct paths paths;
	char box[2][GROUND_BOX];
	char busy[THING_NAME]; /* what the learner is asked about */
	uint64_t began_ms;     /* wall clock, when the learner could begin */
	struct thing thing[GROUND_THINGS], canary[GROUND_CANARIES];
	unsigned nthings, ncanaries;
	int storm; /* read end: hangs up when a storm has passed; -1 */
	bool idle_init; /* the drill's init reads nobody's end until fault_reap() */
	int keep;  /* a descriptor that the next planted process keeps; it has no other; -1 */
	int ready; /* in a planted process: see plant_ready() */
};

/* A number below `most` that depends on nothing but the seed, the drill and how many were drawn before. */
unsigned ground_draw(struct ground *g, unsigned most);

int ground_save(const struct ground *g, struct err *e) MUST_CHECK;
int ground_load(const char *root, struct ground *ret, struct err *e) MUST_CHECK;
/* <root>/drill/<name> */
void ground_path(const struct ground *g, const char *name, char out[THING_NAME]);
/* One line of the drill's log: "<wall ms> TAB <what> TAB <text>"; text is escaped. */
int ground_log(const struct ground *g, const char *what, const char *text) MUST_CHECK;

#endif
