/* The plan, shown; see dry_run.h. */
#include "sandbox/cli/dry_run.h"

#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "sandbox/box/plan.h"
#include "sandbox/cli/commands.h"

static const char *stage_state(const struct plan *p, int s)
{
	return p->configured & STAGE_BIT(s) ? "applied if run" : "missing";
}

static const char *limit_keeper(const struct plan *p, int l)
{
	static const char *const by[] = { [BY_RLIMIT] = "rlimit", [BY_SUPERVISOR] = "supervisor", [BY_MOUNT] = "tmpfs" };
	const struct limit_row *row = &limit_rows[l];
	if (row->by != BY_CGROUP)
		return by[row->by];
	switch (p->cgroup_version[row->controller]) {
	case 1: return "cgroup v1";
	case 2: return "cgroup v2";
	default: return "missing";
	}
}

static json_t *to_json(const struct plan *p, bool would_run)
{
	char value[200];
	json_t *stages = json_object(), *limits = json_object(), *missing = json_array();
	for (int s = 0; s < STAGE_COUNT; s++)
		(void)json_object_set_new(stages, stage_rows[s].word, json_string(stage_state(p, s)));
	for (int l = 0; l < LIMIT_COUNT; l++)
		(void)json_object_set_new(limits, limit_rows[l].key,
					  json_pack("{ss ss}", "value",
						    limit_format((enum limit)l, p->limits.of[l], value, sizeof value), "by",
						    p->limits.of[l] == LIMIT_NONE ? "nobody" : limit_keeper(p, l)));
	for (size_t i = 0; i < p->nmissing; i++)
		(void)json_array_append_new(missing, json_pack("{ss ss ss}", "control", p->missing[i].control, "why",
							       p->missing[i].why, "remedy", p->missing[i].remedy));
	return json_pack("{sb so so so ss}", "would_run", would_run, "controls", stages, "limits", limits, "missing",
			 missing, "envelope", p->envelope);
}

static void to_text(const struct plan *p, const char *refusal)
{
	char value[200];
	(void)printf("%-12s %-16s %s\n", "CONTROL", "STATE", "WHAT IT IS");
	for (int s = 0; s < STAGE_COUNT; s++)
		(void)printf("%-12s %-16s %s\n", stage_rows[s].word, stage_state(p, s), stage_rows[s].help);
	(void)printf("\n%-12s %-16s %s\n", "LIMIT", "VALUE", "KEPT BY");
	for (int l = 0; l < LIMIT_COUNT; l++)
		(void)printf("%-12s %-16s %s\n", limit_rows[l].flag,
			     limit_format((enum limit)l, p->limits.of[l], value, sizeof value),
			     p->limits.of[l] == LIMIT_NONE ? "-" : limit_keeper(p, l));
	for (size_t i = 0; i < p->nmissing; i++)
		(void)printf("%s%s: %s; %s\n", i ? "" : "\nmissing:\n  ", p->missing[i].control, p->missing[i].why,
			     p->missing[i].remedy);
	(void)printf("\n%s%s\n", refusal ? "would be refused: " : "would run", refusal ? refusal : "");
}

int dry_run(const struct run_options *opt, const struct host *host, struct arena *a)
{
	struct plan sketch, real;
	struct err e;
	if (plan_sketch(&opt->spec, host, a, &sketch, &e) < 0) {
		complain("%s", e.text);
		return EXIT_USAGE;
	}
	spec_envelope(&opt->spec, sketch.envelope);
	bool would_run = plan_make(&opt->spec, host, a, &real, &e) == 0;
	if (opt->json) {
		autojson json_t *obj = to_json(&sketch, would_run);
		(void)json_dumpf(obj, stdout, JSON_COMPACT);
		(void)putchar('\n');
	} else {
		to_text(&sketch, would_run ? NULL : e.text);
	}
	return finish(would_run ? EXIT_GOOD : EXIT_IE);
}
