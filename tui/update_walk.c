/* Steps: what `x` does for each verb, and how a step gets its mark. Nothing is done because it was said. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/text.h"
#include "tui/update.h"

enum { STALE_MS = 15000, AWAIT_MS = 15000 /* the watch beats every 5 s, later on a busy host */, AWAIT_HEALTH_MS = 30000, LOOK_MS = 10000 };

static size_t zombies_of(const struct model *m)
{
	size_t n = 0;
	for (size_t i = 0; i < m->table.n; i++)
		n += row_is_zombie(m->table.v[i]);
	return n;
}

/* The view is good enough to call something gone: alive, and of each of the kinds complete and from a look that began
 * after our last act, with nothing heard since that was not looked at. */
static bool view_is_fresh(const struct model *m, unsigned kinds)
{
	for (int k = 0; k < RES_KINDS; k++)
		if (kinds & 1u << k && !(m->source[k].known && m->source[k].complete && m->as_of[k] > m->acted_ms))
			return false;
	return !m->feed_lost[0] && !m->settle_due && m->fresh_ms && m->now_ms - m->fresh_ms < STALE_MS;
}

static void advance(struct model *m)
{
	size_t next = walk_next(&m->walk);
	if (m->walk.proc && next < m->walk.proc->nsteps)
		m->walk.at = next;
}

/* Its failure is no manual step that failed, until it was the last of its attempts. */
static bool is_automatic(const struct procedure *p)
{
	for (size_t i = 0; i < p->nsteps; i++)
		if (step_says(&p->steps[i], "--recover"))
			return true;
	return false;
}

void step_mark(struct model *m, size_t step, enum step_mark mark, const char *note)
{
	char safe[100];
	walk_mark(&m->walk, step, mark, m->wall, note);
	m->walk.of[step].epoch = m->epoch;
	ring_add(&m->log, m->wall, mark == STEP_FAILED ? RING_BAD : mark == STEP_PARTIAL ? RING_WARN : RING_SAID,
		 "P%u.%zu %s: [%s] %s", m->walk.proc->number, step + 1, m->walk.proc->steps[step].brief,
		 step_mark_word(mark), text_escape(note, safe, sizeof safe));
	if (m->incident.open)
		record_add(m, "step", json_pack("{s:o,s:i,s:i,s:o,s:s,s:o,s:o}", "book", json_text(m->walk.book->name), "procedure",
						(int)m->walk.proc->number, "step", (int)step + 1, "brief",
						json_text(m->walk.proc->steps[step].brief), "mark", step_mark_word(mark), "note",
						json_text(m->walk.of[step].note), "left", kinds_json(m)));
	if ((mark == STEP_FAILED || mark == STEP_PARTIAL) && (!is_automatic(m->walk.proc) || m->incident.recoveries >= RECOVERIES_MOST))
		m->procedure_failed = true;
	if (m->incident.open)
		criteria_note(m);
	if (mark == STEP_OK && step == m->walk.at)
		advance(m);
}

static bool check_passes(const struct model *m, const struct step *s, char *note, size_t cap)
{
	if (step_says(s, "healthy")) {
		bool ok = m->health_ms && m->health.status == HEALTH_HEALTHY;
		(void)snprintf(note, cap, "health: %s", m->health_ms ? health_status_word(m->health.status) : "not heard of");
		return ok;
	}
	unsigned kinds = s->kinds ? s->kinds : RES_ALL;
	size_t left = count_leftovers(m->count, kinds);
	if (!view_is_fresh(m, kinds)) {
		(void)snprintf(note, cap, "cannot tell: the view is incomplete or older than the last command");
		return false;
	}
	if (step_says(s, "baseline") && !left) {
		bool ok = m->diff.trusted && m->diff.has_baseline && !m->diff.missing && !m->diff.changed;
		(void)snprintf(note, cap, ok ? "equal to the baseline" : "%zu missing, %zu changed", m->diff.missing,
			       m->diff.changed);
		return ok;
	}
	size_t ended = kinds & 1u << RES_PROCESS && left ? zombies_of(m) : 0;
	if (ended)
		(void)snprintf(note, cap, "%zu left, %zu of them still Z: their parents do not wait", left, ended);
	else
		(void)snprintf(note, cap, left ? "%zu left" : "none left", left);
	return left == 0;
}

static const struct step *step_awaited(const struct model *m)
{
	int at = m->await.step;
	return at >= 0 && m->walk.proc && (size_t)at < m->walk.proc->nsteps ? &m->walk.proc->steps[at] : NULL;
}

static bool await_over(const struct model *m)
{
	const struct step *s = step_awaited(m);
	if (s && step_says(s, "{parent}") && zombies_of(m))
		return false;
	if (m->await.healthy && (!m->health_ms || m->health.status != HEALTH_HEALTHY))
		return false;
	if (m->await.clean && count_leftovers(m->count, RES_ALL))
		return false;
	for (size_t i = 0; i < m->await.n; i++) {
		const struct row *row = rows_find(&m->table, m->await.v[i].kind, m->await.v[i].id);
		if (row && row_alive(row))
			return false;
	}
	return m->fresh_ms > m->acted_ms;
}

static void await_end(struct model *m, bool agreed)
{
	struct awaiting *w = &m->await;
	char note[120];
	w->on = false;
	const struct step *s = step_awaited(m);
	if (!s) {
		ring_add(&m->log, m->wall, agreed && !w->bad ? RING_SAID : RING_WARN, "%zu done%s%s", w->ok,
			 w->bad ? ", not: " : agreed ? "" : ", but still seen: CONFLICT", w->first_bad);
		return;
	}
	enum step_mark as = !agreed ? STEP_FAILED : !w->bad ? STEP_OK : w->ok ? STEP_PARTIAL : STEP_FAILED;
	if (!agreed && step_says(s, "{parent}") && zombies_of(m))
		(void)snprintf(note, sizeof note, "still Z: nobody takes note of it; it holds nothing, and going on is allowed");
	else if (!agreed)
		(void)snprintf(note, sizeof note, "CONFLICT: the command says done, this console does not see it");
	else if (w->bad)
		(void)snprintf(note, sizeof note, "%zu of %zu; %.90s", w->ok, w->ok + w->bad, w->first_bad);
	else
		(void)snprintf(note, sizeof note, w->ok ? "%zu released, seen gone" : "done, and seen", w->ok);
	if (step_says(s, "--recover")) /* also when its end could not be written to the events */
		m->incident.recoveries = as == STEP_OK ? 0 : m->incident.recoveries > w->recoveries ? m->incident.recoveries : w->recoveries + 1;
	step_mark(m, (size_t)w->step, as, note);
	if (as != STEP_OK && m->dialog.kind == DIALOG_NONE)
		dialog_open(m, DIALOG_FAILURE);
}

/* A step that would act on nothing is done; it is not left for the operator to find out. */
static bool nothing_to_do(const struct model *m, const struct step *s)
{
	if (s->verb == VERB_LOOK && strcmp(s->words[0], "holders") == 0)
		return view_is_fresh(m, 1u << RES_MOUNT) && count_leftovers(m->count, 1u << RES_MOUNT | 1u << RES_GHOST) == 0;
	if ((s->verb != VERB_DO && s->verb != VERB_DO_DRASTIC) || s->words[s->nwords - 1][0] != '{')
		return false;
	unsigned kinds = step_says(s, "{holder}") || step_says(s, "--lazy") ? 1u << RES_MOUNT : s->kinds;
	if (!view_is_fresh(m, kinds))
		return false;
	if (step_says(s, "{parent}"))
		return zombies_of(m) == 0;
	return count_leftovers(m->count, kinds) == (step_says(s, "{process}") ? zombies_of(m) : 0); /* what has ended cannot be ended */
}

/* A step that failed, and has nothing left to do since: by another step, or by somebody else. */
static void settle_since(struct model *m)
{
	if (!m->walk.proc || m->job[JOB_ACT].id || m->await.on || m->dialog.kind != DIALOG_NONE)
		return;
	for (size_t i = 0; i < m->walk.at && i < m->walk.proc->nsteps; i++)
		if ((m->walk.of[i].mark == STEP_PARTIAL || m->walk.of[i].mark == STEP_FAILED) &&
		    nothing_to_do(m, &m->walk.proc->steps[i]) && count_leftovers(m->count, m->walk.proc->steps[i].kinds) == 0)
			step_mark(m, i, STEP_OK, "none left since");
}

void step_checks(struct model *m)
{
	if (m->await.on && await_over(m))
		await_end(m, true);
	else if (m->await.on && m->now_ms >= m->await.until_ms)
		await_end(m, false);
	char note[120];
	if (m->nback && walk_next(&m->walk) >= m->walk.proc->nsteps && m->dialog.kind == DIALOG_NONE)
		(void)way_back(m);
	settle_since(m);
	for (size_t turns = 0; turns < STEPS_MAX; turns++) {
		const struct step *s = walk_step(&m->walk);
		if (!s || m->job[JOB_ACT].id || m->await.on || m->dialog.kind != DIALOG_NONE)
			return;
		enum step_mark was = m->walk.of[m->walk.at].mark;
		bool open = was == STEP_TODO || was == STEP_PARTIAL || was == STEP_FAILED;
		if (open && s->verb == VERB_CHECK && check_passes(m, s, note, sizeof note))
			step_mark(m, m->walk.at, STEP_OK, note);
		else if (open && nothing_to_do(m, s))
			step_mark(m, m->walk.at, STEP_OK, "nothing to do: none left");
		else
			return;
	}
}

static void await_begin(struct model *m, const struct job *job, bool healthy, bool clean)
{
	struct awaiting *w = &m->await;
	arena_done(&w->mem);
	*w = (struct awaiting){ .on = true, .step = job->step, .healthy = healthy, .clean = clean, .ok = job->ok, .bad = job->bad,
				.recoveries = job->recoveries };
	w->until_ms = m->now_ms + (healthy && !clean ? AWAIT_HEALTH_MS : AWAIT_MS);
	arena_done(&m->retry_mem);
	m->retry = NULL;
	m->nretry = 0;
	m->retry_why[0] = '\0';
	m->retry_step = job->step;
	for (size_t i = 0; i < job->n; i++) {
		const struct outcome *o = &job->v[i];
		int kind = resource_kind_parse(o->kind);
		if (kind < 0)
			continue;
		bool done = strcmp(o->outcome, "released") == 0 || strcmp(o->outcome, "gone") == 0;
		if (strcmp(o->outcome, "captured") == 0 || strcmp(o->outcome, "restored") == 0)
			continue; /* nothing is to vanish */
		struct arena *a = done ? &w->mem : &m->retry_mem;
		struct target *t = done ? arena_push(a, &w->v, &w->n, sizeof *t) :
					  arena_push(a, &m->retry, &m->nretry, sizeof *t);
		*t = (struct target){ .kind = (enum resource_kind)kind, .id = arena_strdup(a, o->id),
				      .name = arena_strdup(a, o->name) };
		const struct row *row = rows_find(&m->table, t->kind, t->id);
		t->box = row && row->res->box ? arena_strdup(a, row->res->box) : NULL;
		if (!done && !w->first_bad[0])
			(void)snprintf(w->first_bad, sizeof w->first_bad, "%s: %s", o->name,
				       o->because[0] ? o->because : o->outcome);
	}
}

/* An acting command ended. It is believed about failure; about success the watch stream has the word. */
void step_outcome(struct model *m, struct job *job, int status)
{
	bool unquarantine = false, recover = false;
	for (size_t i = 0; job->argv && job->argv[i]; i++) {
		unquarantine = unquarantine || strcmp(job->argv[i], "--unquarantine") == 0;
		recover = recover || strcmp(job->argv[i], "--recover") == 0;
	}
	if (unquarantine)
		m->unquarantine_failed = status != 0;
	if (status != 0 && !job->bad) /* it failed as a whole: nothing to wait for */
		job->bad = 1;
	await_begin(m, job, (unquarantine || recover) && status == 0, recover && status == 0);
	if (!m->await.first_bad[0] && job->bad)
		(void)snprintf(m->await.first_bad, sizeof m->await.first_bad, "%s: %.56s", job->ended,
			       job->last[0] ? job->last : "it said nothing");
	step_checks(m);
}

static const struct resource *holders_subject(const struct model *m)
{
	const struct row *at = list_at(&m->list);
	if (at && row_actable(at) && (at->res->kind == RES_MOUNT || at->res->kind == RES_GHOST))
		return at->res;
	for (size_t i = 0; i < m->nretry; i++) {
		const struct row *row = rows_find(&m->table, m->retry[i].kind, m->retry[i].id);
		if (row && row_alive(row) && row->res->kind == RES_MOUNT && row->res->mount.children == 0)
			return row->res;
	}
	for (size_t i = 0; i < m->table.n; i++)
		if (row_actable(m->table.v[i]) && m->table.v[i]->res->kind == RES_MOUNT &&
		    m->table.v[i]->res->mount.children == 0)
			return m->table.v[i]->res;
	return NULL;
}

static struct effect act_look(struct model *m, const struct step *s, size_t at)
{
	char note[120];
	if (strcmp(s->words[0], "rustbox") == 0)
		return job_start(m, JOB_LOOK, s->words, (int)at, LOOK_MS);
	if (strcmp(s->words[0], "holders") == 0) {
		const struct resource *of = holders_subject(m);
		if (of) {
			struct effect effect = holders_ask(m, of);
			m->job[JOB_HOLDERS].step = effect.kind == EFFECT_RUN ? (int)at : -1;
			return effect;
		}
		step_mark(m, at, STEP_OK, "no leftover mount: nothing is held");
		return (struct effect){ 0 };
	}
	static const enum tab tab_of[RES_KINDS] = {
		[RES_MOUNT] = TAB_MOUNT, [RES_CGROUP] = TAB_CGROUP, [RES_PROCESS] = TAB_PROCESS,
		[RES_TEMPDIR] = TAB_DIR, [RES_LOCK] = TAB_DIR, [RES_GHOST] = TAB_GHOST,
	};
	enum tab tab = TAB_ALL;
	for (int k = 0; k < RES_KINDS; k++)
		if (s->kinds == 1u << k)
			tab = tab_of[k];
	list_tab(m, tab);
	if (!m->sync_at) {
		ring_add(&m->log, m->wall, RING_WARN, "not looked at the host yet: wait for the first view");
		return (struct effect){ 0 };
	}
	(void)snprintf(note, sizeof note, "%zu found", count_leftovers(m->count, s->kinds));
	step_mark(m, at, STEP_OK, note);
	return (struct effect){ 0 };
}

struct effect step_act(struct model *m)
{
	const struct step *s = walk_step(&m->walk);
	size_t at = m->walk.at;
	char note[120];
	if (!s && !list_at(&m->list)) {
		ring_add(&m->log, m->wall, RING_WARN, "x previews a row or a step: no row is here, and no procedure open (p)");
		return (struct effect){ 0 };
	}
	if (!s) {
		dialog_open(m, DIALOG_PREVIEW);
		plan_for_choice(m);
		return (struct effect){ 0 };
	}
	if (s->verb == VERB_LOOK)
		return act_look(m, s, at);
	if (s->verb == VERB_SOAK) {
		if (!m->soak.on)
			soak_begin(m, (int)at, s->words[0]);
		return (struct effect){ 0 };
	}
	if (s->verb == VERB_CHECK) {
		bool ok = check_passes(m, s, note, sizeof note);
		step_mark(m, at, ok ? STEP_OK : STEP_FAILED, note);
		if (!ok && at + 1 < m->walk.proc->nsteps)
			m->walk.at = at + 1;
		return (struct effect){ 0 };
	}
	if (m->job[JOB_ACT].id || m->await.on) {
		ring_add(&m->log, m->wall, RING_WARN, "one step at a time: the last one is still running");
		return (struct effect){ 0 };
	}
	dialog_open(m, DIALOG_PREVIEW);
	if (s->verb == VERB_TELL)
		m->dialog.plan = (struct plan){ .risk = RISK_R0, .step = (int)at };
	else
		plan_for_step(m, (int)at);
	const struct plan *p = &m->dialog.plan;
	bool names = p->nwords && p->words[p->nwords - 1][0] == '{';
	if (names && !p->n && !p->refused) {
		dialog_close(m);
		step_mark(m, at, STEP_OK, "nothing to do: none left");
	}
	return (struct effect){ 0 };
}
