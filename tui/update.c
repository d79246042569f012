/* The one entrance: every message passes here, and nothing else changes the model. */
#include "tui/then.h"
#include "tui/both.h"
#include "tui/update.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tui/layout.h"

static void take_size(struct model *m, int rows, int cols)
{
	m->rows = rows > 0 ? rows : 1;
	m->cols = cols > 0 ? cols : 1;
	m->dialog.read = 0; /* lines broke elsewhere: what was read must be on the screen again */
	m->dialog.top = 0;
	if (!layout_can_commit(m->rows, m->cols))
		disarm(m, "the screen is too small to read a plan (60x18)");
}

static struct effect take_key(struct model *m, uint32_t key)
{
	m->arm.idle_ms = m->now_ms;
	if (m->dialog.kind == DIALOG_NONE)
		return main_key(m, key);
	struct effect effect = dialog_key(m, key);
	if (m->dialog.kind == DIALOG_NONE && effect.kind == EFFECT_NONE && !m->past.on)
		step_checks(m); /* steps do not tick under a dialog: they catch up when it closes */
	return effect;
}

static void take_recorded(struct model *m, const char *lost)
{
	if (lost && !m->record_lost)
		ring_add(&m->log, m->wall, RING_BAD, "JOURNAL IN MEMORY: %s", lost);
	if (!lost && m->record_lost)
		ring_add(&m->log, m->wall, RING_SAID, "the journal is on disk again, whole");
	m->record_lost = lost != NULL;
}

static struct effect take_leaving(struct model *m, int sig)
{
	disarm(m, sig ? "the console is ending" : "suspended");
	if (sig && m->incident.open)
		record_add(m, "left", json_pack("{s:i}", "signal", sig));
	return (struct effect){ 0 };
}

static void take_history(struct model *m, const json_t *told)
{
	size_t i;
	json_t *at, *times = json_object_get(told, "failures");
	m->incident.recoveries = (unsigned)json_integer_value(json_object_get(told, "recoveries"));
	if (times)
		m->soak.ncame = 0;
	json_array_foreach(times, i, at)
		m->soak.came[m->soak.ncame++ % RECURRENCES] = (uint64_t)json_integer_value(at);
}

/* Every message tells the time, and what that makes due comes before it. */
static void take_time(struct model *m, const struct msg *msg)
{
	if (msg->now_ms > m->now_ms)
		m->now_ms = msg->now_ms;
	if (msg->wall)
		m->wall = msg->wall;
	arm_expires(m);
}

static struct effect take(struct model *m, const struct msg *msg)
{
	take_time(m, msg);
	switch (msg->kind) {
	case MSG_NONE:
		break;
	case MSG_TICK:
		world_tick(m);
		break;
	case MSG_SIZE:
		take_size(m, msg->size.rows, msg->size.cols);
		break;
	case MSG_KEY:
		if (msg->key.code == K_CLICK && m->dialog.kind == DIALOG_NONE)
			list_click(m, msg->key.row);
		return take_key(m, msg->key.code);
	case MSG_PASTE:
		ring_add(&m->log, m->wall, RING_WARN, "paste ignored (%zu bytes)", msg->bytes);
		m->dialog.refusal = "paste is not accepted: type it";
		break;
	case MSG_LINE:
		return job_line(m, msg);
	case MSG_EXIT:
		return job_exit(m, msg);
	case MSG_RECORDED:
		take_recorded(m, msg->text);
		if (msg->note) /* another console has the name: ours got a number */
			(void)snprintf(m->incident.id, sizeof m->incident.id, "%s", msg->note);
		break;
	case MSG_ARMED:
	case MSG_PEER:
	case MSG_TAKEN:
	case MSG_SECOND:
		return arm_take(m, msg);
	case MSG_OFFERED:
		handover_heard(m, msg->text);
		break;
	case MSG_WAITING:
		resume_found(m, msg->resume);
		break;
	case MSG_LEAVING:
		return take_leaving(m, msg->signal);
	case MSG_HISTORY:
		take_history(m, msg->json);
		break;
	case MSG_METRICS:
		sight_metrics(m, msg);
		break;
	case MSG_LAG:
		m->sight.lag_s = (unsigned)msg->bytes;
		break;
	case MSG_NOTICE:
		ring_add(&m->log, m->wall, RING_SAID, "%s", msg->text ? msg->text : "");
		break;
	case MSG_HELLO:
	case MSG_SOURCE:
	case MSG_RESOURCE:
	case MSG_GONE:
	case MSG_HEALTH:
	case MSG_PRESSURE:
	case MSG_RESYNC:
	case MSG_SYNC:
	case MSG_BEAT:
	case MSG_FEED_LOST:
	case MSG_FEED_BAD:
	case MSG_BASELINE:
		return feed_take(m, msg);
	}
	return (struct effect){ 0 };
}

/* What is to be written goes first, and what others may know goes along, with whatever is asked for. */
struct effect update(struct model *m, const struct msg *msg)
{
	arena_done(&m->out);
	m->records = NULL;
	m->nrecords = 0;
	bool theirs = msg->kind == MSG_KEY || msg->kind == MSG_SIZE || msg->kind == MSG_PASTE;
	struct effect effect = m->past.on && !theirs ? time_news(m, msg, take) : take(m, msg);
	drill_teach(m);
	effect.record = records_joined(m);
	effect.hold = arm_text(m);
	effect.take = m->arm.take;
	if (effect.kind == EFFECT_NONE && m->bell)
		effect.kind = EFFECT_BELL;
	m->bell = false;
	if (effect.kind == EFFECT_NONE && effect.record)
		effect.kind = EFFECT_RECORD;
	return effect;
}
