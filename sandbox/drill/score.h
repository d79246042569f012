/*
 * What a recovery is worth, from what was done and what is left. Pure.
 *
 * The log of command lines becomes moves: holders, look, process, mount, cgroup, tempdir, lock, lazy, recover
 * (all kinds at once), capture, escalate, verify, release. A drill's order is a list of moves; the points are
 * for the longest part of it that was done in order.
 */
#ifndef SANDBOX_DRILL_SCORE_H
#define SANDBOX_DRILL_SCORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sandbox/drill/drill.h"

/*        id, points, words */
#define PARTS(X)                                                     \
	X(DETECT, 15, "found the leak")                              \
	X(CAUSE, 15, "looked at the real cause")                     \
	X(ORDER, 20, "right procedure and order")                    \
	X(INNOCENT, 20, "nothing innocent touched")                  \
	X(VERIFY, 10, "verified before P6")                \
	X(REPORT, 10, "report complete")                             \
	X(TIME, 10, "time to recovery")

enum part {
#define X(id, points, words) PART_##id,
	PARTS(X)
#undef X
	PART_COUNT
};
enum { SCORE_HINT = 5, SCORE_DANGER = 3, SCORE_DEAD_CAP = 40, SCORE_MOVES = 400 };

struct facts {
	int64_t detect_ms, cause_ms, end_ms; /* since the beginning; -1: never */
	char moves[SCORE_MOVES];	     /* separated by single spaces */
	unsigned hints, dangers, commands;
	bool verified, said;		     /* looked clean after the last act; a cause was written down */
	size_t dead, left;
	char first_dead[THING_NAME], first_left[THING_NAME], danger[120];
};

struct score {
	int of[PART_COUNT];
	char note[PART_COUNT][120];
	int total;
};

void score_make(const struct drill *d, const struct facts *f, struct score *ret);
extern const int part_points[PART_COUNT];
extern const char *const part_words[PART_COUNT];

/* One line of the log into the facts. `began_ms` as in the ground. */
void facts_take(struct facts *f, const struct drill *d, uint64_t began_ms, char *line);
void score_clock(int64_t ms, char out[static 16]); /* "3:10", "-" for never */

#endif
