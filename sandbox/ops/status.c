/* rustbox status: the boxes alive now. rustbox metrics: Prometheus text. */
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/text.h"
#include "probes/told.h"
#include "sandbox/ops/look.h"
#include "sandbox/ops/ops.h"

static int flags_of(const struct invocation *in, bool *json, bool *text)
{
	for (int i = 1; i < in->argc; i++) {
		if (strcmp(in->argv[i], "--json") == 0)
			*json = true;
		else if (strcmp(in->argv[i], "--text") == 0)
			*text = true;
		else
			return -EINVAL;
	}
	return 0;
}

static unsigned members(const struct snapshot *s, enum resource_kind kind, const char *box)
{
	unsigned n = 0;
	for (size_t i = 0; i < s->of[kind].n; i++)
		n += s->of[kind].v[i].box && strcmp(s->of[kind].v[i].box, box) == 0;
	return n;
}

static json_t *boxes_to_json(const struct worker_look *w)
{
	json_t *list = json_array();
	for (size_t i = 0; i < w->now.of[RES_LOCK].n; i++) {
		const struct resource *r = &w->now.of[RES_LOCK].v[i];
		if (r->owner != OWNER_ACTIVE)
			continue;
		json_array_append_new(list, json_pack("{s:s,s:I,s:I,s:I}", "box", r->box, "processes",
						      (json_int_t)members(&w->now, RES_PROCESS, r->box), "mounts",
						      (json_int_t)members(&w->now, RES_MOUNT, r->box), "cgroups",
						      (json_int_t)members(&w->now, RES_CGROUP, r->box)));
	}
	return list;
}

static void boxes_to_text(const struct worker_look *w)
{
	if (w->active)
		(void)printf("%-32s %9s %7s %8s\n", "BOX", "PROCESSES", "MOUNTS", "CGROUPS");
	for (size_t i = 0; i < w->now.of[RES_LOCK].n; i++) {
		const struct resource *r = &w->now.of[RES_LOCK].v[i];
		if (r->owner == OWNER_ACTIVE)
			(void)printf("%-32s %9u %7u %8u\n", r->box, members(&w->now, RES_PROCESS, r->box),
				     members(&w->now, RES_MOUNT, r->box), members(&w->now, RES_CGROUP, r->box));
	}
	char count[32], why[400];
	(void)printf("%s boxes alive; worker %s\n", told_text(&w->now.of[RES_LOCK], w->active, count, sizeof count),
		     w->unread ? "unknown" : health_status_word(w->health.status));
	if (!w->now.of[RES_LOCK].complete)
		(void)printf("cannot tell all boxes: %s\n", text_escape(w->now.of[RES_LOCK].why.text, why, sizeof why));
}

int ops_status(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(in->paths);
	struct worker_look w;
	bool json = false, text = false;
	if (flags_of(in, &json, &text) < 0)
		return command_usage(in);
	worker_look(&scope, &a, &w);
	if (ops_wants_json(json, text)) {
		autojson json_t *j = json_pack("{s:i,s:o,s:o,s:o,s:o}", "schema", 1, "worker",
					       w.unread ? json_null() : json_string(health_status_word(w.health.status)),
					       "active_executions", told_count(&w.now.of[RES_LOCK], w.active), "unknown",
					       told_unknown(&w.now), "boxes", boxes_to_json(&w));
		ops_line(j);
	} else {
		boxes_to_text(&w);
	}
	return finish(EXIT_GOOD);
}

int ops_metrics(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct scope scope = scope_host(in->paths);
	struct worker_look w;
	struct err e = { 0 };
	if (in->argc > 1)
		return command_usage(in);
	worker_look(&scope, &a, &w);
	if (worker_metrics(&w, in->paths, stdout, &e) < 0) {
		complain("%s", e.text);
		return EXIT_IE;
	}
	return finish(EXIT_GOOD);
}
