/*
 * The screen shows an earlier state. It stands in the model in place of now's, which waits in past.other; what the
 * host says meanwhile is taken by now's, so nothing is missed and nothing on the screen moves. Nothing can be
 * done from here: only keys that look are let through, and t brings now back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/clock.h"
#include "tui/keys.h"
#include "tui/then.h"
#include "tui/update.h"

enum { MINUTE_S = 60, DAY_S = 24 * 3600 };

#define SWAP(a, b)                                  \
	do {                                        \
		__typeof__(a) swap_ = (a);          \
		(a) = (b);                          \
		(b) = swap_;                        \
	} while (0)

uint64_t time_wall(const struct model *m)
{
	return m->past.on ? m->past.wall : m->wall;
}

bool time_steps(const struct model *m)
{
	return m->walk.proc && !m->past.on;
}

static void swap_bytes(void *a, void *b, size_t n)
{
	unsigned char *x = a, *y = b;
	for (size_t i = 0; i < n; i++)
		SWAP(x[i], y[i]);
}

/* What the operator chose (tab, filter, order, the thing under the cursor) is of both worlds and stays. */
static void swap_worlds(struct model *m)
{
	struct shown *o = &m->past.other;
	SWAP(m->table, o->table);
	swap_bytes(m->count, o->count, sizeof m->count);
	swap_bytes(m->changed, o->changed, sizeof m->changed);
	swap_bytes(m->missing, o->missing, sizeof m->missing);
	SWAP(m->diff_mem, o->diff_mem);
	SWAP(m->diff, o->diff);
	SWAP(m->health, o->health);
	SWAP(m->health_ms, o->health_ms);
	SWAP(m->sight.conflict, o->conflict);
	SWAP(m->read_only, o->read_only);
	SWAP(m->list.shown, o->rows);
	SWAP(m->list.lots, o->lots);
	SWAP(m->list.n, o->n);
	SWAP(m->list.room, o->room);
	SWAP(m->list.hidden_foreign, o->hidden_foreign);
	SWAP(m->list.cursor, o->cursor);
	m->past.on = !m->past.on;
}

/* From now's world, which is in the model, to the state at a place. */
static void show(struct model *m, uint64_t at, uint64_t wall)
{
	struct past *p = &m->past;
	struct shown *then = &p->other;
	const struct health *health = past_health_at(p, at, m->health_ms ? &m->health : NULL);
	past_rows(p, at, &m->table, &then->table);
	then->health = health ? *health : (struct health){ 0 };
	then->health_ms = health ? m->now_ms : 0;
	then->cursor = m->list.cursor;
	p->at = at;
	p->wall = wall;
	swap_worlds(m);
	world_diff(m);
	world_count(m);
	m->sight.conflict = m->sight.conflict || (health && health->status == HEALTH_HEALTHY && count_leftovers(m->count, RES_ALL));
	list_build(m);
}

static void time_close(struct model *m)
{
	if (!m->past.on)
		return;
	swap_worlds(m);
	past_shown_done(&m->past.other);
	list_build(m);
}

static void go(struct model *m, uint64_t at, uint64_t wall)
{
	list_move(m, 0); /* the eye stays on the thing it is on, chosen or not */
	bool was = m->past.on, is = at < past_end(&m->past);
	time_close(m);
	if (is)
		show(m, at, wall);
	if (was != is)
		ring_add(&m->log, m->wall, RING_SAID, is ? "the past: only to look at; [ and ] go by changes, t is now" : "now again");
	m->past.said = m->log.n;
}

static void go_change(struct model *m, int by)
{
	const struct past *p = &m->past;
	uint64_t at = past_step(p, p->on ? p->at : past_end(p), by);
	const struct past_change *c = past_change(p, at);
	go(m, at, c ? c->wall : m->wall);
}

static void go_time(struct model *m, uint64_t wall)
{
	const struct past *p = &m->past;
	if (wall < p->since)
		wall = p->since;
	go(m, wall < m->wall ? past_place(p, wall) : past_end(p), wall);
}

/* "03:11" or "03:11:58", of the last 24 hours. */
void time_named(struct model *m, const char *words)
{
	unsigned h = 0, min = 0, s = 0;
	char more;
	int n = sscanf(words, "%2u:%2u:%2u%c", &h, &min, &s, &more);
	if (n < 2 || n > 3 || h > 23 || min > 59 || s > 59) {
		ring_add(&m->log, m->wall, RING_WARN, ":time 03:11 or :time 03:11:58, UTC, within the last day");
		return;
	}
	uint64_t wall = m->wall / DAY_S * DAY_S + h * 3600 + min * 60 + s;
	if (!m->past.n)
		time_open(m);
	else
		go_time(m, wall > m->wall ? wall - DAY_S : wall);
}

void time_open(struct model *m)
{
	char at[24];
	if (m->past.on) {
		go(m, past_end(&m->past), 0);
		return;
	}
	clock_rfc3339(m->past.since, at, sizeof at);
	if (m->past.n)
		go_change(m, -1);
	else if (m->past.since)
		ring_add(&m->log, m->wall, RING_SAID, "nothing has changed since this console first saw all, at %s", at);
	else
		ring_add(&m->log, m->wall, RING_SAID, "there is no past yet: the host has not been seen whole");
}

bool time_key(struct model *m, int action)
{
	switch (action) {
	case ACTION_TIME: time_open(m); return true;
	case ACTION_EARLIER: go_time(m, (m->past.on ? m->past.wall : m->wall) - MINUTE_S); return true;
	case ACTION_LATER: m->past.on ? go_time(m, m->past.wall + MINUTE_S) : (void)0; return true;
	}
	if (!m->past.on)
		return false;
	if (action == ACTION_NEXT_NEWS || action == ACTION_LAST_NEWS)
		go_change(m, action == ACTION_NEXT_NEWS ? 1 : -1);
	else if (action == ACTION_QUIT)
		time_open(m);
	else if (!action_only_looks((enum action)action))
		ring_add(&m->log, m->wall, RING_WARN, "%s: not in the past, which only shows; t brings now back", action_rows[action].name);
	else
		return false;
	return true;
}

/* News is now's: it is taken there, and what needs an answer brings now onto the screen. */
struct effect time_news(struct model *m, const struct msg *msg, struct effect (*take)(struct model *, const struct msg *))
{
	enum dialog_kind lay = m->dialog.kind;
	swap_worlds(m);
	struct effect effect = take(m, msg);
	if (m->dialog.kind == lay && past_change(&m->past, m->past.at)) {
		swap_worlds(m);
		return effect;
	}
	past_shown_done(&m->past.other);
	ring_add(&m->log, m->wall, RING_WARN, m->dialog.kind == lay ? "that past is forgotten: now again" : "now again: this needs you");
	return effect;
}
