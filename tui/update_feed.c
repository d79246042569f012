/*
 * The host's news. Lines of the watch stream change rows at once, but the screen's idea of the world
 * (differences, counts, order) is made anew only when a sync says that one state is complete, and not
 * more often than its own cost allows: a storm makes the console late by some milliseconds, not busy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/text.h"
#include "tui/update.h"

enum { ROWS_PER_PACE_MS = 200 }; /* settling 10,000 rows costs some ms; wait ten times that between two */

static void say(struct model *m, enum ring_level level, const char *what, const char *name)
{
	char safe[160];
	ring_add(&m->log, m->wall, level, "%s%s", what, text_escape(name, safe, sizeof safe));
}

static void take_resource(struct model *m, const struct resource *r)
{
	bool fresh = false;
	const struct row *old = rows_find(&m->table, r->kind, r->id);
	bool other = !old || old->res->owner != r->owner || old->gone_ms;
	const struct resource *was = old && row_alive(old) ? resource_hold(old->res) : NULL;
	struct row *row = rows_put(&m->table, r, m->now_ms, &fresh);
	if (row->res != was)
		past_thing(&m->past, m->wall, was, row->res, other && m->source[r->kind].settled && r->owner != OWNER_FOREIGN);
	resource_drop(was);
	row->news = row->news || (other && m->source[r->kind].settled && r->owner != OWNER_FOREIGN);
	m->dirty = true;
	m->epoch++;
	m->list.since += m->list.frozen;
	retry_notice(m, r, false);
	if (fresh && m->source[r->kind].settled && owner_is_left_over(r->owner)) {
		char what[40];
		(void)snprintf(what, sizeof what, "+ %c %s ", resource_kind_letter(r->kind),
			       r->owner == OWNER_ORPHAN ? "ORPHAN" : owner_word(r->owner));
		say(m, RING_WARN, what, r->name);
		incident_appeared(m, r);
		failure_seen(m, "a new leftover:", r->name);
	}
}

static void take_gone(struct model *m, enum resource_kind kind, const char *id)
{
	struct row *row = rows_find(&m->table, kind, id);
	if (!row || !row_alive(row))
		return;
	past_thing(&m->past, m->wall, row->res, NULL, row->res->owner != OWNER_FOREIGN);
	rows_vanish(&m->table, row, m->now_ms);
	row->news = row->res->owner != OWNER_FOREIGN;
	retry_notice(m, row->res, true);
	m->dirty = true;
	m->epoch++;
	m->list.since += m->list.frozen;
	if (owner_is_left_over(row->res->owner)) {
		char what[16];
		(void)snprintf(what, sizeof what, "- %c ", resource_kind_letter(kind));
		say(m, RING_SAID, what, row->res->name);
		incident_vanished(m, row->res);
	}
}

static void take_source(struct model *m, const struct msg *msg)
{
	if ((unsigned)msg->source.kind >= RES_KINDS)
		return;
	struct source_state *s = &m->source[msg->source.kind];
	bool said = s->known && s->complete == msg->source.complete;
	s->known = true;
	s->complete = msg->source.complete;
	(void)snprintf(s->mode, sizeof s->mode, "%s", msg->source.mode ? msg->source.mode : "?");
	(void)snprintf(s->why, sizeof s->why, "%s", msg->note ? msg->note : "");
	s->heard_ms = m->now_ms;
	m->dirty = true;
	if (!said && !s->complete) {
		char what[60];
		(void)snprintf(what, sizeof what, "%s: not all can be seen: ", resource_kind_word(msg->source.kind));
		say(m, RING_WARN, what, s->why);
	}
}

static struct effect take_health(struct model *m, const struct health *h)
{
	bool worse = m->health_ms && h->status > m->health.status;
	if (m->health_ms && h->status != m->health.status)
		ring_add(&m->log, m->wall, worse ? RING_BAD : RING_SAID, "health: %s -> %s",
			 health_status_word(m->health.status), health_status_word(h->status));
	if (m->incident.open && m->health_ms && (h->status != m->health.status || h->failures != m->health.failures))
		record_add(m, "health", json_pack("{s:s,s:o}", "was", health_status_word(m->health.status), "now", health_to_json(h)));
	if (!m->health_ms || !health_same(&m->health, h))
		past_health(&m->past, m->wall, m->health_ms ? &m->health : NULL);
	bool failed = m->health_ms && (worse || h->failures > m->health.failures);
	m->health = *h;
	m->health_ms = m->now_ms ? m->now_ms : 1;
	sight_conflict(m, count_leftovers(m->count, RES_ALL));
	m->dirty = true;
	if (failed)
		failure_seen(m, "the worker's health:", h->note[0] ? h->note : health_status_word(h->status));
	return worse ? (struct effect){ .kind = EFFECT_BELL } : (struct effect){ 0 };
}

static void take_baseline(struct model *m, const struct msg *msg)
{
	struct err e = { 0 };
	struct arena mem = { 0 };
	struct snapshot base = { 0 };
	m->dirty = true;
	m->settle_due = m->sync_at != 0;
	int r = msg->text ? baseline_parse(msg->text, &mem, &base, &e) : -1;
	rows_sweep(&m->table, m->now_ms, true); /* rows of the old baseline; the list is made again below */
	arena_done(&m->diff_mem);
	m->diff = (struct diff){ 0 };
	for (size_t i = 0; i < m->table.n; i++)
		m->table.v[i]->what = NULL;
	arena_done(&m->base_mem);
	m->has_baseline = r == 0;
	if (r == 0) {
		m->base_mem = mem;
		m->base = base;
	} else {
		arena_done(&mem);
		m->base = (struct snapshot){ 0 };
		(void)snprintf(m->no_baseline, sizeof m->no_baseline, "%s",
			       msg->text ? e.text : msg->note ? msg->note : "there is none");
		say(m, RING_WARN, "NO BASELINE: ", m->no_baseline);
	}
	list_build(m);
}

static bool feed_whole(const struct model *m, enum resource_kind k)
{
	return m->source[k].known && m->source[k].complete && !m->feed_lost[0];
}

/* The rows that are there, one array a kind, by name; and what is known of how complete they are. */
static void table_views(struct model *m, struct snapshot *about, struct resource_view views[RES_KINDS])
{
	const struct resource **v[RES_KINDS];
	size_t n[RES_KINDS] = { 0 };
	for (size_t i = 0; i < m->table.n; i++)
		n[m->table.v[i]->res->kind] += row_alive(m->table.v[i]);
	for (int k = 0; k < RES_KINDS; k++) {
		v[k] = arena_alloc(&m->diff_mem, (n[k] + 1) * sizeof *v[k]);
		views[k] = (struct resource_view){ v[k], n[k] };
		about->of[k] = (struct resource_set){ .complete = feed_whole(m, (enum resource_kind)k) };
		if (!about->of[k].complete)
			(void)err_say(&about->of[k].why, EAGAIN, "%s",
				      m->source[k].why[0] ? m->source[k].why : "not looked at yet");
	}
	for (size_t i = 0; i < m->table.n; i++)
		if (row_alive(m->table.by_name[i]))
			*v[m->table.by_name[i]->res->kind]++ = m->table.by_name[i]->res;
	about->taken = m->wall;
	(void)snprintf(about->host, sizeof about->host, "%s", m->host);
	(void)snprintf(about->boot_id, sizeof about->boot_id, "%s", m->boot_id);
}

/* A row for what only the baseline has. It has no identity on the host, so its name stands in. */
static void row_missing(struct model *m, const struct resource *base)
{
	struct resource r = *base;
	bool fresh = false;
	r.id = arena_printf(&m->diff_mem, "missing:%s", base->name);
	struct row *row = rows_put(&m->table, &r, m->now_ms, &fresh);
	row->missing = true;
	row->sign = CHANGE_MISSING;
}

/* Changes come kind by kind in the order of the names, as the rows do: one walk a kind marks them. */
static void mark_rows(struct model *m)
{
	size_t at[RES_KINDS];
	for (int k = 0; k < RES_KINDS; k++)
		at[k] = 0;
	size_t next[RES_KINDS + 1] = { 0 }, i = 0;
	for (int k = 0; k < RES_KINDS; k++) { /* where each kind's changes begin */
		next[k] = i;
		while (i < m->diff.n && (m->diff.v[i].now ? m->diff.v[i].now : m->diff.v[i].base)->kind == (enum resource_kind)k)
			i++;
		next[k + 1] = i;
		at[k] = next[k];
	}
	for (i = 0; i < m->table.n; i++) {
		struct row *row = m->table.by_name[i];
		int k = row->res->kind;
		row->sign = CHANGE_SAME;
		row->what = NULL;
		while (at[k] < next[k + 1] && !m->diff.v[at[k]].now)
			at[k]++;
		if (at[k] < next[k + 1] && m->diff.v[at[k]].now == row->res) {
			row->sign = m->diff.v[at[k]].sign;
			row->what = m->diff.v[at[k]++].what;
		}
	}
}

void world_diff(struct model *m)
{
	arena_done(&m->diff_mem);
	struct snapshot about = { 0 };
	struct resource_view views[RES_KINDS];
	table_views(m, &about, views);
	diff_make_views(m->has_baseline ? &m->base : NULL, &about, views, &m->diff_mem, &m->diff);
	mark_rows(m);
	memset(m->changed, 0, sizeof m->changed);
	memset(m->missing, 0, sizeof m->missing);
	m->read_only = false;
	for (size_t i = 0; m->diff.missing + m->diff.changed && i < m->diff.n; i++) {
		const struct change *c = &m->diff.v[i];
		m->changed[(c->now ? c->now : c->base)->kind] += c->sign == CHANGE_CHANGED;
		m->missing[(c->now ? c->now : c->base)->kind] += c->sign == CHANGE_MISSING;
		m->read_only = m->read_only || (c->what && strstr(c->what, "-> ro"));
	}
	for (size_t i = 0; m->diff.missing && i < m->diff.n; i++)
		if (m->diff.v[i].sign == CHANGE_MISSING && m->diff.v[i].base)
			row_missing(m, m->diff.v[i].base);
}

void world_count(struct model *m)
{
	memset(m->count, 0, sizeof m->count);
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		if (row_alive(row))
			m->count[row->res->owner][row->res->kind]++;
	}
}

/* The incident's clock runs from the first trouble to the last. */
static void world_trouble(struct model *m)
{
	world_count(m);
	sight_conflict(m, count_leftovers(m->count, RES_ALL));
	bool ill = m->health_ms && m->health.status != HEALTH_HEALTHY;
	if (!count_leftovers(m->count, RES_ALL) && !ill)
		m->trouble_since = 0;
	else if (!m->trouble_since)
		m->trouble_since = ill && m->health.since ? m->health.since : m->wall;
}

static void went_silently(void *ctx, struct row *row)
{
	struct model *m = ctx;
	past_thing(&m->past, m->wall, row->res, NULL, row->res->owner != OWNER_FOREIGN);
}

void world_settle(struct model *m)
{
	m->settle_due = false;
	m->dirty = false;
	m->settled_ms = m->now_ms;
	rows_settle(&m->table, m->now_ms, went_silently, m);
	if (m->list.frozen) { /* the screen keeps its rows; counts and steps go on */
		world_trouble(m);
		incident_world(m);
		step_checks(m);
		return;
	}
	rows_sweep(&m->table, m->now_ms, true);
	world_diff(m);
	world_trouble(m);
	incident_world(m);
	list_build(m);
	step_checks(m);
}

/* Rows that vanished are dropped when their time is over. */
void world_tick(struct model *m)
{
	bool stale = false;
	for (size_t i = 0; m->table.gone && i < m->table.n && !stale; i++)
		stale = m->table.v[i]->gone_ms && m->now_ms - m->table.v[i]->gone_ms >= ROW_LINGER_MS;
	if (m->settle_due || (stale && !m->list.frozen))
		world_settle(m);
	incident_world(m);
	soak_tick(m);
	step_checks(m);
}

static void take_proof(struct model *m, const struct msg *msg)
{
	m->fresh_ms = m->now_ms;
	if (msg->kind == MSG_SYNC)
		m->timed = msg->sync.timed;
	for (int k = 0; k < RES_KINDS; k++)
		if (!m->timed || msg->kind == MSG_SYNC)
			m->as_of[k] = m->timed ? msg->sync.as_of[k] : m->now_ms;
}

static void take_sync(struct model *m, uint64_t at)
{
	m->sync_at = at ? at : m->wall;
	past_mark(&m->past, m->wall, PAST_SEEING);
	m->past.moment++;
	bool all = true;
	for (int k = 0; k < RES_KINDS; k++)
		all = (m->source[k].settled = m->source[k].known) && all;
	if (all && !m->past.since) /* what was filled in until now is the first state, and no change */
		m->past.since = m->sync_at;
	uint64_t pace = m->settled_ms ? m->table.n / ROWS_PER_PACE_MS : 0;
	if (m->now_ms - m->settled_ms < pace)
		m->settle_due = true;
	else if (m->dirty || !m->settled_ms)
		world_settle(m);
	else
		step_checks(m);
}

struct effect feed_take(struct model *m, const struct msg *msg)
{
	struct effect effect = { 0 };
	if (msg->kind != MSG_FEED_LOST && msg->kind != MSG_BASELINE) {
		m->feed_ms = m->now_ms ? m->now_ms : 1;
		m->feed_lost[0] = '\0';
	}
	switch ((int)msg->kind) {
	case MSG_HELLO:
		(void)snprintf(m->host, sizeof m->host, "%s", msg->hello.host);
		(void)snprintf(m->boot_id, sizeof m->boot_id, "%s", msg->hello.boot_id);
		if (!m->baseline_asked)
			effect.kind = EFFECT_BASELINE;
		m->baseline_asked = true;
		rows_resync(&m->table);
		for (int k = 0; k < RES_KINDS; k++)
			m->source[k].settled = false;
		break;
	case MSG_SOURCE:
		take_source(m, msg);
		break;
	case MSG_RESOURCE:
		take_resource(m, msg->resource);
		break;
	case MSG_GONE:
		take_gone(m, msg->gone.kind, msg->gone.id);
		break;
	case MSG_HEALTH:
		return take_health(m, msg->health);
	case MSG_PRESSURE:
		json_decref(m->pressure);
		m->pressure = json_deep_copy(msg->json);
		sight_pressure(m, msg->json);
		break;
	case MSG_RESYNC:
		rows_resync(&m->table);
		m->dirty = true;
		say(m, RING_WARN, "resync: ", msg->text ? msg->text : "asked for");
		break;
	case MSG_SYNC:
		take_proof(m, msg);
		take_sync(m, msg->sync.at);
		break;
	case MSG_BEAT:
		take_proof(m, msg);
		step_checks(m);
		break;
	case MSG_FEED_LOST:
		past_mark(&m->past, m->wall, PAST_BLIND);
		(void)snprintf(m->feed_lost, sizeof m->feed_lost, "%s", msg->text ? msg->text : "it ended");
		say(m, RING_BAD, "the watch stream was lost: ", m->feed_lost);
		break;
	case MSG_FEED_BAD:
		say(m, RING_BAD, "the watch stream said what cannot be understood: ", msg->text ? msg->text : "?");
		break;
	case MSG_BASELINE:
		take_baseline(m, msg);
		break;
	}
	return effect;
}
