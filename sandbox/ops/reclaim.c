/* rustbox reclaim: the engine by hand. One line an item, then a summary; exit 0 all gone, 1 something left. */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "probes/base/clock.h"
#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/dirid.h"
#include "sandbox/box/trash.h"
#include "sandbox/ops/ops.h"

enum { EXPIRE_MS = 10000 };

struct wish {
	struct reclaim_choice choice;
	bool all, dry, order, lazy, trash, undo, json, text, help;
	const char *plan_file;
};

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },	   { "dry-run", no_argument, NULL, 'n' },
	{ "order", no_argument, NULL, 'o' },	   { "lazy", no_argument, NULL, 'l' },
	{ "older-than", required_argument, NULL, 't' }, { "plan", required_argument, NULL, 'p' },
	{ "box", required_argument, NULL, 'b' },   { "json", no_argument, NULL, 'j' },
	{ "trash", no_argument, NULL, 'T' },	   { "undo", no_argument, NULL, 'u' },
	{ "text", no_argument, NULL, 'x' },	   { "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void usage(void)
{
	(void)printf("usage: rustbox reclaim KIND [ID...] [--all] [--dry-run] [--order] [--lazy] [--older-than 1d]\n"
		     "                       [--trash] [--box ID] [--plan FILE] [--json|--text]\n"
		     "       rustbox reclaim tempdir --undo ID...\n\n"
		     "KIND is mount, cgroup, process, tempdir, lock, ghost or all. An ID is one that `rustbox-probe snapshot`\n"
		     "or --dry-run prints; for a mount, a cgroup and a tempdir an absolute path will do.\n"
		     "Only leftovers go: what a live box owns, and what is not rustbox's, is refused one by one.\n"
		     "--trash keeps a directory beside its place for ten minutes, where there is room; --undo brings it back.\n"
		     "--order prints what would go in which order and why; --lazy detaches mounts that stay busy and\n"
		     "records them as ghosts; --plan takes the lines of an earlier --dry-run --json and acts on those of\n"
		     "them that still are what they were.\n"
		     "exit status: 0 all gone, 1 something is left (listed), 2 usage, 3 could not look\n");
}

static int take_option(int c, struct wish *w, struct err *e)
{
	uint64_t ns = 0;
	switch (c) {
	case 'a': w->all = true; break;
	case 'n': w->dry = true; break;
	case 'o': w->order = w->dry = true; break;
	case 'l': w->lazy = true; break;
	case 'T': w->trash = true; break;
	case 'u': w->undo = true; break;
	case 'p': w->plan_file = optarg; break;
	case 'b': w->choice.box = optarg; break;
	case 'j': w->json = true; break;
	case 'x': w->text = true; break;
	case 'h': w->help = true; break;
	case 't':
		if (text_parse_duration(optarg, &ns, e) < 0)
			return err_wrap(e, "--older-than");
		w->choice.older_than = ns / NS_PER_S;
		break;
	default: return err_say(e, EINVAL, "`rustbox reclaim --help` lists the options");
	}
	return 0;
}

struct plan_file {
	const char **ids, **names;
	unsigned *kinds;
	size_t n, nkinds, nnames;
};

static int plan_line(char *line, size_t number, struct plan_file *p, struct arena *a, struct err *e)
{
	json_error_t bad;
	autojson json_t *j = json_loads(line, 0, &bad);
	const char *kind = NULL, *id = NULL, *name = NULL;
	if (!json_is_object(j))
		return err_say(e, EINVAL, "plan line %zu: not a JSON object", number);
	if (json_object_get(j, "summary"))
		return 0;
	int r = json_need_str(j, "plan", "kind", a, &kind, e);
	r = r < 0 ? r : json_need_str(j, "plan", "id", a, &id, e);
	r = r < 0 ? r : json_need_str(j, "plan", "name", a, &name, e);
	int k = r < 0 ? r : resource_kind_parse(kind);
	if (r == 0 && k < 0)
		return err_say(e, EINVAL, "plan line %zu: '%.40s' is no kind", number, kind);
	if (r < 0)
		return r;
	*(const char **)arena_push(a, &p->ids, &p->n, sizeof *p->ids) = id;
	*(const char **)arena_push(a, &p->names, &p->nnames, sizeof *p->names) = name;
	*(unsigned *)arena_push(a, &p->kinds, &p->nkinds, sizeof *p->kinds) = 1u << k;
	return 0;
}

static int read_plan(struct wish *w, struct arena *a, struct err *e)
{
	autofree char *text = NULL;
	struct plan_file p = { 0 };
	char *save = NULL;
	size_t number = 0;
	ssize_t n = kfile_read_all(AT_FDCWD, w->plan_file, &text);
	if (n < 0)
		return err_set(e, (int)-n, "read the plan %s", w->plan_file);
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		int r = plan_line(l, ++number, &p, a, e);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < p.n; i++)
		w->choice.kinds |= p.kinds[i];
	w->choice.ids = p.ids;
	w->choice.id_kinds = p.kinds;
	w->choice.id_names = p.names;
	w->choice.nids = p.n;
	return w->choice.nids ? 0 : err_say(e, EINVAL, "the plan %s names nothing", w->plan_file);
}

static int take_kind(const char *word, struct wish *w, struct err *e)
{
	int k = resource_kind_parse(word);
	if (k < 0 && strcmp(word, "all") != 0)
		return err_say(e, EINVAL, "'%.40s' is no kind: mount, cgroup, process, tempdir, lock, ghost or all", word);
	w->choice.kinds = k < 0 ? 0 : 1u << k;
	return 0;
}

static int parse(const struct invocation *in, struct wish *w, struct arena *a, struct err *e)
{
	int c;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(in->argc, in->argv, "", options, NULL)) != -1)
		if (take_option(c, w, e) < 0)
			return -EINVAL;
	if (w->help)
		return 0;
	if (w->plan_file)
		return optind < in->argc ? err_say(e, EINVAL, "--plan names the things already") : read_plan(w, a, e);
	if (optind == in->argc)
		return err_say(e, EINVAL, "say which kind: mount, cgroup, process, tempdir, lock, ghost or all");
	if (take_kind(in->argv[optind++], w, e) < 0)
		return -EINVAL;
	w->choice.nids = (size_t)(in->argc - optind);
	w->choice.ids = w->choice.nids ? (const char *const *)(void *)(in->argv + optind) : NULL;
	if (!w->choice.nids && !w->all && !w->dry && !w->choice.box)
		return err_say(e, EINVAL, "name what should go, or say --all");
	if (w->undo && (w->choice.kinds != 1u << RES_TEMPDIR || !w->choice.nids))
		return err_say(e, EINVAL, "--undo brings back temp directories, by their IDs: rustbox reclaim tempdir --undo ID...");
	return w->choice.nids && w->all ? err_say(e, EINVAL, "--all and IDs exclude each other") : 0;
}

static void summary(const struct reclaim_plan *plan, bool looked, const struct err *why, bool json, bool dry)
{
	size_t n[RECLAIM_OUTCOME_COUNT] = { 0 };
	for (size_t i = 0; i < plan->n; i++)
		n[plan->v[i].outcome]++;
	if (json) {
		autojson json_t *j = json_pack("{s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:b}}", "summary", "items", (json_int_t)plan->n,
					       "released", (json_int_t)n[RECLAIM_RELEASED], "gone", (json_int_t)n[RECLAIM_GONE],
					       "busy", (json_int_t)n[RECLAIM_BUSY], "failed", (json_int_t)n[RECLAIM_FAILED],
					       "skipped", (json_int_t)n[RECLAIM_SKIPPED], "pending",
					       (json_int_t)n[RECLAIM_PENDING], "complete", looked);
		ops_line(j);
	} else if (dry) {
		(void)printf("%zu would go, %zu would not; nothing was done\n", n[RECLAIM_PENDING], plan->n - n[RECLAIM_PENDING]);
	} else {
		(void)printf("%zu released, %zu gone before, %zu left\n", n[RECLAIM_RELEASED], n[RECLAIM_GONE],
			     plan->n - n[RECLAIM_RELEASED] - n[RECLAIM_GONE]);
	}
	if (!looked)
		complain("the look was incomplete: %s", why->text);
}

static void show_plan(const struct reclaim_plan *plan, const struct wish *w, bool json)
{
	for (size_t i = 0; i < plan->n; i++) {
		const struct reclaim_item *item = &plan->v[i];
		char name[400];
		if (json) {
			autojson json_t *j = reclaim_item_to_json(item);
			ops_line(j);
			continue;
		}
		(void)printf("%3zu. %-7s %s  [%s]", i + 1,
			     item->of.kind < RES_KINDS ? resource_kind_word(item->of.kind) : "?",
			     text_escape(item->of.name, name, sizeof name), item->of.id);
		for (int b = 0; w->order && b < RECLAIM_BLOCKS && item->blocks[b] >= 0; b++)
			(void)printf("%s%d", b ? ", " : "  before ", item->blocks[b] + 1);
		(void)printf("%s%s\n", *item->because ? "  " : "", item->because);
	}
}

static unsigned needed(const struct wish *w)
{
	/* A lock may only go when nothing else of its box is left: that needs a look at everything. */
	return !w->choice.kinds || (w->choice.kinds & (1u << RES_LOCK)) ? 0 : w->choice.kinds;
}

static bool looked_at(const struct snapshot *s, unsigned kinds, struct err *why)
{
	for (int k = 0; k < RES_KINDS; k++)
		if ((!kinds || (kinds & (1u << k))) && !s->of[k].complete) {
			*why = s->of[k].why;
			return false;
		}
	return true;
}

static int act(const struct invocation *in, struct wish *w, struct arena *a)
{
	struct scope scope = scope_host(in->paths);
	struct err e = { 0 };
	struct snapshot now;
	struct reclaim_plan plan;
	autorecovery struct recovery_lock lock = RECOVERY_UNLOCKED;
	bool json = ops_wants_json(w->json, w->text);
	struct progress p = { .scope = &scope, .json = json };
	if (!w->dry && ops_take_turn(in->paths, &lock, &e) < 0) {
		complain("%s", e.text);
		return EXIT_IE;
	}
	w->choice.now = clock_wall_s();
	snapshot_take(&scope, needed(w), a, &now);
	bool looked = looked_at(&now, w->choice.kinds, &e);
	reclaim_plan_make(&now, &w->choice, a, &plan);
	size_t left = 0;
	if (w->dry) {
		show_plan(&plan, w, json);
	} else {
		struct reclaim_how how = progress_how(&p);
		how.lazy = w->lazy;
		how.trash = w->trash;
		ops_catch_signals();
		left = reclaim_walk(&plan, &how);
		progress_end(&p);
	}
	summary(&plan, looked, &e, json, w->dry);
	if (!w->dry && plan.n)
		ops_note_action(in->paths, w->lazy ? "reclaim --lazy" : "reclaim", in->argc > 1 ? in->argv[1] : NULL,
				left ? "something left" : "all gone");
	return finish(!looked ? EXIT_IE : left ? EXIT_VERDICT : EXIT_GOOD);
}

static int undo_one(const struct paths *p, const char *id, bool json)
{
	char back[PATH_ROOM + 100] = "";
	struct err e = { 0 };
	struct dirid meant;
	int r = dirid_parse(id, &meant) < 0 ?
		err_say(&e, EINVAL, "'%.60s' is no directory's identity: MAJOR:MINOR:INODE[:BIRTH]", id) :
		trash_undo(p, &meant, back, sizeof back, &e);
	if (json) {
		autojson json_t *j = json_pack("{s:s,s:o,s:o,s:s,s:o,s:o}", "kind", "tempdir", "id", json_text(id), "name",
					       json_text(*back ? back : id), "outcome", r == 0 ? "restored" : "failed", "errno",
					       r ? json_string(err_name(-r)) : json_null(), "because", r ? json_text(e.text) : json_null());
		ops_line(j);
	} else if (r == 0) {
		(void)printf("restored %s\n", back);
	}
	if (r)
		complain("%s: %s", id, e.text);
	ops_note_action(p, "reclaim --undo", id, r ? "not restored" : "restored");
	return r == 0 ? EXIT_GOOD : EXIT_VERDICT;
}

static int undo(const struct invocation *in, const struct wish *w)
{
	int worst = EXIT_GOOD;
	for (size_t i = 0; i < w->choice.nids; i++) {
		int status = undo_one(in->paths, w->choice.ids[i], ops_wants_json(w->json, w->text));
		worst = status > worst ? status : worst;
	}
	return finish(worst);
}

int ops_reclaim(const struct invocation *in)
{
	autoarena struct arena a = { 0 };
	struct wish w = { 0 };
	struct err e = { 0 };
	if (parse(in, &w, &a, &e) < 0) {
		complain("reclaim: %s", e.text);
		return EXIT_USAGE;
	}
	if (w.help) {
		usage();
		return finish(EXIT_GOOD);
	}
	if (w.undo)
		return undo(in, &w);
	if (!w.dry && trash_expire(in->paths, clock_wall_s(), EXPIRE_MS))
		complain("something in the trash could not be deleted");
	return act(in, &w, &a);
}
