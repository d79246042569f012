/* The one place where a plan becomes a command, and every condition that must hold for it. */
#include <stdio.h>
#include <string.h>

#include "tui/dialog_text.h"
#include "tui/layout.h"
#include "tui/both.h"
#include "tui/update.h"

enum { ITEM_MS = 12000, RECOVER_MS = 120000 };

static int lines_of(const struct model *m)
{
	autoarena struct arena a = { 0 };
	struct prose p = { .a = &a, .width = m->cols - 4 };
	dialog_lines(m, &p);
	return (int)p.n;
}

const char *commit_refusal_alone(const struct model *m)
{
	const struct dialog *d = &m->dialog;
	const struct plan *p = &d->plan;
	size_t gone = 0, fresh = 0;
	char phrase[FIELD_ROOM + 80];
	if (d->kind != DIALOG_PREVIEW)
		return "nothing is being previewed";
	if (!layout_can_commit(m->rows, m->cols))
		return "too small to confirm (60x18)";
	if (p->refused)
		return p->refused;
	if (p->risk == RISK_R0)
		return NULL;
	if (!m->arm.on && p->of == PLAN_COMMAND)
		return "OBSERVE: Esc, then A to arm";
	if (second_outdated(m))
		return "that is not asked any more, or was changed: Esc, then :confirm again";
	if (m->job[JOB_ACT].id || m->await.on)
		return "one step at a time: another is running";
	int shown = d->top + layout_dialog_rows(m->rows, dialog_fields(m));
	if ((d->read > shown ? d->read : shown) < lines_of(m))
		return "read it to the end first: PgDn";
	if (p->n && plan_now(m, p, &gone, &fresh) == 0)
		return "nothing of it is there any more";
	if (p->risk == RISK_R3 && strspn(d->field[0], " ") == strlen(d->field[0]))
		return "a reason is needed (Tab goes there)";
	plan_phrase(m, p, phrase, sizeof phrase);
	if (p->risk >= RISK_R2 && strcmp(d->field[1], phrase) != 0)
		return "the phrase is not typed as shown";
	return NULL;
}

const char *commit_refusal(const struct model *m)
{
	const char *why = commit_refusal_alone(m);
	return why ? why : second_refusal(m);
}

static unsigned allowed_ms(const struct plan *p)
{
	for (size_t i = 0; i < p->nwords; i++)
		if (strcmp(p->words[i], "--recover") == 0)
			return RECOVER_MS;
	return ITEM_MS * (unsigned)(p->n < 50 ? p->n + 1 : 51);
}

struct effect dialog_commit(struct model *m)
{
	struct dialog *d = &m->dialog;
	d->refusal = commit_refusal(m);
	if (d->refusal)
		return (struct effect){ 0 };
	int step = d->plan.step;
	if (d->plan.risk == RISK_R0) { /* a step the operator did: their word is the evidence */
		dialog_close(m);
		step_mark(m, (size_t)step, STEP_OK, "confirmed by hand");
		return (struct effect){ 0 };
	}
	char reason[FIELD_ROOM], phrase[FIELD_ROOM];
	bool then_retry = d->plan.then_retry;
	unsigned ms = allowed_ms(&d->plan);
	(void)snprintf(reason, sizeof reason, "%s", d->field[0]);
	(void)snprintf(phrase, sizeof phrase, "%s", d->field[1]);
	if (d->plan.of == PLAN_HANDOVER)
		return handover_commit(m);
	if (d->plan.of != PLAN_COMMAND) {
		enum plan_of of = d->plan.of;
		dialog_close(m);
		if (of == PLAN_CONFIRM)
			return second_commit(m, reason);
		arm_ask(m, reason, true);
		return (struct effect){ 0 };
	}
	const char **argv = plan_argv(m, &d->plan, reason, &m->out);
	incident_run(m, argv, &d->plan, reason, phrase);
	dialog_close(m);
	ring_add(&m->log, m->wall, RING_SAID, "running %s %s %s", argv[0], argv[1] ? argv[1] : "", argv[1] && argv[2] ? argv[2] : "");
	struct effect effect = job_start(m, JOB_ACT, argv, step, ms);
	m->job[JOB_ACT].then_retry = then_retry;
	return effect;
}
