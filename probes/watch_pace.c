/* The purse and the lanes; see watch_pace.h. */
#include "probes/watch_pace.h"

#include "probes/base/clock.h"

#define LEAST_GAP_NS  (20 * NS_PER_MS)
#define TICK_NS	      (1 * NS_PER_S) /* of what has no event, while there is something of ours */
#define QUIET_TICK_NS (5 * NS_PER_S)
#define SETTLE_NS     (200 * NS_PER_MS) /* after single events, until the whole table is read to check them */
#define PURSE_NS      ((int64_t)(250 * NS_PER_MS))

/* Looks for news cost at most one part in PURSE_PART of the time, single mount events one in EVENT_PART, looks that
 * only time calls for one in TICK_PART each (while a ghost is there, that for ghosts one in HELD_PART), and those that a new pid calls for one in NEWS_PART. */
enum { PURSE_PART = 25, EVENT_PART = 20, CHECK_PART = 40, TICK_PART = 1000, HELD_PART = 100,
       NEWS_PART = 400 };
#define CHEAP_NS (20 * NS_PER_MS) /* a process look that need not be put off until the tree is shown */

/* Members of v1 cgroups, new processes, falling locks, contents, other namespaces: no event tells. The process look
 * reads the cgroups anyway. */
const unsigned lane_kinds[LANES] = {
	[LANE_MOUNT] = 1u << RES_MOUNT,
	[LANE_DIR] = 1u << RES_TEMPDIR | 1u << RES_LOCK,
	[LANE_TREE] = 1u << RES_CGROUP,
	[LANE_PROC] = 1u << RES_CGROUP | 1u << RES_PROCESS,
	[LANE_GHOST] = 1u << RES_GHOST,
};
/* Cgroups alone do not call for the process look. */
const unsigned lane_wakes[LANES] = {
	[LANE_MOUNT] = 1u << RES_MOUNT,
	[LANE_DIR] = 1u << RES_TEMPDIR | 1u << RES_LOCK,
	[LANE_TREE] = 1u << RES_CGROUP,
	[LANE_PROC] = 1u << RES_PROCESS,
	[LANE_GHOST] = 1u << RES_GHOST,
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void pace_init(struct pace *p, uint64_t now)
{
	*p = (struct pace){ .pending = RES_ALL, .purse = PURSE_NS, .filled = now, .check_at = UINT64_MAX,
			    .next_pid_look = UINT64_MAX };
	for (int i = 0; i < LANES; i++)
		p->lane[i].next_tick = UINT64_MAX;
}

void pace_ask(struct pace *p)
{
	p->pending = RES_ALL;
	for (int i = 0; i < LANES; i++)
		p->lane[i].asked = true;
}

/* When there is something in the purse. */
static uint64_t purse_free(const struct pace *p)
{
	return p->purse > 0 ? p->filled : p->filled + (uint64_t)(1 - p->purse) * PURSE_PART;
}

static uint64_t lane_free(const struct pace *p, enum lane_id id)
{
	const struct lane *l = &p->lane[id];
	return !l->ended || l->asked ? 0 : most(l->ended + LEAST_GAP_NS, purse_free(p));
}

void pace_tick(struct pace *p, uint64_t now)
{
	for (int i = 0; i < LANES; i++)
		if (now >= p->lane[i].next_tick) {
			p->pending |= lane_wakes[i];
			p->lane[i].next_tick = UINT64_MAX;
		}
	if (now >= p->check_at) {
		p->pending |= 1u << RES_MOUNT;
		p->check_at = UINT64_MAX;
	}
}

static bool is_due(const struct pace *p, enum lane_id id, uint64_t now)
{
	return p->pending & lane_wakes[id] && now >= lane_free(p, id);
}

enum lane_id pace_lane(const struct pace *p, uint64_t now)
{
	const struct lane *proc = &p->lane[LANE_PROC];
	enum lane_id best = LANES;
	for (enum lane_id i = 0; i < LANES; i++) {
		/* The tree goes ahead only where the process look, which reads it too, would keep it waiting. */
		if (i == LANE_TREE && (!proc->ended || proc->cost < CHEAP_NS) && is_due(p, LANE_PROC, now))
			continue;
		if (is_due(p, i, now) && (best == LANES || p->lane[i].ended < p->lane[best].ended))
			best = i;
	}
	return best;
}

uint64_t pace_next(const struct pace *p)
{
	uint64_t at = least(p->check_at, p->next_pid_look);
	for (enum lane_id i = 0; i < LANES; i++)
		at = least(at, p->pending & lane_wakes[i] ? lane_free(p, i) : p->lane[i].next_tick);
	return at;
}

static void pay(struct pace *p, uint64_t now, uint64_t cost)
{
	p->purse += (int64_t)((now - p->filled) / PURSE_PART);
	p->purse = (p->purse > PURSE_NS ? PURSE_NS : p->purse) - (int64_t)cost;
	p->filled = now;
}

void pace_looked(struct pace *p, enum lane_id id, uint64_t now, uint64_t cost, bool busy, bool held)
{
	uint64_t part = id == LANE_GHOST && held ? HELD_PART : TICK_PART;
	struct lane *l = &p->lane[id];
	if (l->ended && !l->asked)
		pay(p, now, cost);
	*l = (struct lane){ .ended = now, .cost = cost, .next_tick = UINT64_MAX };
	if (id == LANE_MOUNT)
		p->check_at = UINT64_MAX;
	else if (id != LANE_TREE) /* the process look reads the tree as well */
		l->next_tick = now + most(busy ? TICK_NS : QUIET_TICK_NS, cost * part);
	if (id == LANE_PROC) {
		p->lane[LANE_TREE].asked = false;
		p->next_pid_look = now + most(TICK_NS, cost * NEWS_PART);
	}
}

void pace_events_taken(struct pace *p, uint64_t now, uint64_t cost)
{
	p->events_free = now + most(LEAST_GAP_NS, cost * EVENT_PART);
	pace_check_mounts(p, now);
}

void pace_check_mounts(struct pace *p, uint64_t now)
{
	const struct lane *l = &p->lane[LANE_MOUNT];
	p->check_at = least(p->check_at, most(now + SETTLE_NS, l->ended + l->cost * CHECK_PART));
}
