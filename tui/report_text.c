/* The report for people: Markdown with every field in its place: TODO is what people must write, and nothing else. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "probes/base/clock.h"
#include "probes/base/text.h"
#include "tui/report.h"

/* One line, with what could break a table or a terminal made visible. */
static const char *cell(const json_t *j, char *out, size_t cap)
{
	const char *s = json_string_value(j);
	if (json_is_integer(j))
		(void)snprintf(out, cap, "%lld", (long long)json_integer_value(j));
	else if (!s)
		(void)snprintf(out, cap, "not known");
	else
		(void)text_escape(*s ? s : "-", out, cap);
	for (char *c = out; *c; c++)
		*c = *c == '|' ? '/' : *c;
	return out;
}

static void row(const json_t *of, const char *const *keys, FILE *out)
{
	char text[400];
	for (const char *const *k = keys; *k; k++)
		(void)fprintf(out, "| %s ", cell(json_object_get(of, *k), text, sizeof text));
	(void)fprintf(out, "|\n");
}

static void table(const json_t *report, const char *title, const char *key, const char *const *keys, FILE *out)
{
	size_t i;
	json_t *of;
	(void)fprintf(out, "\n## %s\n\n", title);
	if (!json_array_size(json_object_get(report, key))) {
		(void)fprintf(out, "none\n");
		return;
	}
	for (const char *const *k = keys; *k; k++)
		(void)fprintf(out, "| %s ", *k);
	(void)fprintf(out, "|\n");
	for (const char *const *k = keys; *k; k++)
		(void)fprintf(out, "|---");
	(void)fprintf(out, "|\n");
	json_array_foreach(json_object_get(report, key), i, of)
		row(of, keys, out);
}

static void item(const char *what, const json_t *value, FILE *out)
{
	char text[400];
	(void)fprintf(out, "- %s: %s\n", what, cell(value, text, sizeof text));
}

static void item_list(const char *what, const json_t *list, FILE *out)
{
	size_t i;
	json_t *of;
	json_array_foreach(list, i, of)
		item(what, of, out);
}

static void lasted(const char *what, const json_t *times, const char *at, const char *took, FILE *out)
{
	char when[40], age[24] = "not known";
	const json_t *s = json_object_get(times, took);
	if (json_is_integer(s))
		text_age((uint64_t)json_integer_value(s), age, sizeof age);
	bool happened = json_is_string(json_object_get(times, at));
	(void)fprintf(out, "| %s | %s | %s |\n", what, happened ? cell(json_object_get(times, at), when, sizeof when) : "not yet",
		      happened ? age : "-");
}

static void head(const json_t *r, FILE *out)
{
	char id[100], host[100], at[24] = "not known", source[200];
	const json_t *found = json_object_get(r, "detection"), *times = json_object_get(r, "times");
	json_int_t since = json_integer_value(json_object_get(found, "since"));
	if (since)
		clock_rfc3339((uint64_t)since, at, sizeof at);
	(void)fprintf(out, "# Incident %s on %s\n\n", cell(json_object_get(r, "incident"), id, sizeof id),
		      cell(json_object_get(r, "host"), host, sizeof host));
	(void)fprintf(out, "- Detected: %s, by: %s\n\n", at, cell(json_object_get(found, "source"), source, sizeof source));
	(void)fprintf(out, "| | at | after detection |\n|---|---|---|\n");
	lasted("acknowledged (armed)", times, "acknowledged", "to_acknowledge_s", out);
	lasted("first action", times, "first_action", "to_first_action_s", out);
	lasted("nothing left over", times, "clean", "to_clean_s", out);
	lasted("healthy again", times, "recovered", "to_recovery_s", out);
}

static void impact(const json_t *r, FILE *out)
{
	const json_t *i = json_object_get(r, "impact");
	const char *kind;
	json_t *n;
	(void)fprintf(out, "\n## Impact\n\n");
	(void)fprintf(out, "- Running executions touched: 0 (only leftovers can be in a plan)\n");
	item("Executions that left something", json_object_get(i, "affected_executions"), out);
	item_list("box", json_object_get(i, "affected_boxes"), out);
	(void)fprintf(out, "- Queue peak: %lld (%s)\n", (long long)json_integer_value(json_object_get(i, "queue_peak")),
		      json_string_value(json_object_get(i, "queue")));
	json_t *failed = json_object_get(i, "failed_cleanups");
	if (json_is_object(failed))
		(void)fprintf(out, "- Failed cleanups while it lasted:%s", json_object_size(failed) ? "\n" : " 0\n");
	json_object_foreach(failed, kind, n)
		(void)fprintf(out, "  - %s: %lld\n", kind, (long long)json_integer_value(n));
	(void)fprintf(out, "- In the words of who was affected: TODO\n");
	item_list("Not known", json_object_get(i, "not_known"), out);
}

static void end(const json_t *r, FILE *out)
{
	const json_t *j = json_object_get(r, "journal");
	char sum[100];
	size_t i;
	json_t *of;
	(void)fprintf(out, "\n## Follow-ups\n\n");
	json_array_foreach(json_object_get(r, "follow_ups"), i, of)
		(void)fprintf(out, "- [ ] %s\n", json_string_value(of));
	(void)fprintf(out, "\n## Appendix\n\n| kind | before | after |\n|---|---|---|\n");
	const char *kind;
	json_object_foreach(json_object_get(r, "before"), kind, of)
		(void)fprintf(out, "| %s | %lld | %lld |\n", kind, (long long)json_integer_value(of),
			      (long long)json_integer_value(json_object_get(json_object_get(r, "after"), kind)));
	(void)fprintf(out, "\n");
	item_list("Evidence", json_object_get(r, "evidence"), out);
	item_list("Terminal recording", json_object_get(r, "recordings"), out);
	item("Ghosts still open", json_object_get(r, "open_ghosts"), out);
	bool cut = json_is_true(json_object_get(j, "cut"));
	(void)fprintf(out, "- Journal: %lld lines, %s, SHA-256 of the last line %s\n",
		      (long long)json_integer_value(json_object_get(j, "lines")),
		      json_is_true(json_object_get(j, "chain_ok")) ? "chain whole" : cut ? "ITS END CUT OFF" : "CHAIN BROKEN",
		      cell(json_object_get(j, "sha256"), sum, sizeof sum));
}

void report_markdown(const json_t *r, FILE *out)
{
	static const char *const timeline[] = { "at", "who", "what", NULL }, *const noted[] = { "at", "who", "text", NULL };
	static const char *const resources[] = { "kind", "name", "id", "owner", "box", "blocker", "ended", NULL };
	static const char *const steps[] = { "at", "step", "brief", "mark", "note", NULL };
	static const char *const typed[] = { "at", "who", "step", "class", "typed", "reason", NULL };
	head(r, out);
	(void)fprintf(out, "\n## Root cause\n\nTODO\n");
	impact(r, out);
	table(r, "What failed to clean up", "resources", resources, out);
	table(r, "Procedures used", "steps", steps, out);
	table(r, "Skipped, and why", "skips", steps, out);
	table(r, "Escalation criteria met", "escalation", noted, out);
	table(r, "Confirmations", "confirmations", typed, out);
	table(r, "Notes", "notes", noted, out);
	table(r, "Timeline", "timeline", timeline, out);
	end(r, out);
}
