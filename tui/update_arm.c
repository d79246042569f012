/*
 * Arming: off at first, asked for with a reason, never for long, and never for two consoles of one host at once.
 * Wanting is the model's; having is the lock's: only MSG_ARMED makes it true.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "tui/layout.h"
#include "tui/both.h"
#include "tui/update.h"

enum { ARMED_MS = 15 * 60 * 1000, IDLE_MS = 5 * 60 * 1000 };

void disarm(struct model *m, const char *why)
{
	m->arm.asking = m->arm.take = false;
	if (!m->arm.on)
		return;
	m->arm.on = false;
	json_decref(m->arm.second);
	m->arm.second = NULL;
	ring_add(&m->log, m->wall, RING_WARN, "disarmed: %s", why);
	record_add(m, "disarmed", json_pack("{s:s}", "reason", why));
}

void arm_expires(struct model *m)
{
	if (m->arm.on && m->now_ms >= m->arm.until_ms)
		disarm(m, "15 minutes are over");
	else if (m->arm.on && m->now_ms - m->arm.idle_ms >= IDLE_MS)
		disarm(m, "5 minutes without a key");
}

static struct effect refuse(struct model *m, const char *why)
{
	ring_add(&m->log, m->wall, RING_WARN, "%s", why);
	return (struct effect){ 0 };
}

struct effect key_arm(struct model *m)
{
	if (m->arm.on) {
		disarm(m, "by hand: OBSERVE");
		return (struct effect){ 0 };
	}
	if (!layout_can_commit(m->rows, m->cols))
		return refuse(m, "too small to act here (60x18)");
	if (m->peer.on) { /* one armed console a host; taking over is a decision with a reason of its own */
		dialog_open(m, DIALOG_PREVIEW);
		m->dialog.plan = (struct plan){ .risk = RISK_R3, .step = -1, .verb = "take over", .of = PLAN_TAKEOVER };
		return (struct effect){ 0 };
	}
	dialog_open(m, DIALOG_ARM);
	return (struct effect){ 0 };
}

void arm_ask(struct model *m, const char *reason, bool take)
{
	(void)snprintf(m->arm.reason, sizeof m->arm.reason, "%s", reason);
	m->arm.asking = true;
	m->arm.take = take;
	m->arm.since = m->wall;
	incident_begin(m);
}

static void take_peer(struct model *m, const struct msg *msg)
{
	autojson json_t *j = msg->text ? json_loads(msg->text, 0, NULL) : NULL;
	autojson json_t *asked = m->peer.asks;
	bool was = m->peer.on;
	char user[sizeof m->peer.user];
	(void)snprintf(user, sizeof user, "%s", m->peer.user);
	m->peer = (struct peer){ .on = msg->armed.ok };
	if (!m->peer.on) {
		if (was)
			ring_add(&m->log, m->wall, RING_SAID, "%s is no longer armed", user);
		return;
	}
	(void)json_shown(j, "user", m->peer.user, sizeof m->peer.user);
	(void)json_shown(j, "tty", m->peer.tty, sizeof m->peer.tty);
	(void)json_shown(j, "step", m->peer.step, sizeof m->peer.step);
	(void)json_shown(j, "running", m->peer.running, sizeof m->peer.running);
	m->peer.since = (uint64_t)json_integer_value(json_object_get(j, "since"));
	json_t *asks = json_object_get(j, "asks");
	m->peer.asks = json_is_object(asks) ? json_incref(asks) : NULL;
	if (!was) {
		char at[24];
		clock_rfc3339(m->peer.since, at, sizeof at);
		ring_add(&m->log, m->wall, RING_WARN, "%s armed since %.5s on %s: you watch", m->peer.user,
			 strlen(at) > 11 ? at + 11 : "?", m->peer.tty);
	}
	second_heard(m, asked);
}

static void take_armed(struct model *m, const struct msg *msg)
{
	bool asked = m->arm.asking;
	m->arm.asking = false;
	if (!msg->armed.ok) {
		if (m->arm.on)
			disarm(m, "the lock was lost");
		else if (asked)
			ring_add(&m->log, m->wall, RING_BAD, "not armed: %s%s", msg->text ? msg->text : "?",
				 m->opt.is_root ? "" : "; acting needs root: start the console with sudo");
		return;
	}
	if (!asked)
		return;
	m->arm.on = true;
	m->arm.pair = msg->armed.pair;
	m->arm.until_ms = m->now_ms + ARMED_MS;
	m->arm.idle_ms = m->now_ms;
	json_decref(m->peer.asks);
	m->peer = (struct peer){ 0 };
	ring_add(&m->log, m->wall, RING_WARN, "%s ARMED for 15 min: %s", m->opt.user ? m->opt.user : "?", m->arm.reason);
	record_add(m, "armed", json_pack("{s:o,s:b}", "reason", json_text(m->arm.reason), "taken_over", m->arm.take));
	m->arm.take = false;
}

struct effect arm_take(struct model *m, const struct msg *msg)
{
	char who[60], why[120];
	if (msg->kind == MSG_PEER)
		take_peer(m, msg);
	if (msg->kind == MSG_ARMED)
		take_armed(m, msg);
	if (msg->kind == MSG_SECOND)
		second_take(m, msg->text);
	if (msg->kind != MSG_TAKEN)
		return (struct effect){ 0 };
	autojson json_t *j = msg->text ? json_loads(msg->text, 0, NULL) : NULL;
	(void)snprintf(why, sizeof why, "%s took over", json_shown(j, "user", who, sizeof who));
	disarm(m, why);
	return (struct effect){ .kind = EFFECT_BELL };
}

const char *arm_text(struct model *m)
{
	char step[24] = "-", running[80] = "";
	const struct job *job = &m->job[JOB_ACT];
	if (!m->arm.on && !m->arm.asking)
		return NULL;
	if (m->walk.proc)
		(void)snprintf(step, sizeof step, "P%u.%zu", m->walk.proc->number, m->walk.at + 1);
	if (job->id)
		(void)snprintf(running, sizeof running, "%s %s", job->argv[0], job->argv[1] ? job->argv[1] : "");
	json_t *asks = second_asks(m);
	autojson json_t *j = json_pack("{s:o,s:o,s:I,s:s,s:s,s:s,s:o,s:o}", "user", json_text(m->opt.user ? m->opt.user : "?"), "tty",
				       json_text(m->opt.tty ? m->opt.tty : "?"), "since", (json_int_t)m->arm.since, "incident",
				       m->incident.id, "step", step, "running", running, "reason", json_text(m->arm.reason), "asks", asks ? asks : json_null());
	autofree char *text = json_dumps(j, JSON_COMPACT | JSON_PRESERVE_ORDER);
	return arena_strdup(&m->out, text ? text : "{}");
}
