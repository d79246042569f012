/* See look.h. */
#include "sandbox/ops/look.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/text.h"
#include "probes/pressure.h"
#include "probes/told.h"
#include "sandbox/box/recover.h"
#include "sandbox/ops/escalate.h"
#include "sandbox/worker/events.h"
#include "sandbox/worker/metrics.h"
#include "sandbox/worker/record.h"

static void count(struct worker_look *w)
{
	for (int k = 0; k < RES_KINDS; k++)
		w->left[k] = snapshot_leftovers(&w->now, (enum resource_kind)k);
	for (size_t i = 0; i < w->now.of[RES_PROCESS].n; i++)
		w->orphans += w->now.of[RES_PROCESS].v[i].owner == OWNER_ORPHAN;
	for (size_t i = 0; i < w->now.of[RES_LOCK].n; i++)
		w->active += w->now.of[RES_LOCK].v[i].owner == OWNER_ACTIVE;
}

/* What was seen, as an event for the health; HEALTH_EVENT_COUNT when it changes nothing. */
static enum health_event seen(const struct worker_look *w)
{
	bool only_seen = w->health.reason == HEALTH_REASON_BASELINE && !w->health.failures;
	if (w->orphans && w->health.status != HEALTH_QUARANTINED)
		return HEALTH_EVENT_ORPHAN;
	bool off = snapshot_all_leftovers(&w->now) || w->violated;
	if (off && w->health.status == HEALTH_HEALTHY)
		return HEALTH_EVENT_LEFTOVERS;
	if (w->looked && !off && w->health.status == HEALTH_UNHEALTHY && only_seen)
		return HEALTH_EVENT_VERIFIED;
	return HEALTH_EVENT_COUNT;
}

static void compare(const struct scope *scope, struct arena *a, struct worker_look *w)
{
	struct snapshot base;
	struct err e = { 0 };
	int r = baseline_read(scope->paths->of[PATH_BASELINE], a, &base, &e);
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		(void)snprintf(w->note, sizeof w->note, "%s", e.text);
	diff_make(r < 0 ? NULL : &base, &w->now, a, &w->diff);
	w->violated = w->diff.trusted && w->diff.missing + w->diff.changed > 0;
}

/* What the journal is searched for when the health changed only because of a look. */
static int tell_seen(const struct scope *scope, const struct worker_look *w, struct err *e)
{
	char detail[120];
	(void)snprintf(detail, sizeof detail, "seen by a look: %zu left over, %zu missing, %zu changed", snapshot_all_leftovers(&w->now),
		       w->violated ? w->diff.missing : 0, w->violated ? w->diff.changed : 0);
	struct event_facts facts = { .kind = event_kind_word(EVENT_KIND_BASELINE), .detail = detail };
	return event_emit(scope->paths, EVENT_CLEANUP_FAILURE, &facts, e);
}

void worker_judge(const struct scope *scope, const struct snapshot *now, struct arena *a, struct worker_look *ret)
{
	struct worker_look w = { .now = *now };
	struct err e = { 0 };
	host_look(scope, a, &w.host);
	w.looked = recover_looked(&w.now, &w.why);
	count(&w);
	compare(scope, a, &w);
	int r = health_read(scope, &w.health, &e);
	if (r < 0)
		(void)snprintf(w.note, sizeof w.note, "%s", e.text);
	w.unread = r < 0 && r != -EBADMSG;
	if (w.unread) /* not readable is not healthy */
		w.health = (struct health){ .status = HEALTH_QUARANTINED, .reason = HEALTH_REASON_CORRUPT };
	enum health_event event = r == 0 ? seen(&w) : HEALTH_EVENT_COUNT;
	if (event != HEALTH_EVENT_COUNT) {
		struct health next = health_next(w.health, event, NULL, clock_wall_s());
		if (record_health(scope->paths, event, NULL, NULL, &next, &e) < 0 ||
		    (event == HEALTH_EVENT_LEFTOVERS && tell_seen(scope, &w, &e) < 0))
			(void)snprintf(w.note, sizeof w.note, "the health was not recorded: %s", e.text);
		w.health = next;
	}
	*ret = w;
}

void worker_look(const struct scope *scope, struct arena *a, struct worker_look *ret)
{
	struct snapshot now;
	recover_look(scope, a, &now);
	worker_judge(scope, &now, a, ret);
}

static json_t *backend_to_json(const struct host *h)
{
	static const char *const controllers[] = {
#define X(id, name) [HOST_##id] = name,
		HOST_CONTROLLERS(X)
#undef X
	};
	static const struct {
		const char *name;
		unsigned flag;
	} spaces[] = { { "pid", CLONE_NEWPID }, { "mount", CLONE_NEWNS }, { "network", CLONE_NEWNET },
		       { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP } };
	json_t *o = json_object(), *have = json_array(), *ns = json_array();
	for (unsigned i = 0; i < HOST_CONTROLLER_COUNT; i++)
		if (h->v1[i] || (h->v2_controllers >> i & 1))
			json_array_append_new(have, json_string(controllers[i]));
	for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
		if (h->namespaces & spaces[i].flag)
			json_array_append_new(ns, json_string(spaces[i].name));
	json_object_set_new(o, "cgroup_backend", json_string(cgroup_layout_word(h->layout)));
	json_object_set_new(o, "controllers", have);
	json_object_set_new(o, "pidfd_mode", json_string(h->pidfd ? "pidfd" : "none"));
	json_object_set_new(o, "namespace_support", ns);
	json_object_set_new(o, "kernel", json_string(h->kernel));
	return o;
}

static json_t *time_or_null(uint64_t wall_s)
{
	char at[24];
	clock_rfc3339(wall_s, at, sizeof at);
	return wall_s ? json_string(at) : json_null();
}

json_t *worker_baseline_to_json(const struct worker_look *w)
{
	const struct diff *d = &w->diff;
	return json_pack("{s:b,s:b,s:o,s:I,s:I,s:I,s:o}", "stored", d->has_baseline, "trusted", d->trusted, "equivalent",
			 d->trusted ? json_boolean(!w->violated && !snapshot_all_leftovers(&w->now)) : json_null(), "added",
			 (json_int_t)(d->has_baseline ? d->added : 0), "missing", (json_int_t)d->missing, "changed", (json_int_t)d->changed,
			 "because", d->trusted ? json_null() : json_text(d->why.text));
}

json_t *worker_to_json(const struct worker_look *w, const struct paths *p)
{
	const struct health *h = &w->health;
	bool bad = h->status != HEALTH_HEALTHY && !w->unread;
	struct scope scope = scope_host(p);
	struct pressure pressure;
	struct escalations escalations;
	json_t *o = json_object();
	pressure_look(&scope, &pressure);
	escalations_judge(&w->health, &w->diff, p, &pressure, &escalations);
	json_object_set_new(o, "schema", json_integer(1));
	json_object_set_new(o, "status", w->unread ? json_null() : json_string(health_status_word(h->status)));
	json_object_set_new(o, "can_accept_submissions", json_boolean(h->status != HEALTH_QUARANTINED));
	json_object_set_new(o, "quarantine_reason", bad ? json_string(health_reason_word(h->reason)) : json_null());
	json_object_set_new(o, "quarantine_timestamp", h->status == HEALTH_QUARANTINED ? time_or_null(h->since) : json_null());
	json_object_set_new(o, "since", time_or_null(h->since));
	json_object_set_new(o, "failed_cleanup_count", json_integer(h->failures));
	json_object_set_new(o, "last_cleanup_error",
			    h->failures || h->reason == HEALTH_REASON_CLEANUP_FAILURE ? json_text(h->note) : json_null());
	json_object_set_new(o, "note", *h->note ? json_text(h->note) : json_null());
	json_object_set_new(o, "leftovers", told_leftovers(&w->now));
	json_object_set_new(o, "unknown", told_unknown(&w->now));
	json_object_set_new(o, "orphans", told_count(&w->now.of[RES_PROCESS], w->orphans));
	json_object_set_new(o, "complete", json_boolean(w->looked));
	json_object_set_new(o, "incomplete_because", w->looked ? json_null() : json_text(w->why.text));
	json_object_set_new(o, "active_executions", told_count(&w->now.of[RES_LOCK], w->active));
	json_object_set_new(o, "baseline", worker_baseline_to_json(w));
	json_object_set_new(o, "escalation", escalations_to_json(&escalations));
	json_object_set_new(o, "pressure", pressure_to_json(&pressure));
	json_object_set_new(o, "backend_selection", backend_to_json(&w->host));
	json_object_set_new(o, "uptime", json_integer((json_int_t)(clock_boot_ns() / NS_PER_S)));
	json_object_set_new(o, "trouble", *w->note ? json_text(w->note) : json_null());
	return o;
}

void worker_to_text(const struct worker_look *w, const struct paths *p, FILE *out)
{
	char note[600], count[32];
	const struct health *h = &w->health;
	struct scope scope = scope_host(p);
	struct pressure pressure;
	struct escalations escalations;
	(void)fprintf(out, "worker: %s", w->unread ? "cannot tell, so it counts as quarantined" : health_status_word(h->status));
	if (h->status != HEALTH_HEALTHY && !w->unread)
		(void)fprintf(out, " (%s%s%s)", health_reason_word(h->reason), *h->note ? ": " : "",
			      text_escape(h->note, note, sizeof note));
	(void)fprintf(out, ", %s\nfailed cleanups in a row: %u of %d\nleft over:",
		      h->status == HEALTH_QUARANTINED ? "refuses work" : "takes work", h->failures, MAX_CLEANUP_FAILURES);
	for (int k = 0; k < RES_KINDS; k++)
		(void)fprintf(out, " %s %s%s", told_text(&w->now.of[k], w->left[k], count, sizeof count),
			      resource_kind_key((enum resource_kind)k), k + 1 < RES_KINDS ? "," : "");
	(void)fprintf(out, "\nboxes alive: %s\n", told_text(&w->now.of[RES_LOCK], w->active, count, sizeof count));
	for (int k = 0; k < RES_KINDS; k++)
		if (!w->now.of[k].complete)
			(void)fprintf(out, "cannot tell all %s: %s\n", resource_kind_key((enum resource_kind)k),
				      text_escape(w->now.of[k].why.text, note, sizeof note));
	if (*w->note)
		(void)fprintf(out, "trouble: %s\n", text_escape(w->note, note, sizeof note));
	if (w->violated)
		(void)fprintf(out, "baseline: %zu missing, %zu changed; see: rustbox-probe baseline diff\n", w->diff.missing,
			      w->diff.changed);
	pressure_look(&scope, &pressure);
	escalations_judge(&w->health, &w->diff, p, &pressure, &escalations);
	escalations_to_text(&escalations, out);
	if (snapshot_all_leftovers(&w->now))
		(void)fprintf(out, "next: rustbox health --recover --cleanup\n");
}

int worker_metrics(const struct worker_look *w, const struct paths *p, FILE *out, struct err *e)
{
	autometrics struct metrics m = { 0 };
	double rate, health[HEALTH_STATUSES_COUNT] = { 0 }, layout[4] = { 0 }, pidfd[2] = { 0 }, left[RES_KINDS];
	double active = !w->now.of[RES_LOCK].complete && !w->active ? NAN : (double)w->active, queued = 0; /* a run has a uid of the pool at once, or is refused */
	int r = metrics_open(p, false, &m, e);
	if (r < 0 && r != -ENOENT)
		return r;
	double bad = (double)metrics_get(&m, METRIC_CLEANUP, METRIC_CLEANUP_FAILURE);
	double all = bad + (double)metrics_get(&m, METRIC_CLEANUP, METRIC_CLEANUP_SUCCESS) +
		     (double)metrics_get(&m, METRIC_CLEANUP, METRIC_CLEANUP_PARTIAL);
	rate = all > 0 ? bad / all : 0;
	health[w->health.status] = 1;
	for (int i = 0; w->unread && i < HEALTH_STATUSES_COUNT; i++)
		health[i] = NAN;
	layout[w->host.layout] = 1;
	pidfd[!w->host.pidfd] = 1;
	for (int k = 0; k < RES_KINDS; k++)
		left[k] = !w->now.of[k].complete && !w->left[k] ? NAN : (double)w->left[k];
	struct gauges g = { .of = { [METRIC_FAILURE_RATE] = &rate, [METRIC_HEALTH] = health, [METRIC_ACTIVE] = &active, [METRIC_QUEUED] = &queued,
				    [METRIC_BACKEND_CGROUP] = layout, [METRIC_BACKEND_PIDFD] = pidfd,
				    [METRIC_LEFTOVER] = left } };
	r = metrics_print(&m, &g, out);
	return r < 0 ? err_set(e, -r, "write the metrics") : 0;
}
