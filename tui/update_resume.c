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
	m->resume = *r;
	dialog_open(m, DIALOG_RESUME);
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
	prose_add(out, INK_PLAIN, "OPENED BY  ", "%s; its console wrote last at %s, and nobody holds its journal", text_escape(r->who, who, sizeof who),
		  r->last);
	if (r->running[0])
		prose_add(out, INK_WARN, "THEN RAN   ", "%s, whose end is not recorded. It went on by itself; what came of it is what this console "
			  "sees now.", r->running);
	prose_add(out, INK_PLAIN, "IF YOU     ", "resume, the steps stand as they were marked and the journal goes on in its file. Nothing is run and "
		  "nothing is armed by that.");
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
		walk_open(&m->walk, book, proc, m->wall);
		memcpy(m->walk.of, r->of, sizeof m->walk.of);
		m->walk.at = r->at < proc->nsteps ? r->at : 0;
		m->walk.at = walk_next(&m->walk) < proc->nsteps ? walk_next(&m->walk) : m->walk.at;
		for (size_t i = 0; i < proc->nsteps; i++)
			if (m->walk.of[i].mark == STEP_RUNNING)
				m->walk.of[i].mark = STEP_TODO; /* what came of it is seen, not remembered */
		m->focus = FOCUS_STEPS;
	}
	record_add(m, "resumed", json_pack("{s:o,s:s}", "tty", json_text(m->opt.tty ? m->opt.tty : "?"), "running", r->running));
	ring_add(&m->log, m->wall, RING_SAID, "incident %s resumed", m->incident.id);
	return (struct effect){ .kind = EFFECT_ADOPT, .text = m->incident.id };
}
