/*
 * rustbox drill: the ten drills from the command line, and, inside one, its hints, its score and what belongs to
 * it. The console's drill pages are these commands' answers.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/drill.h"
#include "sandbox/drill/session.h"
#include "sandbox/ops/drill_show.h"
#include "sandbox/ops/ops.h"

struct wish {
	bool json, text, solve, literal, open, help;
	uint64_t seed, minutes;
	bool seeded;
	int first; /* of the words that are no options */
};

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },	   { "text", no_argument, NULL, 'x' }, { "solve", no_argument, NULL, 's' },
	{ "literal", no_argument, NULL, 'l' },	   { "keep-open", no_argument, NULL, 'o' },
	{ "seed", required_argument, NULL, 'n' },  { "minutes", required_argument, NULL, 'm' },
	{ "help", no_argument, NULL, 'h' },	   { 0 },
};

static void usage(void)
{
	(void)printf("usage: rustbox drill list [--json]\n"
		     "       rustbox drill run NAME [--seed N] [--solve | --literal | --keep-open] [--minutes N] [--json]\n"
		     "       rustbox drill walkthrough [P1 ... P6 | RUNBOOK[:N]]\n"
		     "       rustbox drill hint | result | replay | solution | say TEXT | escalate TEXT    (inside a drill)\n\n"
		     "A drill is a real fault in namespaces of its own: nothing of this host is touched, and a watchdog undoes\n"
		     "everything when the time is over or the drill is killed. On a terminal the console opens in it.\n"
		     "--solve lets the reference solution recover, --literal the founding runbook's shell lines; --keep-open holds\n"
		     "the world until standard input ends. The same --seed gives the same drill.\n"
		     "exit status: 0 passed (60 points or more), 1 not passed, 2 usage, 3 could not be run\n");
}

static int parse(const struct invocation *in, struct wish *w, struct err *e)
{
	int c;
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(in->argc, in->argv, "", options, NULL)) != -1)
		switch (c) {
		case 'j': w->json = true; break;
		case 'x': w->text = true; break;
		case 's': w->solve = true; break;
		case 'l': w->literal = true; break;
		case 'o': w->open = true; break;
		case 'h': w->help = true; break;
		case 'n':
			w->seeded = true;
			if (text_parse_u64(optarg, &w->seed, e) < 0 || w->seed > UINT32_MAX)
				return err_say(e, EINVAL, "--seed '%.40s' is no number up to 4294967295", optarg);
			break;
		case 'm':
			if (text_parse_u64(optarg, &w->minutes, e) < 0 || w->minutes == 0 || w->minutes > 24 * 60)
				return err_say(e, EINVAL, "--minutes '%.40s' is no number from 1 to 1440", optarg);
			break;
		default: return err_say(e, EINVAL, "`rustbox drill --help` lists the options");
		}
	if (w->solve + w->literal + w->open > 1)
		return err_say(e, EINVAL, "--solve, --literal and --keep-open exclude each other");
	w->first = optind;
	return 0;
}

static int show_end(const struct session *s, const struct ground *g, const struct facts *f, const struct score *score)
{
	static const char *const modes[] = { [SESSION_LEARN] = "learn", [SESSION_SOLVE] = "solve", [SESSION_LITERAL] = "literal",
					     [SESSION_OPEN] = "open", [SESSION_WALK] = "walk" };
	if (s->json) {
		autojson json_t *j = drill_result_json(g, f, score, modes[s->mode]);
		ops_line(j);
	} else {
		drill_result_text(stdout, g, f, score, true);
	}
	return finish(score->total >= 60 ? EXIT_GOOD : EXIT_VERDICT);
}

static int run(const struct invocation *in, const struct wish *w, const char *name)
{
	struct err e = { 0 };
	struct session s = { .drill = drill_find(name), .json = ops_wants_json(w->json, w->text), .end = show_end,
			     .minutes = (unsigned)w->minutes, .seed = w->seeded ? (unsigned)w->seed : (unsigned)time(NULL) % 10000 };
	if (!s.drill) {
		complain("drill: '%.40s' is no drill; `rustbox drill list` lists them", name);
		return EXIT_USAGE;
	}
	if (getenv("RUSTBOX_DRILL")) {
		complain("drill: this is a drill already; leave it first");
		return EXIT_USAGE;
	}
	(void)in;
	s.mode = w->solve ? SESSION_SOLVE : w->literal ? SESSION_LITERAL : w->open ? SESSION_OPEN : SESSION_LEARN;
	s.quiet = s.json;
	if (s.mode == SESSION_LEARN && (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))) {
		complain("drill: without a terminal say --solve, --literal or --keep-open");
		return EXIT_USAGE;
	}
	int code = session_run(&s, &e);
	for (; code == DRILL_AGAIN; code = session_run(&s, &e))
		s.seed++;
	if (code < 0) {
		complain("drill: %s", e.text);
		return EXIT_IE;
	}
	if (code >= 128)
		complain("drill: its time was over, or somebody killed it; everything is undone");
	return code > 4 ? EXIT_IE : code;
}

static int walkthrough(const char *words)
{
	struct err e = { 0 };
	char page[80]; /* inside, the arguments' room becomes a title */
	struct session s = { .drill = drill_taught(words ? words : "P2", page, sizeof page), .mode = SESSION_WALK, .book = page, .seed = 1 };
	if (!s.drill) {
		complain("drill: '%.60s' is no page with a walkthrough; say P1 to P6 or %s", words ? words : "", drill_taught_pages());
		return EXIT_USAGE;
	}
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		complain("drill: a walkthrough needs a terminal");
		return EXIT_USAGE;
	}
	int code = session_run(&s, &e);
	if (code < 0)
		complain("drill: %s", e.text);
	return code < 0 ? EXIT_IE : code;
}

/* ---- inside ----------------------------------------------------------------------------------- */

static int hint(struct ground *g, const struct wish *w, const char *text)
{
	struct facts f;
	(void)w, (void)text;
	session_judge(g, &f);
	if (f.hints >= DRILL_HINTS)
		return printf("no more hints: `rustbox drill solution` shows the way\n") < 0 ? EXIT_IE : EXIT_GOOD;
	if (ground_log(g, "hint", drills[g->drill].hint[f.hints]) < 0)
		return EXIT_IE;
	(void)printf("hint %u of %d (-%d): %s\n", f.hints + 1, DRILL_HINTS, SCORE_HINT, drills[g->drill].hint[f.hints]);
	return EXIT_GOOD;
}

static int result(struct ground *g, const struct wish *w, const char *text)
{
	struct facts f;
	struct score score;
	(void)text;
	session_judge(g, &f);
	score_make(&drills[g->drill], &f, &score);
	if (ops_wants_json(w->json, w->text)) {
		autojson json_t *j = drill_result_json(g, &f, &score, "learn");
		ops_line(j);
	} else {
		drill_result_text(stdout, g, &f, &score, f.left == 0);
	}
	return EXIT_GOOD;
}

static int say(struct ground *g, const struct wish *w, const char *text)
{
	(void)w;
	return ground_log(g, "say", text) < 0 ? EXIT_IE : EXIT_GOOD;
}

static int escalate(struct ground *g, const struct wish *w, const char *text)
{
	struct err e = { 0 };
	(void)w;
	if (ground_log(g, "escalate", text) < 0)
		return EXIT_IE;
	if (drill_answer(g, &e) < 0) {
		complain("drill: %s", e.text);
		return EXIT_IE;
	}
	(void)printf("%s\n", drill_answer_words(g));
	return EXIT_GOOD;
}

static int replay(struct ground *g, const struct wish *w, const char *text)
{
	(void)w, (void)text;
	return drill_replay(stdout, g) < 0 ? EXIT_IE : EXIT_GOOD;
}

static int solution(struct ground *g, const struct wish *w, const char *text)
{
	struct facts f;
	(void)w, (void)text;
	session_judge(g, &f);
	/* Before everything is gone it is all the hints that are left, at their price. */
	for (unsigned i = f.hints; f.left && i < DRILL_HINTS; i++)
		if (ground_log(g, "hint", drills[g->drill].hint[i]) < 0)
			return EXIT_IE;
	drill_solution(stdout, g);
	return EXIT_GOOD;
}

static const struct {
	const char *name;
	int (*run)(struct ground *g, const struct wish *w, const char *text);
	bool says; /* takes words */
} inner[] = {
	{ "hint", hint, false },   { "result", result, false },	  { "say", say, true },
	{ "escalate", escalate, true }, { "replay", replay, false }, { "solution", solution, false },
};

static int within(const struct invocation *in, const struct wish *w, size_t which)
{
	struct ground g;
	struct err e = { 0 };
	char words[600] = "";
	struct text t = TEXT_ON(words);
	for (int i = w->first + 1; i < in->argc; i++)
		text_add(&t, "%s%s", t.len ? " " : "", in->argv[i]);
	if (inner[which].says == !t.len) {
		complain("drill: %s %s", inner[which].name, t.len ? "takes no words" : "needs a text");
		return EXIT_USAGE;
	}
	if (ground_load(in->paths->root, &g, &e) < 0) {
		complain("drill: %s", e.text);
		return EXIT_USAGE;
	}
	int code = inner[which].run(&g, w, words);
	if (code == EXIT_IE)
		complain("drill: the drill's log could not be written");
	return finish(code);
}

int ops_drill(const struct invocation *in)
{
	struct wish w = { 0 };
	struct err e = { 0 };
	if (parse(in, &w, &e) < 0) {
		complain("drill: %s", e.text);
		return EXIT_USAGE;
	}
	const char *word = w.first < in->argc ? in->argv[w.first] : "";
	const char *next = w.first + 1 < in->argc ? in->argv[w.first + 1] : NULL;
	if (w.help)
		return usage(), finish(EXIT_GOOD);
	if (strcmp(word, "list") == 0 && !next)
		return drill_list(stdout, ops_wants_json(w.json, w.text)), finish(EXIT_GOOD);
	if (strcmp(word, "run") == 0 && next && w.first + 2 == in->argc)
		return run(in, &w, next);
	if (strcmp(word, "walkthrough") == 0 && w.first + 2 >= in->argc)
		return walkthrough(next);
	for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
		if (strcmp(word, inner[i].name) == 0)
			return within(in, &w, i);
	complain("drill: say list, run NAME, walkthrough, hint, result, replay, solution, say TEXT or escalate TEXT");
	return EXIT_USAGE;
}
