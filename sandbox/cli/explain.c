/* `rustbox explain`: the tables the program is made of, printed from themselves. */
#include <stdio.h>
#include <string.h>

#include "probes/base/json.h"
#include "probes/base/text.h"
#include "sandbox/box/config.h"
#include "sandbox/box/result.h"
#include "sandbox/cli/commands.h"
#include "sandbox/policy/events.h"
#include "sandbox/policy/metrics.h"
#include "sandbox/policy/stages.h"
#include "sandbox/policy/syscalls.h"

static int explain_stages(const struct invocation *in)
{
	(void)in;
	for (int s = 0; s < STAGE_COUNT; s++)
		(void)printf("%d %-11s %-9s %s\n", s + 1, stage_rows[s].word, stage_rows[s].floor ? "always" : "strict",
			     stage_rows[s].help);
	(void)printf("\nWhy in this order:\n");
	for (unsigned i = 0; i < stage_order_count; i++)
		(void)printf("  %s before %s: %s\n", stage_rows[stage_order[i].first].word,
			     stage_rows[stage_order[i].then].word, stage_order[i].why);
	return EXIT_GOOD;
}

static const char *knob_or_dash(const char *file)
{
	return file ? file : "-";
}

static int explain_limits(const struct invocation *in)
{
	char judge[40], agent[40];
	(void)in;
	(void)printf("%-13s %-8s %-8s %-16s %-27s %s\n", "LIMIT", "JUDGE", "AGENT", "CGROUP V2", "CGROUP V1", "WHAT");
	for (int i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *row = &limit_rows[i];
		(void)printf("--%-11s %-8s %-8s %-16s %-27s %s\n", row->flag,
			     limit_format((enum limit)i, row->defaults[PROFILE_JUDGE], judge, sizeof judge),
			     limit_format((enum limit)i, row->defaults[PROFILE_AGENT], agent, sizeof agent),
			     knob_or_dash(row->v2_file), knob_or_dash(row->v1_file), row->help);
	}
	return EXIT_GOOD;
}

static int explain_syscalls(const struct invocation *in)
{
	(void)in;
	for (size_t i = 0; i < syscall_rule_count; i++) {
		const struct syscall_rule *r = &syscall_rules[i];
		(void)printf("%3d %-24s %-6s %s%-12s %-9s %s\n", r->nr, r->name, syscall_action_word(r->ret),
			     r->when ? "else " : "", r->when ? syscall_action_word(r->otherwise) : "",
			     syscall_group_word(r->group), syscall_rule_why(r));
	}
	(void)printf("\nEverything else, and every i386 or x32 entry: kill.\n");
	return EXIT_GOOD;
}

static void put_sources(uint32_t sources)
{
	const char *comma = "";
	for (int s = 0; s < SOURCE_COUNT; s++) {
		if (!(sources & SOURCE_BIT(s)))
			continue;
		(void)printf("%s%s", comma, source_word((enum source)s));
		comma = ", ";
	}
}

static int explain_verdicts(const struct invocation *in)
{
	static const char *const helps[STATUS_COUNT] = {
#define X(id, word, help) [STATUS_##id] = help,
		STATUSES(X)
#undef X
	};
	(void)in;
	for (int s = 0; s < STATUS_COUNT; s++)
		(void)printf("%-6s %s\n", status_word((enum status)s), helps[s]);
	(void)printf("\nThe first rule that holds, all its sources being there:\n");
	for (unsigned i = 0; i < verdict_rule_count; i++) {
		const struct verdict_rule *r = &verdict_rules[i];
		(void)printf("%2u %-6s %-22s %-10s %s [", i + 1, status_word(r->status), cause_word(r->cause),
			     actor_word(r->actor), r->because);
		put_sources(r->sources);
		(void)printf("]\n");
	}
	return EXIT_GOOD;
}

static int explain_metrics(const struct invocation *in)
{
	static const char *const types[] = { [METRIC_COUNTER] = "counter", [METRIC_HISTOGRAM] = "histogram",
					     [METRIC_GAUGE] = "gauge" };
	(void)in;
	for (int m = 0; m < METRIC_ROWS; m++) {
		const struct metric_row *row = &metric_rows[m];
		(void)printf("%-40s %-9s %s\n", row->name, types[row->type], row->help);
		for (unsigned i = 0; *row->label && i < metric_values((enum metric)m); i++)
			(void)printf("    %s=\"%s\"\n", row->label, row->word(i));
	}
	return EXIT_GOOD;
}

static int explain_events(const struct invocation *in)
{
	(void)in;
	for (int i = 0; i < EVENT_ROWS; i++)
		(void)printf("%-22s priority %d  %s\n", event_rows[i].name, event_rows[i].priority, event_rows[i].help);
	(void)printf("\nkind is one of:");
	for (int k = 0; k < EVENT_KIND_COUNT; k++)
		(void)printf(" %s", event_kind_word((enum event_kind)k));
	(void)printf("\n");
	return EXIT_GOOD;
}

static int explain_languages(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct config config;
	struct err e;
	if (config_load(in->paths, &a, &config, &e) < 0) {
		complain("%s", e.text);
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < config.nlanguages; i++) {
		const struct language *l = &config.languages[i];
		(void)printf("%s\n  source   %s\n  compile  %s\n  run      %s\n  env      %s\n", l->word, l->file,
			     l->compile ? l->compile : "-", l->run, l->env);
		if (l->least && *l->least)
			(void)printf("  least    %s\n", l->least);
		if (l->binds)
			(void)printf("  binds    %s\n", l->binds);
	}
	return EXIT_GOOD;
}

/* Computes a stored result's verdict again; a different one is a "no", exit 1. */
static int explain_verdict(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct stored_result r;
	struct err e;
	json_error_t where;
	char stored[80];
	if (in->argc != 3) {
		complain("explain verdict needs one FILE, written by `rustbox run --json FILE`");
		return EXIT_USAGE;
	}
	autojson json_t *obj = json_load_file(in->argv[2], JSON_REJECT_DUPLICATES, &where);
	if (!obj) {
		complain("%.100s: line %d: %.100s", in->argv[2], where.line, where.text);
		return EXIT_USAGE;
	}
	if (result_from_json(obj, &a, &r, &e) < 0) {
		complain("%.100s: %s", in->argv[2], e.text);
		return EXIT_USAGE;
	}
	struct verdict v = r.refused	? verdict_refused()
			   : r.compiler ? verdict_of_compiler(&r.evidence, &r.limits)
					: verdict_of(&r.evidence, &r.limits);
	bool same = strcmp(status_word(v.status), r.status) == 0 && strcmp(cause_word(v.cause), r.cause) == 0;
	(void)printf("%s (%s), by the %s: %s\nproven by: ", status_word(v.status), cause_word(v.cause),
		     actor_word(v.actor), v.because);
	put_sources(v.sources);
	(void)printf("\ncpu %.3f s, wall %.3f s: %s\n", (double)evidence_cpu_ns(&r.evidence) / 1e9,
		     (double)r.evidence.wall_ns / 1e9, divergence_word(divergence_of(&r.evidence)));
	(void)printf("stored: %s: %s\n", text_escape(r.status, stored, sizeof stored),
		     same ? "the same verdict" : "DIFFERENT: the file was changed, or written by another version");
	return same ? EXIT_GOOD : EXIT_VERDICT;
}

static const struct topic {
	const char *name;
	int (*run)(const struct invocation *);
} topics[] = {
	{ "stages", explain_stages },	  { "limits", explain_limits },	  { "syscalls", explain_syscalls },
	{ "verdicts", explain_verdicts }, { "verdict", explain_verdict }, { "metrics", explain_metrics },
	{ "events", explain_events },	  { "languages", explain_languages },
};

void explain_topics(void)
{
	for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
		(void)printf("%s%s", i ? " " : "", topics[i].name);
}

int cmd_explain(const struct invocation *in)
{
	for (size_t i = 0; in->argc >= 2 && i < sizeof topics / sizeof topics[0]; i++)
		if (strcmp(topics[i].name, in->argv[1]) == 0)
			return finish(topics[i].run(in));
	complain("explain what? stages, limits, syscalls, verdicts, languages, metrics, events, or verdict FILE");
	return EXIT_USAGE;
}
