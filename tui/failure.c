/*
 * After a step that did not do all of it: what really stands in the way, and the ways on. Items that fail only
 * because of another are folded under that one; trying again is off until something that concerns them changed;
 * the way around is the step that removes the blocker, and leads back here.
 */
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/update.h"
#include "tui/why.h"

static bool done_word(const char *outcome)
{
	return strcmp(outcome, "released") == 0 || strcmp(outcome, "gone") == 0 || strcmp(outcome, "captured") == 0 ||
	       strcmp(outcome, "restored") == 0;
}

size_t failed_step(const struct model *m)
{
	bool here = m->retry_step >= 0 && m->walk.proc && (size_t)m->retry_step < m->walk.proc->nsteps;
	enum step_mark mark = here ? m->walk.of[m->retry_step].mark : STEP_TODO;
	return mark == STEP_PARTIAL || mark == STEP_FAILED ? (size_t)m->retry_step : m->walk.at;
}

/* ---- trying again ------------------------------------------------------------------------------- */

bool retry_is_on(const struct model *m)
{
	return m->nretry && m->retry_why[0];
}

static bool concerns(const struct model *m, const struct resource *r)
{
	for (size_t i = 0; i < m->nretry; i++) {
		const struct target *t = &m->retry[i];
		size_t n = strlen(t->name);
		if (t->kind == r->kind && strcmp(t->id, r->id) == 0)
			return true;
		if ((r->box && t->box && strcmp(r->box, t->box) == 0) || (strncmp(r->name, t->name, n) == 0 && r->name[n] == '/'))
			return true;
	}
	for (size_t i = 0; m->holding.known && r->kind == RES_PROCESS && i < m->holding.of.n; i++)
		if (m->holding.of.v[i].pid == r->process.pid)
			return true;
	return false;
}

void retry_notice(struct model *m, const struct resource *r, bool gone)
{
	char name[60];
	bool acting = m->job[JOB_ACT].id || m->await.on; /* its own doing is no news */
	if (!m->nretry || m->retry_why[0] || acting || !concerns(m, r))
		return;
	(void)snprintf(m->retry_why, sizeof m->retry_why, "%s %s %s", resource_kind_word(r->kind),
		       text_escape(r->name, name, sizeof name), gone ? "is gone" : "changed");
}

/* ---- the way around ----------------------------------------------------------------------------- */

static const struct target *root_blocker(const struct model *m)
{
	const struct job *job = &m->job[JOB_ACT];
	for (size_t i = 0; i < job->n; i++) {
		const struct outcome *o = &job->v[i];
		if (!o->outcome || done_word(o->outcome) || o->blocker[0])
			continue;
		for (size_t k = 0; k < m->nretry; k++)
			if (strcmp(m->retry[k].id, o->id) == 0)
				return &m->retry[k];
	}
	return m->nretry ? &m->retry[0] : NULL;
}

/* The first step of a procedure that says one of these words, from `from` on and then from its beginning. */
static bool step_that_says(const struct procedure *p, size_t from, const char *const *words, size_t *ret)
{
	for (size_t n = 0; n < p->nsteps; n++) {
		size_t i = (from + n) % p->nsteps;
		for (const char *const *w = words; *w; w++)
			if (step_says(&p->steps[i], *w)) {
				*ret = i;
				return true;
			}
	}
	return false;
}

/* A step of a runbook that leads around what stands in the way. proc NULL: there is none. */
struct way {
	const struct runbook *book;
	const struct procedure *proc;
	size_t step;
	const char *why;
};

static struct way way_in_books(const struct model *m, const char *const *words, const char *why)
{
	struct way w = { .why = why };
	const struct procedure *here = m->walk.proc;
	if (here && step_that_says(here, failed_step(m) + 1, words, &w.step) && w.step != failed_step(m)) {
		w.book = m->walk.book;
		w.proc = here;
		return w;
	}
	for (size_t b = 0; b < m->nbooks; b++)
		for (size_t i = 0; i < m->books[b].n; i++)
			if (&m->books[b].v[i] != here && step_that_says(&m->books[b].v[i], 0, words, &w.step)) {
				w.book = &m->books[b];
				w.proc = &m->books[b].v[i];
				return w;
			}
	return (struct way){ 0 };
}

static size_t left_in_box(const struct model *m, enum resource_kind kind, const char *box)
{
	size_t n = 0;
	for (size_t i = 0; i < m->table.n; i++) {
		const struct resource *r = m->table.v[i]->res;
		n += row_actable(m->table.v[i]) && r->kind == kind && r->box && box && strcmp(r->box, box) == 0;
	}
	return n;
}

static bool parent_is_leak(const struct model *m, const struct row *zombie)
{
	const struct row *parent = plan_parent(m, zombie->res);
	return parent && row_actable(parent) && parent->res->owner == OWNER_LEAK;
}

static bool failed_recovery(const struct model *m)
{
	return m->walk.proc && m->retry_step >= 0 && (size_t)m->retry_step < m->walk.proc->nsteps &&
	       step_says(&m->walk.proc->steps[m->retry_step], "--recover");
}

/* What blocks what: the first kind that is left is where to go on by hand. */
static struct way way_by_hand(const struct model *m)
{
	static const struct {
		enum resource_kind kind;
		const char *words[2];
	} order[] = {
		{ RES_PROCESS, { "{process}" } }, { RES_MOUNT, { "{mount}" } }, { RES_CGROUP, { "{cgroup}" } },
		{ RES_TEMPDIR, { "{tempdir}" } }, { RES_LOCK, { "{lock}" } },
	};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (m->count[OWNER_LEAK][order[i].kind])
			return way_in_books(m, order[i].words, "by hand, in the order of what blocks what");
	return (struct way){ 0 };
}

static struct way way_around(const struct model *m)
{
	static const char *const holders[] = { "holders", NULL }, *const mounts[] = { "{mount}", NULL },
				 *const processes[] = { "{process}", NULL }, *const parents[] = { "{parent}", NULL };
	if (failed_recovery(m))
		return way_by_hand(m);
	const struct target *t = root_blocker(m);
	const struct row *row = t ? rows_find(&m->table, t->kind, t->id) : NULL;
	if (!t || !row || !row_actable(row))
		return (struct way){ 0 };
	const struct resource *r = row->res;
	if (row_is_zombie(row))
		return parent_is_leak(m, row) ? way_in_books(m, parents, "end its parent, class R2: then init takes note of it") :
						(struct way){ 0 };
	if (r->kind == RES_MOUNT)
		return way_in_books(m, holders, "find who holds it, end them, and it is tried again");
	if (r->kind == RES_CGROUP && r->cgroup.procs)
		return way_in_books(m, processes, "end what lives in it");
	if (r->kind == RES_TEMPDIR && (r->tempdir.mounts_below || left_in_box(m, RES_MOUNT, r->box)))
		return way_in_books(m, mounts, "unmount what is below it");
	if (r->kind == RES_LOCK && left_in_box(m, RES_MOUNT, r->box))
		return way_in_books(m, mounts, "its box still has mounts");
	if (r->kind == RES_LOCK && left_in_box(m, RES_PROCESS, r->box))
		return way_in_books(m, processes, "its box still has processes");
	return (struct way){ 0 };
}

/* Another procedure is a detour: the one left is kept as it stands and returned to. */
void way_take(struct model *m)
{
	struct way w = way_around(m);
	dialog_close(m);
	if (!w.proc) {
		if (m->walk.proc && m->walk.at + 1 < m->walk.proc->nsteps)
			m->walk.at++;
		return;
	}
	if (w.proc != m->walk.proc && m->nback < DETOURS) {
		m->back[m->nback++] = m->walk;
		job_leave(m);
		walk_open(&m->walk, w.book, w.proc, m->wall);
		ring_add(&m->log, m->wall, RING_SAID, "P%u.%zu first: %s; then back to P%u.%zu", w.proc->number, w.step + 1, w.why,
			 m->back[m->nback - 1].proc->number, m->back[m->nback - 1].at + 1);
	}
	m->walk.at = w.step;
	m->focus = FOCUS_STEPS;
}

bool way_back(struct model *m)
{
	if (!m->nback)
		return false;
	m->walk = m->back[--m->nback];
	m->retry_step = -1; /* what failed here must be previewed anew */
	m->nretry = 0;
	for (size_t i = 0; i < m->walk.proc->nsteps; i++)
		if (m->walk.of[i].mark == STEP_PARTIAL || m->walk.of[i].mark == STEP_FAILED) {
			m->walk.at = i;
			break;
		}
	ring_add(&m->log, m->wall, RING_SAID, "back at P%u.%zu %s", m->walk.proc->number, m->walk.at + 1,
		 m->walk.proc->steps[m->walk.at].brief);
	return true;
}

/* ---- skipping ----------------------------------------------------------------------------------- */

static void skip_blocks(const struct model *m, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap };
	const struct target *root = root_blocker(m);
	out[0] = '\0';
	if (!root)
		return;
	const char *box = root->box;
	bool dirs = root->kind != RES_TEMPDIR && root->kind != RES_LOCK && left_in_box(m, RES_TEMPDIR, box);
	bool mounts = root->kind == RES_PROCESS && left_in_box(m, RES_MOUNT, box);
	bool groups = root->kind == RES_PROCESS && left_in_box(m, RES_CGROUP, box);
	text_add(&t, "%s%s%s%sP6", mounts ? "P2.2, " : "", groups ? "P3.5, " : "", dirs ? "P5.2, " : "",
		 mounts || groups || dirs ? "and " : "");
	if (box && (mounts || groups || dirs)) {
		text_add(&t, " for ");
		text_add_escaped(&t, box);
	}
	text_add(&t, " will be blocked");
}

/* ---- the panel ---------------------------------------------------------------------------------- */

static void item_line(const struct outcome *o, const char *lead, struct prose *out)
{
	bool done = done_word(o->outcome);
	prose_add(out, done ? INK_GOOD : INK_BAD, lead, "%s %s  %s%s%s%s%s", o->kind, o->name, o->outcome, o->err[0] ? " " : "",
		  o->err, o->because[0] && !done ? ": " : "", done ? "" : o->because);
}

static void item_lines(const struct model *m, struct prose *out)
{
	const struct job *job = &m->job[JOB_ACT];
	size_t done = 0;
	for (size_t i = 0; i < job->n; i++)
		done += job->v[i].outcome && done_word(job->v[i].outcome);
	if (done)
		prose_add(out, INK_GOOD, "  ok  ", "%zu of %zu", done, job->n);
	for (size_t i = 0; i < job->n; i++) {
		const struct outcome *o = &job->v[i];
		if (!o->outcome || done_word(o->outcome) || o->blocker[0])
			continue;
		item_line(o, "  !!  ", out);
		size_t folded = 0;
		for (size_t k = 0; k < job->n; k++)
			folded += job->v[k].outcome && strcmp(job->v[k].blocker, o->id) == 0;
		for (size_t k = 0; k < job->n && folded; k++)
			if (job->v[k].outcome && strcmp(job->v[k].blocker, o->id) == 0)
				prose_add(out, INK_PLAIN, "        ", "%s %s  only because of it", job->v[k].kind, job->v[k].name);
	}
	if (job->last[0] && job->n)
		prose_add(out, INK_PLAIN, "      it said: ", "%s", job->last);
	else if (job->last[0])
		prose_add(out, INK_BAD, "  !!  ", "%s: %s", job->ended, job->last);
}

/* Whether the lines of the items have named this one together with what keeps it. */
static bool said_why(const struct model *m, const char *id)
{
	const struct job *job = &m->job[JOB_ACT];
	for (size_t i = 0; i < job->n; i++)
		if (job->v[i].outcome && strcmp(job->v[i].id, id) == 0)
			return !job->v[i].blocker[0] && job->v[i].because[0];
	return false;
}

/* Whether a step's note only names an item, or the last words of it all, that has its line already; that it is a CONFLICT is
 * in neither. */
static bool said_before(const struct model *m, const char *note)
{
	const struct job *job = &m->job[JOB_ACT];
	char words[41];
	(void)snprintf(words, sizeof words, "%.40s", job->last); /* the note may have cut them */
	if (!job->n && words[0] && strstr(note, words))
		return true;
	for (size_t i = 0; i < job->n; i++)
		if (job->v[i].outcome && !done_word(job->v[i].outcome) && strstr(note, job->v[i].name) && said_why(m, job->v[i].id))
			return true;
	return false;
}

static void retry_line(const struct model *m, struct prose *out)
{
	char at[24] = "";
	if (m->walk.proc && m->retry_step >= 0)
		clock_rfc3339(m->walk.of[m->retry_step].at, at, sizeof at);
	if (retry_is_on(m))
		prose_add(out, INK_LINK, " r retry        ", "on: %s", m->retry_why);
	else
		prose_add(out, INK_PLAIN, " r retry        ", "off: nothing that concerns it changed since %.8s (turns on by itself)",
			  strlen(at) > 11 ? at + 11 : "it failed");
}

/* After an automatic recovery: what is still here, and which attempt it was. */
static void survivor_lines(const struct model *m, struct prose *out)
{
	enum { SHOWN = 6 };
	size_t left = 0;
	char name[120], blocked[80];
	for (size_t i = 0; i < m->table.n; i++) {
		const struct row *row = m->table.v[i];
		if (!row_actable(row) || left++ >= SHOWN)
			continue;
		row_blocked(m, row, blocked, sizeof blocked);
		prose_add(out, INK_BAD, " survivor       ", "%s %s%s%s", resource_kind_word(row->res->kind),
			  text_escape(row->res->name, name, sizeof name), strcmp(blocked, "-") ? ": " : "", strcmp(blocked, "-") ? blocked : "");
	}
	if (left > SHOWN)
		prose_add(out, INK_BAD, " survivor       ", "and %zu more", left - SHOWN);
	prose_add(out, INK_STRONG, " attempt        ", "%u of %d failed%s", m->incident.recoveries, RECOVERIES_MOST,
		  m->incident.recoveries < RECOVERIES_MOST ? "" : ": by hand now, or escalate; one more needs a reason");
}

void failure_lines(const struct model *m, struct prose *out)
{
	char blocks[160];
	const struct procedure *proc = m->walk.proc;
	struct way w = way_around(m);
	item_lines(m, out);
	if (proc && m->retry_step >= 0 && !said_before(m, m->walk.of[m->retry_step].note))
		prose_add(out, INK_STRONG, " ", "%s", m->walk.of[m->retry_step].note);
	const struct target *root = root_blocker(m);
	char name[120], blocked[80];
	const struct row *row = root ? rows_find(&m->table, root->kind, root->id) : NULL;
	if (row && row_actable(row) && !said_why(m, root->id)) {
		row_blocked(m, row, blocked, sizeof blocked);
		prose_add(out, INK_STRONG, " ROOT BLOCKER   ", "%s: %s", text_escape(row->res->name, name, sizeof name), blocked);
	}
	if (failed_recovery(m))
		survivor_lines(m, out);
	retry_line(m, out);
	if (row && row_is_zombie(row) && !w.proc)
		prose_add(out, INK_PLAIN, " not offered    ", "ending its parent %d: it is no leftover; plan a restart of it. A zombie holds "
			  "nothing: going on is allowed", (int)row->res->process.ppid);
	if (w.proc)
		prose_add(out, INK_LINK, " a alternative  ", "P%u.%zu %s: %s (recommended)%s", w.proc->number, w.step + 1,
			  w.proc->steps[w.step].brief, w.why, w.proc == proc ? "" : "; leads back here");
	else if (proc && m->walk.at + 1 < proc->nsteps)
		prose_add(out, INK_LINK, " a alternative  ", "go on with step %u.%zu %s", proc->number, m->walk.at + 2,
			  proc->steps[m->walk.at + 1].brief);
	skip_blocks(m, blocks, sizeof blocks);
	if (proc)
		prose_add(out, INK_PLAIN, " S skip         ", "leaves %zu%s%s; asks the reason, which goes in the report", m->nretry,
			  blocks[0] ? "; " : "", blocks);
	prose_add(out, INK_PLAIN, " ! escalate     ", "bundle: mount tables of the namespaces, holders, kernel log, journal; and the page");
	prose_add(out, INK_PLAIN, " N note         ", "b or Esc back to the list");
}
