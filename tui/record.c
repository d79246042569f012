/*
 * What the journal is told. Every line is one JSON object: when, what kind of event, who, and the facts; the
 * report is made of nothing else. Reading is not written down: a console that only looks leaves no trace.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "tui/both.h"
#include "tui/update.h"

enum { LISTED = 200, UNSAID_MOST = 64, WORLD_PACE_MS = 1000 };

void record_add(struct model *m, const char *event, json_t *more)
{
	char at[24];
	clock_rfc3339(m->wall, at, sizeof at);
	autojson json_t *j = json_pack("{s:s, s:s, s:o}", "at", at, "event", event, "who", json_text(m->opt.user ? m->opt.user : "?"));
	if (more)
		(void)json_object_update(j, more);
	json_decref(more);
	autofree char *line = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
	if (!line)
		abort();
	m->incident.written++;
	*(const char **)arena_push(&m->out, &m->records, &m->nrecords, sizeof *m->records) = arena_strdup(&m->out, line);
}

const char *records_joined(struct model *m)
{
	size_t n = 1;
	for (size_t i = 0; i < m->nrecords; i++)
		n += strlen(m->records[i]) + 1;
	if (!m->nrecords)
		return NULL;
	char *all = arena_alloc(&m->out, n), *at = all;
	for (size_t i = 0; i < m->nrecords; i++)
		at += sprintf(at, "%s%s", i ? "\n" : "", m->records[i]);
	return all;
}

json_t *kinds_json(const struct model *m)
{
	json_t *j = json_object();
	for (int k = 0; k < RES_KINDS; k++)
		(void)json_object_set_new(j, resource_kind_key((enum resource_kind)k),
					  json_integer((json_int_t)count_leftovers(m->count, 1u << k)));
	return j;
}

static json_t *words_json(const char *const *argv)
{
	json_t *words = json_array();
	for (size_t i = 0; argv && argv[i]; i++)
		(void)json_array_append_new(words, json_text(argv[i]));
	return words;
}

static json_t *step_name(const struct model *m, int step)
{
	char name[24];
	if (step < 0 || !m->walk.proc)
		return json_null();
	(void)snprintf(name, sizeof name, "P%u.%d", m->walk.proc->number, step + 1);
	return json_string(name);
}

void incident_run(struct model *m, const char *const *argv, const struct plan *p, const char *reason, const char *phrase)
{
	static const char *const classes[] = { "R0", "R1", "R2", "R3" };
	json_t *targets = json_array();
	for (size_t i = 0; i < p->n && i < LISTED; i++)
		(void)json_array_append_new(targets, json_pack("{s:s,s:o,s:o}", "kind", resource_kind_word(p->v[i].kind), "id",
							       json_text(p->v[i].id), "name", json_text(p->v[i].name)));
	incident_begin(m);
	record_add(m, "run", json_pack("{s:o,s:s,s:o,s:o,s:o,s:o*,s:o,s:o,s:o,s:i}", "step", step_name(m, p->step), "class",
				       classes[p->risk], "armed", json_text(m->arm.on ? m->arm.reason : ""), "reason",
				       json_text(reason), "typed", json_text(phrase), "second", second_record(m), "run", words_json(argv), "before",
				       kinds_json(m), "targets", targets, "count", (int)p->n));
}

static json_t *items_json(const struct job *job)
{
	json_t *list = json_array();
	for (size_t i = 0; i < job->n && i < LISTED; i++) {
		const struct outcome *o = &job->v[i];
		if (o->outcome)
			(void)json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o,s:s,s:o,s:I}", "kind", json_text(o->kind), "id",
								    json_text(o->id), "name", json_text(o->name), "outcome",
								    json_text(o->outcome), "errno", o->err,
								    "because", json_text(o->because), "ms", (json_int_t)o->ms));
	}
	return list;
}

void record_outcome(struct model *m, const struct job *job, int status, bool timed_out)
{
	record_add(m, "outcome", json_pack("{s:o,s:o,s:i,s:b,s:I,s:i,s:i,s:o,s:o}", "step", step_name(m, job->step), "run",
					   words_json(job->argv), "status", status, "timed_out", timed_out, "ms",
					   (json_int_t)(m->now_ms - job->began_ms), "done", (int)job->ok, "not", (int)job->bad,
					   "items", items_json(job), "said", json_text(job->last)));
}

/* ---- the world ---------------------------------------------------------------------------------- */

static json_t *leftover_json(const struct resource *r)
{
	return json_pack("{s:s,s:o,s:o,s:s,s:o,s:I,s:o}", "kind", resource_kind_word(r->kind), "id", json_text(r->id), "name",
			 json_text(r->name), "owner", owner_word(r->owner), "box", r->box ? json_text(r->box) : json_null(), "born",
			 (json_int_t)r->born, "detail", json_text(r->detail ? r->detail : ""));
}

void incident_begin(struct model *m)
{
	if (m->incident.open)
		return;
	m->incident.open = true;
	json_t *left = json_array();
	for (size_t i = 0; i < m->table.n && json_array_size(left) < LISTED; i++)
		if (row_actable(m->table.v[i]))
			(void)json_array_append_new(left, leftover_json(m->table.v[i]->res));
	record_add(m, "opened", json_pack("{s:o,s:o,s:s,s:s,s:I,s:o,s:o,s:o,s:b,s:i,s:i}", "host", json_text(m->opt.host ? m->opt.host : "?"),
					  "tty", json_text(m->opt.tty ? m->opt.tty : "?"), "boot", m->boot_id, "version", RUSTBOX_VERSION,
					  "since", (json_int_t)m->trouble_since, "health",
					  m->health_ms ? health_to_json(&m->health) : json_null(), "left", kinds_json(m), "leftovers", left,
					  "baseline", m->has_baseline, "missing", (int)m->diff.missing, "changed", (int)m->diff.changed));
	for (int k = 0; k < RES_KINDS; k++)
		m->incident.told[k] = count_leftovers(m->count, 1u << k);
}

static void keep_text(struct incident *in, const char ***list, size_t *n, json_t *j)
{
	autofree char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);
	if (text && *n < UNSAID_MOST)
		*(const char **)arena_push(&in->mem, list, n, sizeof **list) = arena_strdup(&in->mem, text);
	else
		in->unsaid++;
	json_decref(j);
}

void incident_appeared(struct model *m, const struct resource *r)
{
	if (m->incident.open)
		keep_text(&m->incident, &m->incident.fresh, &m->incident.nfresh, leftover_json(r));
}

void incident_vanished(struct model *m, const struct resource *r)
{
	if (m->incident.open)
		keep_text(&m->incident, &m->incident.gone, &m->incident.ngone,
			  json_pack("{s:s,s:o}", "kind", resource_kind_word(r->kind), "id", json_text(r->id)));
}

static json_t *texts_json(const char *const *list, size_t n)
{
	json_t *a = json_array();
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(a, json_loads(list[i], JSON_DECODE_ANY, NULL));
	return a;
}

/* At most once a second: a storm must not make the journal the load. */
void incident_world(struct model *m)
{
	struct incident *in = &m->incident;
	if (in->open)
		criteria_note(m);
	bool news = in->nfresh || in->ngone;
	for (int k = 0; k < RES_KINDS; k++)
		news = news || in->told[k] != count_leftovers(m->count, 1u << k);
	if (!in->open || !news || (in->told_ms && m->now_ms - in->told_ms < WORLD_PACE_MS))
		return;
	record_add(m, "world", json_pack("{s:o,s:o,s:o,s:i}", "left", kinds_json(m), "appeared", texts_json(in->fresh, in->nfresh),
					 "vanished", texts_json(in->gone, in->ngone), "unlisted", (int)in->unsaid));
	for (int k = 0; k < RES_KINDS; k++)
		in->told[k] = count_leftovers(m->count, 1u << k);
	arena_done(&in->mem);
	in->fresh = in->gone = NULL;
	in->nfresh = in->ngone = in->unsaid = 0;
	in->told_ms = m->now_ms;
}
