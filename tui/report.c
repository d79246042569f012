/* The journal's lines, gathered into one object; see report.h. */
#include "tui/report.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/journal.h"

struct gather {
	json_t *r;	    /* the report */
	json_t *resources;  /* by "kind:id", in order of appearance */
	const char *first_run, *first_armed, *clean, *healthy, *last, *opened; /* times, borrowed from `kept` */
	json_t *kept;	    /* every line, so that borrowed text lives */
	bool was_left;
};

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	return s ? s : "";
}

static const char *word(const json_t *j)
{
	return json_is_string(j) ? json_string_value(j) : "?";
}

static void put(json_t *list, json_t *item)
{
	(void)json_array_append_new(list, item);
}

static json_t *list_of(struct gather *g, const char *key)
{
	json_t *list = json_object_get(g->r, key);
	if (!list)
		(void)json_object_set_new(g->r, key, list = json_array());
	return list;
}

static void timeline(struct gather *g, const json_t *line, json_t *what)
{
	put(list_of(g, "timeline"), json_pack("{s:s,s:s,s:o}", "at", str(line, "at"), "who", str(line, "who"), "what", what));
}

static size_t left_in(json_t *left)
{
	const char *key;
	json_t *n;
	size_t sum = 0;
	json_object_foreach(left, key, n)
		sum += (size_t)json_integer_value(n);
	return sum;
}

/* ---- resources ---------------------------------------------------------------------------------- */

static json_t *resource(struct gather *g, const json_t *of)
{
	char key[200];
	(void)snprintf(key, sizeof key, "%.20s:%.160s", str(of, "kind"), str(of, "id"));
	json_t *r = json_object_get(g->resources, key);
	if (!r) {
		r = json_pack("{s:s,s:s,s:s,s:n,s:n,s:n,s:n,s:n}", "kind", str(of, "kind"), "id", str(of, "id"), "name", str(of, "name"),
			      "owner", "box", "born", "blocker", "ended");
		(void)json_object_set_new(g->resources, key, r);
	}
	static const char *const facts[] = { "owner", "box", "born" };
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
		if (json_object_get(of, facts[i]))
			(void)json_object_set(r, facts[i], json_object_get(of, facts[i]));
	return r;
}

static void ended(struct gather *g, const json_t *of, json_t *how)
{
	json_t *r = resource(g, of);
	if (json_is_null(json_object_get(r, "ended")))
		(void)json_object_set(r, "ended", how);
	json_decref(how);
}

/* ---- events ------------------------------------------------------------------------------------- */

static void on_opened(struct gather *g, const json_t *l)
{
	size_t i;
	json_t *of;
	json_array_foreach(json_object_get(l, "leftovers"), i, of)
		(void)resource(g, of);
	if (g->opened)
		return;
	g->opened = str(l, "at");
	(void)json_object_set(g->r, "host", json_object_get(l, "host"));
	const json_t *health = json_object_get(l, "health");
	json_int_t since = json_integer_value(json_object_get(l, "since"));
	const char *status = str(health, "status");
	bool ill = *status && strcmp(status, "healthy") != 0;
	(void)json_object_set_new(g->r, "detection", json_pack("{s:o,s:o}", "since", since ? json_integer(since) : json_null(), "source",
							       ill ? json_sprintf("worker health: %s, %s", status, str(health, "reason")) :
							       left_in(json_object_get(l, "left")) ? json_string("the console saw leftovers") :
							       json_null()));
	(void)json_object_set(g->r, "before", json_object_get(l, "left"));
	g->was_left = left_in(json_object_get(l, "left")) > 0;
	timeline(g, l, json_sprintf("incident opened, health %s, %zu leftovers", *status ? status : "not known",
				    left_in(json_object_get(l, "left"))));
}

static void on_left(struct gather *g, const json_t *l)
{
	if (!json_object_get(l, "left"))
		return;
	size_t n = left_in(json_object_get(l, "left"));
	(void)json_object_set(g->r, "after", json_object_get(l, "left"));
	if (n) {
		g->was_left = true;
		g->clean = NULL;
	} else if (g->was_left && !g->clean) {
		g->clean = str(l, "at");
		timeline(g, l, json_string("nothing is left over"));
	}
}

static void on_world(struct gather *g, const json_t *l)
{
	size_t i;
	json_t *of;
	json_array_foreach(json_object_get(l, "appeared"), i, of)
		(void)resource(g, of);
	json_array_foreach(json_object_get(l, "vanished"), i, of)
		ended(g, of, json_sprintf("seen gone at %s", str(l, "at")));
}

static void on_run(struct gather *g, const json_t *l)
{
	size_t i;
	json_t *of;
	if (!g->first_run)
		g->first_run = str(l, "at");
	json_array_foreach(json_object_get(l, "targets"), i, of)
		(void)resource(g, of);
	const char *step = str(l, "step");
	timeline(g, l, json_sprintf("%s%s%s %s: %lld targets", step, *step ? " " : "", str(l, "class"),
				    word(json_array_get(json_object_get(l, "run"), 1)),
				    (long long)json_integer_value(json_object_get(l, "count"))));
	put(list_of(g, "confirmations"), json_pack("{s:s,s:s,s:s,s:s,s:s,s:s}", "at", str(l, "at"), "who", str(l, "who"), "step", step,
						   "class", str(l, "class"), "typed", str(l, "typed"), "reason", str(l, "reason")));
}

static void on_outcome(struct gather *g, const json_t *l)
{
	size_t i;
	json_t *of;
	json_array_foreach(json_object_get(l, "items"), i, of) {
		const char *word = str(of, "outcome");
		if (strcmp(word, "released") == 0 || strcmp(word, "gone") == 0)
			ended(g, of, json_sprintf("%s by %s at %s", word, *str(l, "step") ? str(l, "step") : "hand", str(l, "at")));
		else if (strcmp(word, "captured") != 0)
			(void)json_object_set_new(resource(g, of), "blocker", json_sprintf("%s %s: %s", word, str(of, "errno"), str(of, "because")));
		else
			put(list_of(g, "evidence"), json_incref(json_object_get(of, "because")));
	}
	timeline(g, l, json_sprintf("exit %lld: %lld done, %lld not, %lld ms", (long long)json_integer_value(json_object_get(l, "status")),
				    (long long)json_integer_value(json_object_get(l, "done")),
				    (long long)json_integer_value(json_object_get(l, "not")), (long long)json_integer_value(json_object_get(l, "ms"))));
}

static void on_step(struct gather *g, const json_t *l)
{
	json_t *step = json_sprintf("P%lld.%lld", (long long)json_integer_value(json_object_get(l, "procedure")),
				    (long long)json_integer_value(json_object_get(l, "step")));
	timeline(g, l, json_sprintf("%s %s [%s] %s", json_string_value(step), str(l, "brief"), str(l, "mark"), str(l, "note")));
	json_t *entry = json_pack("{s:s,s:s,s:o,s:s,s:s,s:s}", "at", str(l, "at"), "book", str(l, "book"), "step", step, "brief",
				  str(l, "brief"), "mark", str(l, "mark"), "note", str(l, "note"));
	if (strcmp(str(l, "mark"), "sk") == 0)
		(void)json_array_append(list_of(g, "skips"), entry);
	put(list_of(g, "steps"), entry);
}

static void on_health(struct gather *g, const json_t *l)
{
	const char *now = str(json_object_get(l, "now"), "status");
	timeline(g, l, json_sprintf("health: %s -> %s", str(l, "was"), now));
	g->healthy = strcmp(now, "healthy") == 0 ? str(l, "at") : NULL;
}

static void on_said(struct gather *g, const json_t *l)
{
	const char *event = str(l, "event");
	const char *text = *str(l, "text") ? str(l, "text") : *str(l, "reason") ? str(l, "reason") : *str(l, "what") ? str(l, "what") : str(l, "state");
	if (strcmp(event, "armed") == 0 && !g->first_armed)
		g->first_armed = str(l, "at");
	if (strcmp(event, "note") == 0 || strcmp(event, "criterion") == 0)
		put(list_of(g, strcmp(event, "note") == 0 ? "notes" : "escalation"),
		    json_pack("{s:s,s:s,s:s}", "at", str(l, "at"), "who", str(l, "who"), "text", text));
	timeline(g, l, json_sprintf("%s%s%s", event, *text ? ": " : "", text));
}

static void each_line(void *arg, char *line)
{
	static const struct {
		const char *event;
		void (*take)(struct gather *g, const json_t *l);
	} takers[] = {
		{ "opened", on_opened }, { "world", on_world }, { "run", on_run }, { "outcome", on_outcome }, { "step", on_step },
		{ "health", on_health },
	};
	struct gather *g = arg;
	json_t *l = json_loads(line, 0, NULL);
	if (!json_is_object(l)) {
		json_decref(l);
		return;
	}
	put(g->kept, l);
	g->last = str(l, "at");
	void (*take)(struct gather *, const json_t *) = on_said;
	for (size_t i = 0; i < sizeof takers / sizeof *takers; i++)
		if (strcmp(takers[i].event, str(l, "event")) == 0)
			take = takers[i].take;
	take(g, l);
	on_left(g, l);
}

/* ---- the rest ----------------------------------------------------------------------------------- */

static json_t *moment(const char *at)
{
	return at && *at ? json_string(at) : json_null();
}

static bool seconds_of(const char *at, time_t *ret)
{
	struct tm tm = { 0 };
	const char *end = at ? strptime(at, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;
	*ret = end ? timegm(&tm) : 0;
	return end && !*end;
}

static json_t *since(json_int_t from, const char *at)
{
	time_t t;
	return from && at && seconds_of(at, &t) && t >= from ? json_integer(t - from) : json_null();
}

/* From its detection, or from when it was opened if nobody knows that, to the last line. */
static json_t *impact(const struct paths *paths, const struct gather *g, json_t *resources)
{
	json_int_t since = json_integer_value(json_object_get(json_object_get(g->r, "detection"), "since"));
	time_t from = 0, to = 0;
	(void)seconds_of(g->opened, &from);
	(void)seconds_of(g->last, &to);
	return report_impact(paths, resources, since && since < from ? since : from, to);
}

static void times(struct gather *g)
{
	json_int_t from = json_integer_value(json_object_get(json_object_get(g->r, "detection"), "since"));
	(void)json_object_set_new(g->r, "times", json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "opened", moment(g->opened), "acknowledged",
							   moment(g->first_armed), "first_action", moment(g->first_run), "clean", moment(g->clean),
							   "recovered", moment(g->healthy), "to_acknowledge_s", since(from, g->first_armed),
							   "to_first_action_s", since(from, g->first_run), "to_clean_s", since(from, g->clean),
							   "to_recovery_s", since(from, g->healthy)));
}

static void complete(struct gather *g, const struct paths *paths)
{
	static const char *const lists[] = { "timeline", "steps", "skips", "notes", "escalation", "confirmations", "evidence" };
	static const char *const follow[] = {
		"run the failure matrix with this fault: make check-failure-matrix must fail before the fix and pass after it",
		"a metric or an alert that would have told it sooner", "the order of cleanup: would another have prevented it?",
	};
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		(void)list_of(g, lists[i]);
	json_t *resources = json_array(), *ups = json_array();
	const char *key;
	json_t *r;
	json_object_foreach(g->resources, key, r)
		(void)json_array_append(resources, r);
	for (size_t i = 0; i < sizeof follow / sizeof *follow; i++)
		put(ups, json_string(follow[i]));
	(void)json_object_set_new(g->r, "resources", resources);
	(void)json_object_set_new(g->r, "follow_ups", ups);
	(void)json_object_set_new(g->r, "root_cause", json_null());
	json_int_t ghosts = json_integer_value(json_object_get(json_object_get(g->r, "after"), "ghosts"));
	(void)json_object_set_new(g->r, "open_ghosts", json_object_get(g->r, "after") ? json_integer(ghosts) : json_null());
	(void)json_object_set_new(g->r, "impact", impact(paths, g, resources));
	times(g);
}

json_t *report_make(const struct paths *paths, const char *id, struct err *e)
{
	autofree char *text = NULL;
	struct journal_check check, file = { 0 };
	if (journal_read(paths, id, &text, e) != 0)
		return NULL;
	struct gather g = { .r = json_pack("{s:i,s:s}", "schema", 1, "incident", id), .resources = json_object(), .kept = json_array() };
	journal_check(text, strlen(text), each_line, &g, &check);
	(void)!journal_verify(paths, id, &file, e); /* a journal that is only kept in RUN has no file to be cut */
	complete(&g, paths);
	(void)json_object_set_new(g.r, "recordings", report_recordings(paths, id));
	(void)json_object_set_new(g.r, "journal", json_pack("{s:I,s:b,s:I,s:b,s:b,s:s}", "lines", (json_int_t)check.lines, "chain_ok",
							    !check.bad && !check.torn && !file.cut, "broken_at", (json_int_t)check.bad,
							    "torn", check.torn, "cut", file.cut, "sha256", check.last));
	json_decref(g.resources);
	json_decref(g.kept);
	return g.r;
}
