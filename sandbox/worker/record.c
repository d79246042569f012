/* See record.h. A clean run costs some additions in shared memory and one read of the health file. */
#include "sandbox/worker/record.h"

#include "sandbox/policy/events.h"
#include "sandbox/policy/stages.h"
#include "sandbox/worker/events.h"
#include "sandbox/worker/metrics.h"
#include "sandbox/worker/status.h"

/* A verdict's resource, by the label's words. */
static const char *const violated[STATUS_COUNT] = {
	[STATUS_MLE] = "memory", [STATUS_PLE] = "processes", [STATUS_FSE] = "fsize", [STATUS_SV] = "syscall",
};

static const char *violation_of(const struct verdict *v)
{
	if (v->status != STATUS_TLE)
		return violated[v->status];
	return v->cause == CAUSE_WALL_TIME || v->cause == CAUSE_WALL_LATE ? "wall" : "cpu";
}

static void count_word(struct metrics *m, enum metric which, const char *word)
{
	int i = word ? metric_value(which, word) : -1;
	if (i >= 0)
		metrics_add(m, which, (unsigned)i, 1);
}

static void count_cleanup(struct metrics *m, const struct cleanup *c)
{
	static const enum metric_cleanup outcome[CLEANUP_COUNT] = {
		[CLEANUP_CLEAN] = METRIC_CLEANUP_SUCCESS,
		[CLEANUP_RETRIED] = METRIC_CLEANUP_PARTIAL,
		[CLEANUP_LEAKED] = METRIC_CLEANUP_FAILURE,
	};
	metrics_add(m, METRIC_CLEANUP, outcome[c->outcome], 1);
	metrics_observe(m, METRIC_CLEANUP_TIME, c->ns);
}

static void count_run(struct metrics *m, const struct record *r)
{
	metrics_add(m, METRIC_EXECUTIONS, 0, 1);
	metrics_add(m, METRIC_BY_STATUS, r->verdict->status, 1);
	metrics_add(m, METRIC_ACTOR, r->verdict->actor, 1);
	metrics_add(m, METRIC_CAUSE, r->verdict->cause, 1);
	count_word(m, METRIC_VIOLATIONS, violation_of(r->verdict));
	count_word(m, METRIC_ABUSE, r->abuse);
	for (unsigned s = 0; s < STAGE_COUNT; s++)
		metrics_add(m, METRIC_DEGRADED, s, r->missing >> s & 1);
	if (r->started) {
		metrics_observe(m, METRIC_COLD_START, r->start_ns);
		metrics_observe(m, METRIC_DURATION, r->wall_ns);
		metrics_add(m, METRIC_CONTAINMENT, 0, !r->contained);
	}
	if (r->cleanup)
		count_cleanup(m, r->cleanup);
}

static int emit_change(const struct paths *p, const struct status_change *c, const char *box, struct err *e)
{
	struct event_facts facts = { .box = box, .reason = health_reason_word(c->after.reason), .detail = c->after.note };
	bool was = c->before.status == HEALTH_QUARANTINED && !c->was_corrupt;
	bool is = c->after.status == HEALTH_QUARANTINED;
	int r = c->was_corrupt ? event_emit(p, EVENT_STATE_CORRUPT, &facts, e) : 0;
	if (r == 0 && is && !was)
		r = event_emit(p, EVENT_QUARANTINED, &facts, e);
	if (r == 0 && was && !is)
		r = event_emit(p, EVENT_UNQUARANTINED, &facts, e);
	return r;
}

static int note_health(const struct paths *p, struct metrics *m, enum health_event event, const char *box,
		       const char *note, struct health *ret, struct err *e)
{
	struct status_change c;
	int r = status_event(p, event, note, &c, e);
	if (r < 0)
		return r;
	if (c.after.status == HEALTH_QUARANTINED && (c.before.status != HEALTH_QUARANTINED || c.was_corrupt))
		metrics_add(m, METRIC_QUARANTINED, 0, 1);
	if (ret)
		*ret = c.after;
	return emit_change(p, &c, box, e);
}

static int emit_cleanup(const struct paths *p, const struct record *r, struct err *e)
{
	const struct cleanup *c = r->cleanup;
	const char *text = c->nerrors ? c->errors[0].text : NULL;
	bool late = c->nerrors && c->errors[0].code == ETIMEDOUT;
	struct event_facts facts = { .box = r->box, .detail = text, .outcome = cleanup_word(c->outcome),
				     .kind = event_kind_word(late ? EVENT_KIND_TIMEOUT : EVENT_KIND_LEAK) };
	if (c->outcome == CLEANUP_CLEAN)
		return 0;
	return event_emit(p, c->outcome == CLEANUP_LEAKED ? EVENT_CLEANUP_FAILURE : EVENT_CLEANUP_RETRIED, &facts, e);
}

int record_run(const struct paths *p, const struct record *r, struct health *ret, struct err *e)
{
	autometrics struct metrics m = { 0 };
	struct event_facts escape = { .box = r->box, .kind = event_kind_word(EVENT_KIND_ORPHAN) };
	int rc = status_directory(p, e);
	rc = rc < 0 ? rc : metrics_open(p, true, &m, e);
	if (rc == 0)
		count_run(&m, r);
	if (rc == 0 && r->cleanup)
		rc = emit_cleanup(p, r, e);
	if (rc == 0 && r->started && !r->contained)
		rc = event_emit(p, EVENT_CONTAINMENT_VIOLATION, &escape, e);
	if (rc < 0 || !r->cleanup)
		return rc;
	bool leaked = r->cleanup->outcome == CLEANUP_LEAKED;
	return note_health(p, &m, leaked ? HEALTH_EVENT_CLEANUP_FAILED : HEALTH_EVENT_CLEANUP_OK, r->box,
			   leaked && r->cleanup->nerrors ? r->cleanup->errors[0].text : NULL, ret, e);
}

int record_health(const struct paths *p, enum health_event event, const char *box, const char *note,
		  struct health *ret, struct err *e)
{
	autometrics struct metrics m = { 0 };
	int r = status_directory(p, e);
	r = r < 0 ? r : metrics_open(p, true, &m, e);
	r = r < 0 ? r : note_health(p, &m, event, box, note, ret, e);
	if (r < 0 || event != HEALTH_EVENT_ORPHAN)
		return r;
	/* Security asks for this event and this counter, not for the worker's health. */
	struct event_facts orphan = { .box = box, .kind = event_kind_word(EVENT_KIND_ORPHAN), .detail = note };
	metrics_add(&m, METRIC_CONTAINMENT, 0, 1);
	return event_emit(p, EVENT_CONTAINMENT_VIOLATION, &orphan, e);
}
