/*
 * When the watch may look at what: pure, so that a storm of any length can be played in a test. Kinds are looked at
 * in lanes, so that the dearest does not make the cheapest wait. All lanes together are paid from one purse that
 * fills with a part of the time that passes: after calm it holds enough for an answer at once, in a storm it holds
 * the whole watch to that part. Lanes that wait are served the longest waiting first. Single mount events have a
 * small purse of their own: they must be on the screen while a long look is being saved for. What is asked for
 * (watch_pace_ask) and a first look are not made to wait.
 */
#ifndef PROBES_WATCH_PACE_H
#define PROBES_WATCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "probes/resource.h"

enum lane_id { LANE_MOUNT, LANE_DIR, LANE_TREE, LANE_PROC, LANE_GHOST, LANES };
extern const unsigned lane_kinds[LANES]; /* what its look covers, bits of RES_* */
extern const unsigned lane_wakes[LANES]; /* whose news calls for it */

struct lane {
	uint64_t ended, cost, next_tick; /* next_tick: UINT64_MAX when time alone makes nothing due */
	bool asked;
};

/* All times are monotonic nanoseconds, all costs nanoseconds of processor time. */
struct pace {
	struct lane lane[LANES];
	unsigned pending; /* bits of RES_*: known or feared to have changed since the last look */
	int64_t purse;
	uint64_t filled;      /* when the purse was reckoned last */
	uint64_t events_free; /* single mount events not before this */
	uint64_t check_at;    /* when the mounts that events made are checked by a whole reading */
	uint64_t next_pid_look;
};

void pace_init(struct pace *p, uint64_t now);
void pace_ask(struct pace *p); /* everything, now */
/* What time makes due becomes pending. */
void pace_tick(struct pace *p, uint64_t now);
/* The lane to look at now, LANES when none may or need be. */
enum lane_id pace_lane(const struct pace *p, uint64_t now);
uint64_t pace_next(const struct pace *p); /* when pace_tick() or pace_lane() has something; in the past: now */
/* busy: there is something of ours; held: a ghost is, and who holds it may let go without an event. */
void pace_looked(struct pace *p, enum lane_id id, uint64_t now, uint64_t cost, bool busy, bool held);
void pace_events_taken(struct pace *p, uint64_t now, uint64_t cost);
/* The mount table may be other than what events told: a whole reading, but not in the middle of it. */
void pace_check_mounts(struct pace *p, uint64_t now);

#endif
