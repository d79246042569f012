/* "Resume incident 0208-01 at P2.5?": asked once, at the start, before anything else. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/update.h"

static const struct procedure *procedure_of(const struct model *m, const struct runbook **book)
{
	for (size_t b = 0; b < m->nbooks; b++)
		for (size_t i = 0; i < m->books[b].n; i++)
			if (m->books[b].v[i].number == m->resume.procedure && strcmp(m->books[b].name, m->resume.book) == 0) {
				*book = &m->books[b];
				return &m->books[b].v[i];
			}
	return NULL;
}

void model_offer_resume(struct model *m, const struct resume *r)
{
	json_decref(m->resume.run);
	m->resume = *r;
	dialog_open(m, DIALOG_RESUME);
}

struct effect resume_ask(struct model *m)
{
	if (!m->incident.open)
		return (struct effect){ .kind = EFFECT_WAITING };
	ring_add(&m->log, m->wall, RING_WARN, "this console writes incident %s: hand it over, or leave it, first", m->incident.id);
	return (struct effect){ 0 };
}

void resume_found(struct model *m, const struct resume *r)
{
	if (r)
		model_offer_resume(m, r);
	else
		ring_add(&m->log, m->wall, RING_SAID, "no incident waits to be taken up");
}

static const char *run_word(const struct resume *r, size_t i)
{
	const char *word = json_string_value(json_array_get(r->run, i));
	return word ? word : "";
}

/* The command's own words and its step, but what is started is only who listens to it. */
static struct effect attach(struct model *m)
{
	enum { ATTACHED_MS = 120000 };
	const struct resume *r = &m->resume;
	const char **argv = NULL;
	size_t n = 0;
	for (size_t i = 0; i < json_array_size(r->run); i++)
		*(const char **)arena_push(&m->out, &argv, &n, sizeof *argv) = run_word(r, i);
	*(const char **)arena_push(&m->out, &argv, &n, sizeof *argv) = NULL;
	bool here = m->walk.proc && r->run_step >= 0 && (size_t)r->run_step < m->walk.proc->nsteps;
	struct effect effect = job_start(m, JOB_ACT, argv, here ? r->run_step : -1, ATTACHED_MS);
	if (here)
		m->walk.at = (size_t)r->run_step;
	const char *const attached[] = { "rustbox-tui", "attach", m->incident.id, NULL };
	argv = arena_alloc(&m->out, sizeof attached);
	memcpy(argv, attached, sizeof attached);
	effect.argv = argv;
	effect.keep = false;
	return effect;
}

static void handed_lines(const struct handed *h, struct prose *out)
{
	char by[80], to[80], text[400];
	if (!h->by[0])
		return;
	prose_add(out, INK_WARN, "HANDED OVER", " by %s to %s at %s; then %s", text_escape(h->by, by, sizeof by), text_escape(h->to, to, sizeof to),
		  h->at, text_escape(h->armed, text, sizeof text));
	if (h->said[0])
		prose_add(out, INK_STRONG, "THEY SAY   ", "%s", text_escape(h->said, text, sizeof text));
	prose_add(out, INK_PLAIN, "THEY WERE  ", "at %s", text_escape(h->step, text, sizeof text));
	prose_add(out, INK_PLAIN, "OPEN THEN  ", "%s", text_escape(h->open, text, sizeof text));
}

void resume_lines(const struct model *m, struct prose *out)
{
	const struct resume *r = &m->resume;
	const struct runbook *book = NULL;
	const struct procedure *proc = procedure_of(m, &book);
	char id[100], who[80];
	char step[24] = "";
	if (proc)
		(void)snprintf(step, sizeof step, " at P%u.%zu", proc->number, r->at + 1);
	prose_add(out, INK_STRONG, "", "resume incident %s%s?", text_escape(r->id, id, sizeof id), step);
	if (proc && r->at < proc->nsteps)
		prose_add(out, INK_PLAIN, "STEP       ", "P%u.%zu %s: [%s] %s", proc->number, r->at + 1, proc->steps[r->at].brief,
			  step_mark_word(r->of[r->at].mark), r->of[r->at].note);
	handed_lines(&r->handed, out);
	prose_add(out, INK_PLAIN, "OPENED BY  ", "%s; its console wrote last at %s, and nobody holds its journal", text_escape(r->who, who, sizeof who),
		  r->last);
	if (r->run)
		prose_add(out, INK_WARN, "THEN RAN   ", "%s %s %s, %s", run_word(r, 0), run_word(r, 1), run_word(r, 2), r->runs ?
			  "which is still running without a console" : "whose end is not recorded yet; it went on by itself");
	prose_add(out, INK_PLAIN, "IF YOU     ", "resume, the steps stand as they were marked and the journal goes on in its file. Nothing new is run "
		  "and nothing is armed by that.%s", r->run ? " What that command said and how it ends is taken up." : "");
	prose_add(out, INK_PLAIN, "IF NOT     ", "a new incident is begun when you first act; the old journal stays as it is.");
	prose_add(out, INK_LINK, "", "Y (shift-y) resumes, Esc begins anew");
}

struct effect resume_key(struct model *m, uint32_t key)
{
	const struct resume *r = &m->resume;
	const struct runbook *book = NULL;
	const struct procedure *proc = procedure_of(m, &book);
	if (key != 'Y') {
		if (key == 'n' || key == 'q')
			dialog_close(m);
		else
			m->dialog.refusal = "Y (shift-y) resumes; Esc begins anew";
		return (struct effect){ 0 };
	}
	dialog_close(m);
	(void)snprintf(m->incident.id, sizeof m->incident.id, "%s", r->id);
	m->incident.open = true;
	if (proc) {
		job_leave(m);
		m->nback = m->nretry = 0;
		m->retry_step = -1;
		walk_open(&m->walk, book, proc, m->wall);
		memcpy(m->walk.of, r->of, sizeof m->walk.of);
		m->walk.at = r->at < proc->nsteps ? r->at : 0;
		m->walk.at = walk_next(&m->walk) < proc->nsteps ? walk_next(&m->walk) : m->walk.at;
		for (size_t i = 0; i < proc->nsteps; i++)
			if (m->walk.of[i].mark == STEP_RUNNING)
				m->walk.of[i].mark = STEP_TODO; /* what came of it is seen, not remembered */
		m->focus = FOCUS_STEPS;
	}
	record_add(m, "resumed", json_pack("{s:o,s:b}", "tty", json_text(m->opt.tty ? m->opt.tty : "?"), "attached", r->run != NULL));
	ring_add(&m->log, m->wall, RING_SAID, "incident %s resumed", m->incident.id);
	struct effect effect = r->run ? attach(m) : (struct effect){ 0 };
	effect.adopt = m->incident.id;
	return effect;
}
