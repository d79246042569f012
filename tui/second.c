/*
 * The two-person rule. While /etc/rustbox/two-person is there, an armed console that has a plan of class R3 ready, reason
 * and phrase typed, asks for a second person instead of acting: what it asks stands in the text of its lock. Another
 * operator's console shows it, `:confirm` opens it there, and their reason and phrase go back; only then does Enter act here.
 *
 * What was confirmed is compared with what is asked, word for word: another preview, or another reason, is asked anew.
 * Nothing has to be withdrawn, because what is asked follows from what is on the screen. The rule stops a mistake of one;
 * it does not stop root, who can call themselves anything.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "tui/dialog_text.h"
#include "tui/both.h"
#include "tui/update.h"

static bool needs_second(const struct model *m)
{
	const struct plan *p = &m->dialog.plan;
	return m->dialog.kind == DIALOG_PREVIEW && p->of == PLAN_COMMAND && p->risk == RISK_R3 && m->arm.on && m->arm.pair;
}

json_t *second_asks(const struct model *m)
{
	const struct plan *p = &m->dialog.plan;
	char phrase[FIELD_ROOM + 80], line[1024] = "";
	struct text t = TEXT_ON(line);
	if (!needs_second(m) || commit_refusal_alone(m))
		return NULL;
	autoarena struct arena a = { 0 };
	plan_line(plan_argv(m, p, m->dialog.field[0], &a), &t);
	plan_phrase(m, p, phrase, sizeof phrase);
	json_t *on = json_array();
	for (size_t i = 0; i < p->n; i++)
		(void)json_array_append_new(on, json_text(p->v[i].name));
	return json_pack("{s:I,s:o,s:o,s:o,s:o}", "opened", (json_int_t)m->dialog.opened_ms, "phrase", json_text(phrase), "reason",
			 json_text(m->dialog.field[0]), "run", json_text(line), "on", on);
}

const char *second_name(const struct model *m)
{
	autojson json_t *asks = second_asks(m);
	bool given = asks && json_equal(asks, json_object_get(m->arm.second, "asks"));
	return given ? json_string_value(json_object_get(m->arm.second, "user")) : NULL;
}

const char *second_refusal(const struct model *m)
{
	return !needs_second(m) || second_name(m) ? NULL : "waits for a second person: :confirm at theirs";
}

json_t *second_record(const struct model *m)
{
	const json_t *s = m->arm.second;
	if (!second_name(m))
		return NULL;
	return json_pack("{s:O,s:O,s:O}", "user", json_object_get(s, "user"), "tty", json_object_get(s, "tty"), "reason",
			 json_object_get(s, "reason"));
}

void second_take(struct model *m, const char *text)
{
	char user[40], reason[FIELD_ROOM];
	json_t *j = text ? json_loads(text, 0, NULL) : NULL;
	const char *who = json_string_value(json_object_get(j, "user"));
	if (!who || !json_string_value(json_object_get(j, "reason")) || !json_string_value(json_object_get(j, "tty")) ||
	    (m->opt.user && strcmp(who, m->opt.user) == 0)) { /* the same person on another screen is no second one */
		json_decref(j);
		return;
	}
	json_decref(m->arm.second);
	m->arm.second = j;
	(void)json_shown(j, "user", user, sizeof user);
	(void)json_shown(j, "reason", reason, sizeof reason);
	if (!second_name(m)) {
		ring_add(&m->log, m->wall, RING_WARN, "%s confirmed what is not asked any more", user);
		return;
	}
	m->dialog.refusal = NULL; /* an Enter before it was answered with "waits" */
	ring_add(&m->log, m->wall, RING_WARN, "%s confirmed: %s", user, reason);
	record_add(m, "second", json_pack("{s:o,s:O}", "text", json_sprintf("%s confirmed: %s", user, reason), "confirmed", j));
	m->bell = true;
}

/* ---- the second person's console ----------------------------------------------------------------- */

void second_heard(struct model *m, const json_t *before)
{
	const json_t *asks = m->peer.asks;
	char phrase[FIELD_ROOM];
	if (!asks || json_equal(json_object_get(asks, "opened"), json_object_get(before, "opened")))
		return;
	ring_add(&m->log, m->wall, RING_WARN, "%s asks for a second person: %s. :confirm shows it", m->peer.user,
		 json_shown(asks, "phrase", phrase, sizeof phrase));
	m->bell = true;
}

static const char *asked_now(struct arena *a, const json_t *asks)
{
	autofree char *text = json_dumps(asks, JSON_COMPACT | JSON_SORT_KEYS);
	return arena_strdup(a, text ? text : "");
}

void second_open(struct model *m)
{
	if (!m->peer.asks) {
		ring_add(&m->log, m->wall, RING_WARN, "nobody asks for a second person");
		return;
	}
	dialog_open(m, DIALOG_PREVIEW);
	m->dialog.plan = (struct plan){ .of = PLAN_CONFIRM, .risk = RISK_R3, .step = -1, .verb = "confirm" };
	m->dialog.plan.asked = asked_now(&m->dialog.mem, m->peer.asks);
	if (m->opt.user && strcmp(m->peer.user, m->opt.user) == 0)
		m->dialog.plan.refused = "you are the one who asks: it takes another person";
	else if (!m->opt.is_root)
		m->dialog.plan.refused = "needs root: start the console with sudo to confirm";
}

bool second_outdated(const struct model *m)
{
	autoarena struct arena a = { 0 };
	return m->dialog.plan.of == PLAN_CONFIRM && strcmp(asked_now(&a, m->peer.asks), m->dialog.plan.asked) != 0;
}

void second_phrase(const struct plan *p, char *out, size_t cap)
{
	autojson json_t *asks = json_loads(p->asked, 0, NULL);
	char phrase[FIELD_ROOM];
	(void)snprintf(out, cap, "confirm %s", json_shown(asks, "phrase", phrase, sizeof phrase));
}

void second_lines(const struct model *m, struct prose *out)
{
	autojson json_t *asks = json_loads(m->dialog.plan.asked, 0, NULL);
	char text[1200];
	size_t i;
	const json_t *of;
	if (m->dialog.plan.refused)
		prose_add(out, INK_BAD, "NOT NOW    ", "%s", m->dialog.plan.refused);
	prose_add(out, INK_WARN, "WHO ASKS   ", "%s on %s, at step %s", m->peer.user, m->peer.tty, m->peer.step);
	prose_add(out, INK_PLAIN, "BECAUSE    ", "%s", json_shown(asks, "reason", text, sizeof text));
	prose_add(out, INK_STRONG, "WOULD RUN  ", "%s", json_shown(asks, "run", text, sizeof text));
	json_array_foreach(json_object_get(asks, "on"), i, of)
		prose_add(out, INK_PLAIN, "ON         ", "%s", text_escape(json_is_string(of) ? json_string_value(of) : "?", text, sizeof text));
	prose_add(out, INK_PLAIN, "IF YOU     ", "confirm, %s may run exactly this, from that console; this one runs nothing. Your name and "
		  "reason stand in the journal beside theirs.", m->peer.user);
	prose_add(out, INK_PLAIN, "IF NOT     ", "it waits. Look at the rows here first: this console sees the same host.");
}

struct effect second_commit(struct model *m, const char *reason)
{
	autojson json_t *j = json_pack("{s:o,s:o,s:o,s:O}", "user", json_text(m->opt.user ? m->opt.user : "?"), "tty",
				       json_text(m->opt.tty ? m->opt.tty : "?"), "reason", json_text(reason), "asks", m->peer.asks);
	autofree char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
	ring_add(&m->log, m->wall, RING_SAID, "confirmed; %s decides when it runs", m->peer.user);
	return (struct effect){ .kind = EFFECT_CONFIRM, .text = arena_strdup(&m->out, text ? text : "{}") };
}
