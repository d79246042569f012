/*
 * What an incident did to others, from what was written down: the boxes whose leftovers the journal names, and the
 * worker's own events while it lasted. What neither says is listed as not known, with where to look for it.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "tui/journal.h"
#include "tui/report.h"

struct impact {
	time_t from, to;
	json_t *kinds; /* failed cleanups by kind */
	json_t *boxes; /* a set: keys only */
};

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));
	return s ? s : "";
}

static void take_event(struct impact *i, const json_t *j)
{
	struct tm tm = { 0 };
	bool failed = strcmp(str(j, "event"), "cleanup_failure") == 0, escaped = strcmp(str(j, "event"), "containment_violation") == 0;
	const char *kind = *str(j, "kind") ? str(j, "kind") : "unknown";
	if ((!failed && !escaped) || !strptime(str(j, "at"), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	time_t at = timegm(&tm);
	if (at < i->from || at > i->to)
		return;
	if (failed)
		(void)json_object_set_new(i->kinds, kind, json_integer(json_integer_value(json_object_get(i->kinds, kind)) + 1));
	if (*str(j, "box"))
		(void)json_object_set_new(i->boxes, str(j, "box"), json_true());
}

/* 0, or -errno when the file cannot be read. */
static int take_events(struct impact *i, const char *path)
{
	autofree char *text = NULL;
	char *save = NULL;
	ssize_t n = kfile_read_all(AT_FDCWD, path, &text);
	if (n < 0)
		return (int)n;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		autojson json_t *j = json_loads(line, 0, NULL);
		take_event(i, j);
	}
	return 0;
}

static json_t *names(json_t *set)
{
	json_t *list = json_array(), *value;
	const char *name;
	json_object_foreach(set, name, value)
		(void)json_array_append_new(list, json_string(name));
	return list;
}

json_t *report_impact(const struct paths *paths, json_t *resources, long long from, long long to)
{
	char old[PATH_ROOM + 4];
	size_t at;
	json_t *r, *unknown = json_array();
	autojson json_t *boxes = json_object();
	struct impact i = { .from = (time_t)from, .to = (time_t)to, .kinds = json_object(), .boxes = boxes };
	json_array_foreach(resources, at, r)
		if (*str(r, "box"))
			(void)json_object_set_new(boxes, str(r, "box"), json_true());
	(void)snprintf(old, sizeof old, "%s.1", paths->of[PATH_EVENTS]);
	(void)take_events(&i, old); /* there is one only after a rotation */
	int bad = take_events(&i, paths->of[PATH_EVENTS]);
	if (bad)
		(void)json_array_append_new(unknown, json_sprintf("failed cleanups while it lasted: %s: %s", paths->of[PATH_EVENTS],
								  strerrordesc_np(-bad)));
	(void)json_array_append_new(unknown, json_string("new executions refused meanwhile: the worker's counters carry no times; ask the "
							 "monitoring for increase(rustbox_executions_by_status{status=\"IE\"})"));
	json_t *impact = json_pack("{s:i,s:o?,s:I,s:o,s:i,s:s,s:o}", "active_runs_touched", 0, "failed_cleanups", bad ? NULL : json_incref(i.kinds),
				   "affected_executions", (json_int_t)json_object_size(boxes), "affected_boxes", names(boxes), "queue_peak", 0,
				   "queue", "rustbox has none: an execution has a uid of the pool at once, or is refused", "not_known", unknown);
	if (bad)
		(void)json_object_set_new(impact, "failed_cleanups", json_null());
	json_decref(i.kinds);
	return impact;
}

json_t *report_recordings(const struct paths *paths, const char *id)
{
	char path[PATH_ROOM + 96];
	json_t *list = json_array();
	journal_path(paths, id, "", path, sizeof path);
	autodir DIR *dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		size_t n = strlen(d->d_name);
		if (n > 5 && strcmp(d->d_name + n - 5, ".cast") == 0)
			(void)json_array_append_new(list, json_sprintf("%s%s", path, d->d_name));
	}
	return list;
}
