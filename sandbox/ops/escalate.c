/*
 * See escalate.h. What has been is read from the end of the event files, which every program of rustbox appends to; a line
 * that does not parse says nothing. What cannot be known (a log that may not be read) is null, never false.
 */
#include "sandbox/ops/escalate.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "sandbox/policy/events.h"

enum { TAIL_BYTES = 256 << 10, RECUR_WINDOW_S = 3600, STAMP_ROOM = 24 };

static const struct {
	const char *word, *help;
} rows[] = {
#define X(id, word, help) [ESCALATE_##id] = { word, help },
	ESCALATIONS(X)
#undef X
};
_Static_assert(sizeof rows / sizeof *rows == ESCALATE_COUNT, "one row per reason");

struct history {
	char since[STAMP_ROOM];	 /* the beginning of the last hour; times compare as text */
	char minute[STAMP_ROOM]; /* of the last failure that was counted: what fails together counts once */
	unsigned failures;
	bool tried, failed;	 /* the last clean-up by hand or by recovery */
	bool refused;		 /* the last word on releasing the worker was no */
	char what[100];
};

static bool is(const json_t *j, const char *key, const char *value)
{
	const char *s = json_string_value(json_object_get(j, key));
	return s && strcmp(s, value) == 0;
}

static bool begins(const json_t *j, const char *key, const char *value)
{
	const char *s = json_string_value(json_object_get(j, key));
	return s && strncmp(s, value, strlen(value)) == 0;
}

static void take_failure(struct history *h, const char *at)
{
	if (strcmp(at, h->since) < 0 || strncmp(at, h->minute, 16) == 0)
		return;
	(void)snprintf(h->minute, sizeof h->minute, "%s", at);
	h->failures++;
}

static void take_event(struct history *h, const json_t *j)
{
	const char *at = json_string_value(json_object_get(j, "at"));
	bool hand = is(j, "event", event_rows[EVENT_OPERATOR_ACTION].name);
	bool recovery = is(j, "event", event_rows[EVENT_RECOVERY_FINISHED].name);
	if (is(j, "event", event_rows[EVENT_CLEANUP_FAILURE].name) && at)
		take_failure(h, at);
	if (recovery || (hand && begins(j, "kind", "reclaim"))) {
		h->tried = true;
		h->failed = !is(j, "outcome", "clean") && !is(j, "outcome", "all gone");
		(void)snprintf(h->what, sizeof h->what, "%s at %s", recovery ? "the recovery" : "`rustbox reclaim`", at ? at : "?");
	}
	if (hand && begins(j, "kind", "unquarantine"))
		h->refused = is(j, "outcome", "refused");
	if (is(j, "event", event_rows[EVENT_UNQUARANTINED].name))
		h->refused = false;
}

static void read_tail(struct history *h, const char *path)
{
	struct stat st;
	char *save = NULL;
	autofree char *text = calloc(1, TAIL_BYTES + 1);
	autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (!text)
		abort();
	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (pread(fd, text, TAIL_BYTES, st.st_size > TAIL_BYTES ? st.st_size - TAIL_BYTES : 0) <= 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		autojson json_t *j = json_loads(l, 0, NULL);
		if (json_is_object(j))
			take_event(h, j);
	}
}

static void set(struct escalations *e, enum escalation which, int met, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void set(struct escalations *e, enum escalation which, int met, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(e->of[which].because, sizeof e->of[which].because, fmt, ap);
	va_end(ap);
	e->of[which].met = met;
	e->met += met > 0;
}

static void judge_kernel(struct escalations *e, const struct pressure *p)
{
	static const struct {
		enum escalation which;
		enum pressure_log_id log;
	} of[] = { { ESCALATE_KERNEL, PRESSURE_LOG_BUG }, { ESCALATE_FILESYSTEM, PRESSURE_LOG_FS } };
	for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
		unsigned n = p->log[of[i].log];
		if (!p->log_known)
			set(e, of[i].which, -1, "%.180s", p->log_why.text);
		else
			set(e, of[i].which, n > 0, n ? "%u lines in the last hour; the last of note: %.120s" : "no line in the last hour",
			    n, p->log_last);
	}
}

void escalations_judge(const struct health *health, const struct diff *diff, const struct paths *p,
		       const struct pressure *pressure, struct escalations *ret)
{
	struct escalations e = { 0 };
	struct history h = { 0 };
	char older[PATH_ROOM + 8];
	bool quarantined = health->status == HEALTH_QUARANTINED, off = diff->missing + diff->changed > 0;
	clock_rfc3339(clock_wall_s() - RECUR_WINDOW_S, h.since, sizeof h.since);
	(void)snprintf(older, sizeof older, "%s.1", p->of[PATH_EVENTS]);
	read_tail(&h, older);
	read_tail(&h, p->of[PATH_EVENTS]);
	set(&e, ESCALATE_RECURS, h.failures > 1, "%u in the last hour", h.failures);
	set(&e, ESCALATE_PROCEDURE, h.failed, "%s %s", h.tried ? h.what : "none was tried",
	    !h.tried ? "" : h.failed ? "left something" : "left nothing");
	judge_kernel(&e, pressure);
	set(&e, ESCALATE_QUARANTINE, quarantined && h.refused, "%s",
	    !quarantined ? "the worker is not quarantined" : h.refused ? "the last try was refused" : "not tried yet");
	if (!diff->trusted)
		set(&e, ESCALATE_BASELINE, diff->has_baseline ? -1 : 0, "%.180s", diff->why.text);
	else
		set(&e, ESCALATE_BASELINE, h.tried && off, "%zu missing, %zu changed%s", diff->missing, diff->changed,
		    h.tried ? " after the last clean-up" : "");
	*ret = e;
}

json_t *escalations_to_json(const struct escalations *e)
{
	json_t *o = json_object(), *list = json_array();
	for (int i = 0; i < ESCALATE_COUNT; i++) {
		json_t *row = json_pack("{s:s,s:s}", "criterion", rows[i].word, "text", rows[i].help);
		json_object_set_new(row, "met", e->of[i].met < 0 ? json_null() : json_boolean(e->of[i].met));
		json_object_set_new(row, "because", json_text(e->of[i].because));
		json_array_append_new(list, row);
	}
	json_object_set_new(o, "needed", json_boolean(e->met > 0));
	json_object_set_new(o, "met", json_integer(e->met));
	json_object_set_new(o, "of", json_integer(ESCALATE_COUNT));
	json_object_set_new(o, "criteria", list);
	return o;
}

void escalations_to_text(const struct escalations *e, FILE *out)
{
	char because[400];
	for (int i = 0; i < ESCALATE_COUNT; i++)
		if (e->of[i].met > 0)
			(void)fprintf(out, "escalate: %s (%s)\n", rows[i].help,
				      text_escape(e->of[i].because, because, sizeof because));
}
