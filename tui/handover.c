/*
 * `:handover NAME WORDS`: the incident goes to another operator. What they need to know is written into the journal (armed or
 * not, the step and what came of it, what is open), this console disarms and lets the journal go, and the others are told;
 * whoever takes it up with `:resume`, or starts a console, is shown just that and goes on in the same journal.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/escalate.h"
#include "tui/both.h"
#include "tui/update.h"

enum { OFFER_OLD_S = 24 * 3600 };

void handover_open(struct model *m, const char *words)
{
	words += strspn(words, " ");
	size_t name = strcspn(words, " ");
	if (!m->incident.open || !name) {
		ring_add(&m->log, m->wall, RING_WARN, m->incident.open ? ":handover NAME [what they should know]: to whom?" :
			 "nothing to hand over: no incident was begun here");
		return;
	}
	dialog_open(m, DIALOG_PREVIEW);
	struct plan *p = &m->dialog.plan;
	*p = (struct plan){ .of = PLAN_HANDOVER, .risk = RISK_R1, .step = -1, .verb = "handover" };
	p->asked = arena_strndup(&m->dialog.mem, words, name);
	p->note = arena_strdup(&m->dialog.mem, words + name + strspn(words + name, " "));
}

static void step_text(const struct model *m, char *out, size_t cap)
{
	const struct step *s = walk_step(&m->walk);
	(void)snprintf(out, cap, "no procedure is open");
	if (m->walk.proc && !s)
		(void)snprintf(out, cap, "P%u: all steps are done", m->walk.proc->number);
	if (s)
		(void)snprintf(out, cap, "P%u.%zu %s [%s] %s", m->walk.proc->number, m->walk.at + 1, s->brief,
			       step_mark_word(m->walk.of[m->walk.at].mark), m->walk.of[m->walk.at].note);
}

static void open_text(const struct model *m, struct text *t)
{
	bool met[ESCALATE_OF];
	const char *const *names = escalate_names(m, met);
	for (int k = 0; k < RES_KINDS; k++) {
		size_t n = count_leftovers(m->count, 1u << k);
		if (n)
			text_add(t, "%s%zu %s", t->buf[0] ? ", " : "", n, resource_kind_key((enum resource_kind)k));
	}
	text_add(t, "%s; health %s", t->buf[0] ? " left" : "nothing is left", m->health_ms ? health_status_word(m->health.status) : "not known");
	for (int i = 0; i < ESCALATE_OF; i++)
		if (met[i])
			text_add(t, "; %s", names[i]);
}

static const char *armed_text(const struct model *m, char *out, size_t cap)
{
	(void)snprintf(out, cap, "%s%s", m->arm.on ? "armed: " : "not armed", m->arm.on ? m->arm.reason : "");
	return out;
}

void handover_lines(const struct model *m, struct prose *out)
{
	const struct plan *p = &m->dialog.plan;
	char safe[FIELD_ROOM + 40], step[200], armed[FIELD_ROOM + 40], left[300] = "";
	struct text t = TEXT_ON(left);
	open_text(m, &t);
	step_text(m, step, sizeof step);
	prose_add(out, INK_STRONG, "TO         ", "%s, of incident %s", text_escape(p->asked, safe, sizeof safe), m->incident.id);
	if (p->note[0])
		prose_add(out, INK_PLAIN, "YOU SAY    ", "%s", text_escape(p->note, safe, sizeof safe));
	prose_add(out, INK_PLAIN, "AT         ", "%s", text_escape(step, safe, sizeof safe));
	prose_add(out, INK_PLAIN, "OPEN       ", "%s", left);
	prose_add(out, m->arm.on ? INK_WARN : INK_PLAIN, "YOU ARE    ", "%s%s", text_escape(armed_text(m, armed, sizeof armed), safe, sizeof safe),
		  m->arm.on ? "; that ends with it" : "");
	prose_add(out, INK_PLAIN, "IF YOU     ", "hand over, this stands in the journal, which is let go of; any operator takes it up by :resume in a "
		  "console of theirs, or when they start one. You go on watching.");
	prose_add(out, INK_PLAIN, "UNDO       ", ":resume here takes it back, while nobody else has it");
}

struct effect handover_commit(struct model *m)
{
	const struct plan *p = &m->dialog.plan;
	char step[200], armed[FIELD_ROOM + 40], left[300] = "", to[60];
	struct text t = TEXT_ON(left);
	open_text(m, &t);
	step_text(m, step, sizeof step);
	autojson json_t *offer = json_pack("{s:o,s:o,s:o,s:s,s:I}", "from", json_text(m->opt.user ? m->opt.user : "?"), "to",
					   json_text(p->asked), "said", json_text(p->note), "incident", m->incident.id, "at", (json_int_t)m->wall);
	autofree char *text = json_dumps(offer, JSON_COMPACT | JSON_PRESERVE_ORDER);
	record_add(m, "handover", json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "text", json_sprintf("to %s%s%s", p->asked, p->note[0] ? ": " :
					    "", p->note), "to", json_text(p->asked), "said", json_text(p->note), "armed",
					    json_text(armed_text(m, armed, sizeof armed)), "at_step", json_text(step), "open", json_text(left),
					    "left", kinds_json(m)));
	disarm(m, "handed over");
	ring_add(&m->log, m->wall, RING_SAID, "handed over to %s: :resume on their console takes it up", text_escape(p->asked, to, sizeof to));
	m->incident.open = false;
	dialog_close(m);
	return (struct effect){ .kind = EFFECT_HANDOVER, .text = arena_strdup(&m->out, text ? text : "{}") };
}

/* Another console's. Whoever starts a day later is told by the journal, not by an old offer. */
void handover_heard(struct model *m, const char *text)
{
	autojson json_t *j = text ? json_loads(text, 0, NULL) : NULL;
	char from[40], to[40], note[FIELD_ROOM], id[80];
	if ((uint64_t)json_integer_value(json_object_get(j, "at")) + OFFER_OLD_S < m->wall)
		return;
	(void)json_shown(j, "said", note, sizeof note);
	ring_add(&m->log, m->wall, RING_WARN, "%s hands over incident %s to %s%s%s. :resume takes it up", json_shown(j, "from", from, sizeof from),
		 json_shown(j, "incident", id, sizeof id), json_shown(j, "to", to, sizeof to), note[0] ? ": " : "", note);
	m->bell = true;
}
