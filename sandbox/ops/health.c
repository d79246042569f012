/* rustbox health, in every form of the runbook. */
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/told.h"
#include "sandbox/box/trash.h"
#include "sandbox/ops/look.h"
#include "sandbox/ops/ops.h"
#include "sandbox/worker/events.h"
#include "sandbox/worker/record.h"
#include "sandbox/worker/status.h"

enum { WATCH_MS = 2000, EXPIRE_MS = 10000 };

struct wish {
	bool json, text, watch, recover, cleanup, verify, quarantine, unquarantine, check, help;
	const char *reason;
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },	      { "text", no_argument, NULL, 'x' },
	{ "watch", no_argument, NULL, 'w' },	      { "recover", no_argument, NULL, 'r' },
	{ "cleanup", no_argument, NULL, 'c' },	      { "verify-clean", no_argument, NULL, 'v' },
	{ "quarantine", no_argument, NULL, 'q' },     { "unquarantine", no_argument, NULL, 'u' },
	{ "reason", required_argument, NULL, 'R' },   { "check", no_argument, NULL, 'k' },
	{ "help", no_argument, NULL, 'h' },	      { 0 },
};

static void usage(void)
{
	(void)printf("usage: rustbox health [--json|--text] [--watch]\n"
		     "       rustbox health --recover [--cleanup]       detect; with --cleanup remove, verify, mark healthy\n"
		     "       rustbox health --verify-clean              exit 0 only when a complete look finds nothing left\n"
		     "       rustbox health --quarantine --reason R     take the worker out of service\n"
		     "       rustbox health --unquarantine [--reason R] put it back; refuses unless verified clean now\n"
		     "       rustbox health --check                     exit 0 healthy, 1 unhealthy, 2 quarantined\n");
}

static int parse(const struct invocation *in, struct wish *w, struct err *e)
{
	int c;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(in->argc, in->argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j': w->json = true; break;
		case 'x': w->text = true; break;
		case 'w': w->watch = true; break;
		case 'r': w->recover = true; break;
		case 'c': w->cleanup = true; break;
		case 'v': w->verify = true; break;
		case 'q': w->quarantine = true; break;
		case 'u': w->unquarantine = true; break;
		case 'R': w->reason = optarg; break;
		case 'k': w->check = true; break;
		case 'h': w->help = true; break;
		default: return err_say(e, EINVAL, "unknown option; `rustbox health --help` lists them");
		}
	}
	if (optind < in->argc)
		return err_say(e, EINVAL, "'%.40s' is not an option", in->argv[optind]);
	if (w->watch + w->recover + w->verify + w->quarantine + w->unquarantine + w->check > 1)
		return err_say(e, EINVAL, "one of --watch, --recover, --verify-clean, --quarantine, --unquarantine, --check");
	if (w->cleanup && !w->recover)
		return err_say(e, EINVAL, "--cleanup belongs to --recover");
	if (w->quarantine && (!w->reason || !*w->reason))
		return err_say(e, EINVAL, "--quarantine needs --reason: whoever comes next must know why");
	return 0;
}

static void show(const struct worker_look *w, const struct paths *p, bool json)
{
	if (!json) {
		worker_to_text(w, p, stdout);
		return;
	}
	autojson json_t *j = worker_to_json(w, p);
	ops_line(j);
}

static int verify(const struct scope *scope)
{
	autoarena struct arena a = { 0 };
	struct worker_look w;
	worker_look(scope, &a, &w);
	bool clean = w.looked && !snapshot_all_leftovers(&w.now);
	autojson json_t *o = json_object();
	json_object_set_new(o, "clean", json_boolean(clean));
	for (int k = 0; k < RES_KINDS; k++)
		json_object_set_new(o, resource_kind_key((enum resource_kind)k), told_count(&w.now.of[k], w.left[k]));
	json_object_set_new(o, "baseline", worker_baseline_to_json(&w));
	if (!w.looked) {
		json_object_set_new(o, "incomplete", json_text(w.why.text));
		json_object_set_new(o, "unknown", told_unknown(&w.now));
	}
	ops_line(o);
	if (!w.looked)
		complain("not verified: the look was incomplete: %s", w.why.text);
	if (w.violated) /* nothing of rustbox's is left, and yet: an innocent mount may have gone in the incident */
		complain("the host is not what its baseline says: %zu missing, %zu changed; see: rustbox-probe baseline diff",
			 w.diff.missing, w.diff.changed);
	return finish(clean ? EXIT_GOOD : EXIT_VERDICT);
}

static int quarantine(const struct paths *p, const char *reason)
{
	struct err e = { 0 };
	if (record_health(p, HEALTH_EVENT_QUARANTINE, NULL, reason, NULL, &e) < 0) {
		complain("the worker could not be quarantined: %s", e.text);
		return EXIT_IE;
	}
	ops_note_action(p, "quarantine", reason, "quarantined");
	return finish(EXIT_GOOD);
}

static int unquarantine(const struct scope *scope, const char *reason)
{
	autoarena struct arena a = { 0 };
	struct err e = { 0 };
	struct snapshot now;
	recover_look(scope, &a, &now);
	bool looked = recover_looked(&now, &e);
	size_t left = snapshot_all_leftovers(&now);
	if (!looked || left) {
		if (left)
			complain("refused: %zu leftovers; run: rustbox health --recover --cleanup", left);
		else
			complain("refused: the look was incomplete: %s", e.text);
		ops_note_action(scope->paths, "unquarantine", reason, "refused");
		return EXIT_VERDICT;
	}
	if (record_health(scope->paths, HEALTH_EVENT_RELEASE, NULL, reason, NULL, &e) < 0) {
		complain("the worker could not be put back: %s", e.text);
		return EXIT_IE;
	}
	ops_note_action(scope->paths, "unquarantine", reason, "healthy");
	return finish(EXIT_GOOD);
}

static char *text_of(const struct worker_look *w, const struct paths *p)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	if (!f)
		abort();
	worker_to_text(w, p, f);
	(void)fclose(f);
	return text;
}

/* For a bare terminal; `rustbox-probe watch` and the console do this by events. */
static int watch(const struct scope *scope, bool json)
{
	autofree char *before = NULL;
	ops_catch_signals();
	while (!ops_stopped(NULL)) {
		autoarena struct arena a = { 0 };
		struct worker_look w;
		worker_look(scope, &a, &w);
		char *now = text_of(&w, scope->paths);
		if (!before || strcmp(before, now) != 0) {
			if (!json && isatty(STDOUT_FILENO))
				(void)fputs("\033[H\033[J", stdout);
			show(&w, scope->paths, json);
			(void)fflush(stdout);
		}
		free(before);
		before = now;
		(void)poll(NULL, 0, WATCH_MS);
	}
	return finish(EXIT_GOOD);
}

static void tell_left(const struct recovery *r, bool json)
{
	for (int k = 0; k < RES_KINDS && !json; k++)
		for (size_t i = 0; i < r->after.of[k].n; i++) {
			const struct resource *left = &r->after.of[k].v[i];
			char name[400];
			if (!owner_is_left_over(left->owner))
				continue;
			(void)printf("left: %s %s [%s] %s\n", resource_kind_word(left->kind),
				     text_escape(left->name, name, sizeof name), left->id,
				     left->owner == OWNER_ORPHAN ? "an orphan; name it: rustbox reclaim process ID" : "");
		}
}

static void emit(const struct paths *p, enum event event, const char *outcome, size_t left)
{
	char detail[64];
	struct err e = { 0 };
	(void)snprintf(detail, sizeof detail, "%zu left over", left);
	struct event_facts facts = { .outcome = outcome, .detail = detail };
	if (status_directory(p, &e) < 0 || event_emit(p, event, &facts, &e) < 0)
		complain("an event was not recorded: %s", e.text);
}

/* What would not go, kind by kind, as the page greps for it; a zombie is its parent's doing, and security's business. */
static void emit_left(const struct paths *p, const struct snapshot *after)
{
	for (int k = 0; k < RES_KINDS; k++) {
		const struct resource *first = NULL;
		char detail[300];
		struct err e = { 0 };
		for (size_t i = after->of[k].n; i-- > 0;)
			if (after->of[k].v[i].owner == OWNER_LEAK)
				first = &after->of[k].v[i];
		if (!first)
			continue;
		bool zombie = k == RES_PROCESS && first->process.state == 'Z';
		(void)snprintf(detail, sizeof detail, "%zu %s left after a recovery; the first: %s", snapshot_leftovers(after, first->kind),
			       resource_kind_key(first->kind), first->name);
		struct event_facts facts = { .box = first->box, .detail = detail,
					     .kind = event_kind_word(zombie ? EVENT_KIND_ZOMBIE : event_kind_of(first->kind)) };
		if (event_emit(p, zombie ? EVENT_CONTAINMENT_VIOLATION : EVENT_CLEANUP_FAILURE, &facts, &e) < 0)
			complain("an event was not recorded: %s", e.text);
	}
}

/* The last line says what a machine must know: the health, and what the recovery did. */
static void tell_end(const struct scope *scope, const struct recovery *r, bool json)
{
	autoarena struct arena a = { 0 };
	struct worker_look w;
	worker_judge(scope, &r->after, &a, &w);
	if (!json) {
		tell_left(r, json);
		worker_to_text(&w, scope->paths, stdout);
		return;
	}
	autojson json_t *j = worker_to_json(&w, scope->paths);
	json_object_set_new(j, "recovery",
			    json_pack("{s:b,s:I,s:I,s:I,s:I}", "clean", r->clean, "released", (json_int_t)r->released, "gone",
				      (json_int_t)r->gone, "left", (json_int_t)snapshot_all_leftovers(&r->after), "rounds",
				      (json_int_t)r->rounds));
	ops_line(j);
}

static int recover(const struct scope *scope, const struct wish *wish, bool json)
{
	autoarena struct arena a = { 0 };
	struct err e = { 0 };
	struct recovery r;
	struct worker_look before;
	autorecovery struct recovery_lock lock = RECOVERY_UNLOCKED;
	struct progress p = { .scope = scope, .json = json };
	struct reclaim_how how = progress_how(&p);
	if (ops_take_turn(scope->paths, &lock, &e) < 0) {
		complain("no recovery: %s", e.text);
		return EXIT_IE;
	}
	e = (struct err){ 0 };
	worker_look(scope, &a, &before); /* also records what is seen, so that a crash now leaves a true state */
	how.dry = !wish->cleanup;
	if (wish->cleanup)
		emit(scope->paths, EVENT_RECOVERY_STARTED, NULL, snapshot_all_leftovers(&before.now));
	ops_catch_signals();
	recover_all(&how, &before.now, &a, &r);
	progress_end(&p);
	if (wish->cleanup) {
		enum health_event event = r.clean ? HEALTH_EVENT_VERIFIED : HEALTH_EVENT_UNVERIFIED;
		if (record_health(scope->paths, event, NULL, r.clean ? NULL : "a recovery left something", NULL, &e) < 0)
			complain("the health was not recorded: %s", e.text);
		emit_left(scope->paths, &r.after);
		emit(scope->paths, EVENT_RECOVERY_FINISHED, r.clean ? "clean" : r.looked ? "left" : "not verified",
		     snapshot_all_leftovers(&r.after));
	}
	tell_end(scope, &r, json);
	if (!r.looked)
		complain("not verified: the look was incomplete: %s", r.why.text);
	return finish(e.code || !r.looked ? EXIT_IE : r.clean ? EXIT_GOOD : EXIT_VERDICT);
}

static int look(const struct scope *scope, const struct wish *w)
{
	autoarena struct arena a = { 0 };
	struct worker_look now;
	if (geteuid() == 0)
		(void)trash_expire(scope->paths, clock_wall_s(), EXPIRE_MS);
	worker_look(scope, &a, &now);
	if (!w->check || w->json || w->text)
		show(&now, scope->paths, ops_wants_json(w->json, w->text));
	return finish(w->check ? (int)now.health.status : EXIT_GOOD);
}

int ops_health(const struct invocation *in)
{
	struct wish w = { 0 };
	struct err e = { 0 };
	struct scope scope = scope_host(in->paths);
	if (parse(in, &w, &e) < 0) {
		complain("health: %s", e.text);
		return EXIT_USAGE;
	}
	bool json = ops_wants_json(w.json, w.text);
	if (w.help)
		return usage(), finish(EXIT_GOOD);
	if (w.verify)
		return verify(&scope);
	if (w.quarantine)
		return quarantine(in->paths, w.reason);
	if (w.unquarantine)
		return unquarantine(&scope, w.reason);
	if (w.watch)
		return watch(&scope, json);
	return w.recover ? recover(&scope, &w, json) : look(&scope, &w);
}

_Static_assert(HEALTH_HEALTHY == 0 && HEALTH_UNHEALTHY == 1 && HEALTH_QUARANTINED == 2, "--check exits with the status");
