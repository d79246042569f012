/* The open procedure, the log, the escalation meter and the keys that work now. */
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/escalate.h"
#include "tui/keys.h"
#include "tui/then.h"
#include "tui/update.h"
#include "tui/view_parts.h"

static enum ink mark_ink(enum step_mark mark)
{
	return mark == STEP_OK ? INK_GOOD : mark == STEP_FAILED ? INK_BAD : mark == STEP_PARTIAL ? INK_WARN : INK_PLAIN;
}

static const char *mark_text(const struct model *m, size_t i)
{
	enum step_mark mark = m->walk.of[i].mark;
	return i == m->walk.at && (mark == STEP_TODO || mark == STEP_RUNNING) ? mark == STEP_RUNNING ? ".." : ">>" :
									       step_mark_word(mark);
}

/* "[ok]1 list [pt]2 unmount ..." over as many rows as there are; the current step is always on one of them. */
static void steps_narrow(const struct model *m, const struct area *a, struct canvas *c)
{
	const struct procedure *p = m->walk.proc;
	int col = 1, row = a->row, last = a->row + a->rows - 1;
	size_t first = m->walk.at > 3 ? m->walk.at - 3 : 0;
	for (size_t i = first; i < p->nsteps && row < last; i++) {
		char text[60];
		(void)snprintf(text, sizeof text, "[%s]%zu %.18s", mark_text(m, i), i + 1, p->steps[i].brief);
		int w = canvas_width(c, text);
		if (col + w > a->cols - 1 && ++row < last)
			col = 1;
		if (row >= last)
			break;
		(void)canvas_text(c, row, col, a->cols - col, i == m->walk.at ? INK_STRONG : mark_ink(m->walk.of[i].mark), text);
		if (i == m->walk.at && m->focus == FOCUS_STEPS)
			canvas_bar(c, row, col, w, INK_CURSOR);
		col += w + 1;
	}
	const struct step *s = walk_step(&m->walk);
	const struct step_state *st = &m->walk.of[m->walk.at];
	char note[200], line[200];
	const struct job *job = &m->job[JOB_ACT];
	if (job->id)
		(void)snprintf(line, sizeof line, "running %us of %u: %zu done, %zu not", (unsigned)((m->now_ms - job->began_ms) / 1000),
			       job->timeout_ms / 1000, job->ok, job->bad);
	else if (m->soak.on)
		(void)soak_text(m, line, sizeof line);
	else if (m->await.on)
		(void)snprintf(line, sizeof line, "the command ended; waiting until this console sees it too");
	else if (st->note[0])
		(void)snprintf(line, sizeof line, "%s", text_escape(st->note, note, sizeof note));
	else
		(void)snprintf(line, sizeof line, "%s", s ? s->say : "all steps are done");
	(void)canvas_text(c, last, 1, a->cols - 2, INK_PLAIN, line);
}

static void steps_wide(const struct model *m, const struct layout *l, struct canvas *c)
{
	const struct procedure *p = m->walk.proc;
	const struct area *a = &l->steps;
	size_t rows = (size_t)a->rows, first = p->nsteps > rows && m->walk.at >= rows ? m->walk.at - rows + 1 : 0;
	for (size_t i = first; i < p->nsteps && i - first < rows; i++) {
		const struct step *s = &p->steps[i];
		const struct step_state *st = &m->walk.of[i];
		int row = a->row + (int)(i - first);
		char safe[200];
		const char *note = m->soak.on && (int)i == m->soak.step ? soak_text(m, safe, sizeof safe) :
				   st->note[0] ? text_escape(st->note, safe, sizeof safe) : "";
		int words = *note ? a->cols / 3 : a->cols - 7; /* nothing to tell of it yet: its words have the room */
		bool here = i == m->walk.at;
		(void)canvas_printf(c, row, 0, 6, here ? INK_STRONG : mark_ink(st->mark), "%c[%s]", here ? '>' : ' ', mark_text(m, i));
		(void)canvas_printf(c, row, 6, words, here ? INK_STRONG : INK_PLAIN, "%zu %s", i + 1, s->say);
		(void)canvas_text(c, row, words + 8, a->cols - words - 9, INK_PLAIN, note);
		if (here && m->focus == FOCUS_STEPS)
			canvas_bar(c, row, 0, a->cols, INK_CURSOR);
	}
	autoarena struct arena mem = { 0 };
	struct prose out = { .a = &mem, .width = l->step_why.cols - 4 };
	const struct step *s = walk_step(&m->walk);
	if (s) {
		prose_add(&out, INK_STRONG, "", "STEP %zu  %s", m->walk.at + 1, verb_word(s->verb));
		prose_add(&out, INK_PLAIN, "runbook:  ", "%s", s->original ? s->original : "-");
		prose_add(&out, INK_PLAIN, "why ours: ", "%s", s->why ? s->why : "the same");
	}
	for (int r = 0; r < l->step_why.rows; r++) {
		(void)canvas_text(c, l->step_why.row + r, l->step_why.col, 1, INK_RULE, c->utf8 ? "\xe2\x94\x82" : "|");
		if ((size_t)r < out.n)
			(void)canvas_text(c, l->step_why.row + r, l->step_why.col + 3, l->step_why.cols - 4, out.v[r].ink, out.v[r].text);
	}
}

void view_steps(const struct model *m, const struct layout *l, struct canvas *c)
{
	const struct procedure *p = m->walk.proc;
	char title[200];
	if (!time_steps(m) || l->steps.rows <= 0)
		return;
	(void)snprintf(title, sizeof title, "P%u %.50s -- step %zu of %zu", p->number, p->title,
		       m->walk.at < p->nsteps ? m->walk.at + 1 : p->nsteps, p->nsteps);
	titled_rule(c, l->steps.row - 1, 0, c->cols, title, walk_finished(&m->walk) ? "DONE" : "");
	if (l->shape == SHAPE_WIDE)
		steps_wide(m, l, c);
	else
		steps_narrow(m, &l->steps, c);
}

static void view_escalate(const struct model *m, const struct layout *l, struct canvas *c)
{
	bool met[ESCALATE_OF];
	const char *const *names = escalate_names(m, met);
	struct tally t = tally_of(m);
	canvas_rule(c, l->escalate, 0, c->cols);
	int col = 2 + canvas_printf(c, l->escalate, 2, 30, t.escalate ? INK_BAD : INK_STRONG, "ESCALATE %d of %d ", t.escalate, ESCALATE_OF);
	for (int i = 0; i < ESCALATE_OF; i++)
		col += canvas_printf(c, l->escalate, col, c->cols - col, met[i] ? INK_STRONG : INK_PLAIN, "--[%c] %s ",
				     met[i] ? 'x' : ' ', names[i]);
	(void)canvas_text(c, l->escalate, col, c->cols - col, INK_BAD, orphan_rule(m) ? "-- ORPHAN: security NOW " : "");
}

void view_log(const struct model *m, const struct layout *l, struct canvas *c)
{
	const struct area *a = &l->log;
	if (l->escalate >= 0) {
		char slo[300];
		view_escalate(m, l, c);
		enum ink ink = slo_text(m, true, slo, sizeof slo);
		if (!m->past.on) /* it is not kept */
			(void)canvas_text(c, l->escalate + 1, 1, c->cols - 2, ink, slo);
	}
	if (a->rows <= 0)
		return;
	char title[140] = "Log";
	if (m->incident.open && l->shape == SHAPE_WIDE)
		(void)snprintf(title, sizeof title, "Log, and journal %.60s: %u entries written, %s", m->incident.id,
			       m->incident.written, m->record_lost ? "IN MEMORY, the disk does not take them" : "all on disk");
	titled_rule(c, a->row - 1, 0, c->cols, title, m->opt.root ? m->opt.root : "");
	size_t later = 0; /* said after what is on the screen */
	for (const struct ring_line *line; m->past.on && (line = ring_back(&m->log, later)) && line->wall > m->past.wall; later++)
		;
	for (int i = 0; i < a->rows; i++) {
		bool fresh = m->past.on && i == a->rows - 1 && m->log.n > m->past.said; /* news, or why a key did nothing */
		const struct ring_line *line = ring_back(&m->log, fresh ? 0 : later + (size_t)(a->rows - 1 - i));
		char at[24];
		if (!line)
			continue;
		clock_rfc3339(line->wall, at, sizeof at);
		(void)canvas_printf(c, a->row + i, 1, a->cols - 2, line->level == RING_BAD ? INK_BAD :
				    line->level == RING_WARN ? INK_WARN : INK_PLAIN, "%.8s %s", strlen(at) > 11 ? at + 11 : "", line->text);
	}
}

/* Only keys that do something now, the most wanted first, as many as fit. */
void view_keys(const struct model *m, const struct layout *l, struct canvas *c)
{
	static const enum action wanted[] = {
		ACTION_LAST_NEWS, ACTION_EARLIER, ACTION_PREVIEW, ACTION_UNDO, ACTION_STOP, ACTION_HOLDERS, ACTION_WHY, ACTION_MARK, ACTION_FILTER, ACTION_PROCEDURES,
		ACTION_ORIGINAL, ACTION_SKIP, ACTION_TIME, ACTION_SCOPE, ACTION_FOREIGN, ACTION_NOTE, ACTION_COPY, ACTION_SORT,
	};
	int right = c->cols >= 60 ? 18 : 0, col = 1;
	canvas_fill(c, l->keys, 0, 1, c->cols, INK_LINK); /* one run of one ink: a slow line pays for each change of it */
	if (right)
		(void)canvas_right(c, l->keys, c->cols - right, right - 1, INK_LINK,
				   m->past.on ? "t NOW  ? help" : m->arm.on ? "A disarm ? help" : "A arm  ? help");
	for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
		char text[40];
		bool of_past = wanted[i] == ACTION_LAST_NEWS || wanted[i] == ACTION_EARLIER;
		if (!action_works(m, wanted[i]) || (of_past && !m->past.on) || (wanted[i] == ACTION_TIME && m->past.on))
			continue;
		(void)snprintf(text, sizeof text, "%s %s", key_of_action(wanted[i]), action_rows[wanted[i]].label);
		if (of_past) /* each with its opposite */
			(void)strcpy(text, wanted[i] == ACTION_LAST_NEWS ? "[ ] change" : "Left Right minute");
		if (col + (int)strlen(text) > c->cols - right - 1)
			break;
		col += canvas_text(c, l->keys, col, c->cols - right - col, INK_LINK, text) + 2;
	}
}
