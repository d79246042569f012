/* rustbox-tui: the options, and which of its three shapes runs: console, report, script. */
#include <fcntl.h>
#include <getopt.h>
#include <langinfo.h>
#include <limits.h>
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probes/base/paths.h"
#include "tui/books.h"
#include "tui/child.h"
#include "tui/guard.h"
#include "tui/keep.h"
#include "tui/loop.h"
#include "tui/once.h"
#include "tui/plain.h"
#include "tui/report.h"
#include "tui/script.h"
#include "tui/term.h"

/*        id, flag, argument, help */
#define OPTIONS(X)                                                                                             \
	X(ONCE, "once", NULL, "print a report and exit: 0 clean, 1 leftovers, 2 quarantined, 3 conflict, 4 cannot tell") \
	X(JSON, "json", NULL, "with --once: one JSON object")                                                  \
	X(TEXT, "text", NULL, "with --once: plain text (the default)")                                         \
	X(PLAIN, "plain", NULL, "a numbered dialogue, line by line: for screen readers and terminals without a cursor") \
	X(ROOT, "root", "DIR", "the world to look at (also RUSTBOX_ROOT); default: the host")                 \
	X(LABEL, "label", "WORD", "shown in the first row, e.g. PROD (also RUSTBOX_LABEL)")                   \
	X(INCIDENT, "incident", "NAME", "name of the incident's journal; default: date and time")            \
	X(METRICS, "metrics", "[ADDR:]PORT", "where the worker's metrics are, or off; 9090 by default, with --root off (also RUSTBOX_METRICS)") \
	X(MONO, "mono", NULL, "no colours (also NO_COLOR)")                                                   \
	X(ASCII, "ascii", NULL, "no characters beyond ASCII")                                                 \
	X(NO_GUARD, "no-guard", NULL, "do not keep a process that repairs the terminal if this one is killed") \
	X(SCRIPT, "script", "FILE", "drive the console from a key script, without a terminal")                \
	X(FIXTURE, "fixture", "FILE", "with --script: watch lines that stand for the host")                   \
	X(SIZE, "size", "COLSxROWS", "with --script: the screen, 80x24 by default")                           \
	X(DUMP, "dump", "text|svg", "with --script: how the screen is written")                               \
	X(LIGHT, "light", NULL, "for a light background (also COLORFGBG)")                                    \
	X(WALKTHROUGH, "walkthrough", "PAGE", "training, on a drill's fault: P1 to P6, a runbook, or RUNBOOK:N")          \
	X(HELP, "help", NULL, "this text") X(VERSION, "version", NULL, "the version")

enum option_id {
#define X(id, flag, arg, help) OPT_##id,
	OPTIONS(X)
#undef X
	OPT_COUNT
};

static const struct {
	const char *flag, *arg, *help;
} options[OPT_COUNT] = {
#define X(id, flag, arg, help) [OPT_##id] = { flag, arg, help },
	OPTIONS(X)
#undef X
};

struct asked {
	bool on[OPT_COUNT];
	const char *value[OPT_COUNT];
};

static void usage(FILE *out)
{
	(void)fprintf(out, "usage: rustbox-tui [OPTION...]\n       rustbox-tui report|bundle|verify-journal|attach ID | incidents\nThe recovery console. It starts read-only; ? shows the keys.\n\n");
	for (int i = 0; i < OPT_COUNT; i++)
		(void)fprintf(out, "  --%s%s%-*s %s\n", options[i].flag, options[i].arg ? " " : "",
			      (int)(20 - strlen(options[i].flag) - (options[i].arg != NULL)),
			      options[i].arg ? options[i].arg : "", options[i].help);
}

static int parse(int argc, char **argv, struct asked *ret)
{
	struct option longs[OPT_COUNT + 1] = { 0 };
	for (int i = 0; i < OPT_COUNT; i++)
		longs[i] = (struct option){ options[i].flag, options[i].arg ? required_argument : no_argument, NULL, 256 + i };
	int got;
	while ((got = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (got < 256)
			return -EINVAL;
		ret->on[got - 256] = true;
		ret->value[got - 256] = optarg;
	}
	if (optind < argc) {
		(void)fprintf(stderr, "rustbox-tui: unexpected argument '%s'; --help lists the options\n", argv[optind]);
		return -EINVAL;
	}
	return 0;
}

static const char *user_name(void)
{
	const char *sudo = getenv("SUDO_USER");
	const struct passwd *pw = sudo && *sudo ? NULL : getpwuid(getuid());
	return sudo && *sudo ? sudo : pw ? pw->pw_name : "?";
}

static const char *or_env(const char *value, const char *variable)
{
	const char *v = value ? value : getenv(variable);
	return v && *v ? v : NULL;
}

/* COLORFGBG is "foreground;background" in the 16 colours; 7 and 15 are white. */
static bool light_background(void)
{
	const char *v = getenv("COLORFGBG"), *last = v ? strrchr(v, ';') : NULL;
	return last && (strcmp(last, ";15") == 0 || strcmp(last, ";7") == 0);
}

static bool wants_utf8(const struct asked *a)
{
	return !a->on[OPT_ASCII] && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static int complain(const struct err *e, int code)
{
	(void)fprintf(stderr, "rustbox-tui: %s\n", e->text);
	return code;
}

static int console(const struct asked *a, const struct paths *paths, const char *books)
{
	struct err e = { 0 };
	char host[HOST_NAME_MAX + 1] = "?", incident[32], notice[120];
	const char *tty = ttyname(STDIN_FILENO);
	time_t now = time(NULL);
	(void)gethostname(host, sizeof host - 1);
	(void)strftime(incident, sizeof incident, "%Y%m%d-%H%M%S", gmtime(&now));
	loop_block_signals();
	struct guard *guard = guard_enter(STDOUT_FILENO, !a->on[OPT_NO_GUARD] && !a->on[OPT_PLAIN]);
	guard_catch_fatal(guard);
	struct model_options mo = { .host = host, .user = user_name(), .tty = tty ? tty : "?", .root = *paths->root ? paths->root : NULL,
				    .label = or_env(a->value[OPT_LABEL], "RUSTBOX_LABEL"),
				    .incident = a->value[OPT_INCIDENT] ? a->value[OPT_INCIDENT] : incident,
				    .utf8 = wants_utf8(a), .is_root = geteuid() == 0,
				    .teach = a->value[OPT_WALKTHROUGH], .in_drill = or_env(NULL, "RUSTBOX_DRILL") != NULL };
	struct term_options to = { .name = getenv("TERM"), .in = STDIN_FILENO, .out = STDOUT_FILENO,
				   .mono = a->on[OPT_MONO] || or_env(NULL, "NO_COLOR"),
				   .light = a->on[OPT_LIGHT] || light_background() };
	struct terminal *term = NULL;
	notice[0] = '\0';
	int r = a->on[OPT_PLAIN] ? -ENOTSUP : term_open(&term, &to, guard, notice, sizeof notice, &e);
	if (r == -ENOTTY) {
		(void)complain(&e, 0);
		return once_run(paths, false);
	}
	if (r == -ENOTSUP && !a->on[OPT_PLAIN])
		(void)complain(&e, 0);
	if (r && r != -ENOTSUP)
		return complain(&e, ONCE_UNKNOWN);
	struct model *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	model_init(m, &mo);
	if (books_load(m, books, &e) != 0)
		(void)snprintf(notice, sizeof notice, "%.110s", e.text);
	char rustbox[PATH_MAX];
	int found = child_find_rustbox(rustbox, sizeof rustbox, NULL);
	if (found)
		(void)snprintf(notice, sizeof notice, "rustbox: not found; %s", found > 0 ?
			       "built-in guided cleanup available: rustbox-ops acts in its place" :
			       "nor rustbox-ops: seeing works, acting does not; install it, or set PATH");
	struct resume resume;
	if (!a->on[OPT_INCIDENT] && resume_find(paths, &resume))
		model_offer_resume(m, &resume);
	const char *metrics = or_env(a->value[OPT_METRICS], "RUSTBOX_METRICS");
	struct loop_options lo = { .model = m, .term = term, .paths = paths, .incident = mo.incident, .notice = notice,
				   .metrics = metrics ? metrics : *paths->root ? NULL : "9090", /* another world's port is not known */
				   .utf8 = mo.utf8 };
	r = term ? loop_run(&lo, &e) : plain_run(&lo, &e);
	term_close(term);
	model_done(m);
	free(m);
	return r < 0 ? complain(&e, ONCE_UNKNOWN) : r;
}

/* It needs a fault to be walked on: `rustbox drill` makes one, and starts this program in it again. */
static int walkthrough(const char *page)
{
	char path[PATH_MAX];
	struct err e = { 0 };
	if (child_find("rustbox", path, sizeof path, &e) != 0)
		return complain(&e, 64);
	(void)execl(path, path, "drill", "walkthrough", page, (char *)NULL);
	(void)err_set(&e, errno, "start %s", path);
	return complain(&e, 64);
}

int main(int argc, char **argv)
{
	struct asked a = { 0 };
	struct paths paths;
	struct err e = { 0 };
	if (argc > 2 && strcmp(argv[1], "keep") == 0)
		return keep_command(argv + 2);
	int done = argc > 1 && argv[1][0] != '-' ? incident_command(argc - 1, argv + 1, or_env(NULL, "RUSTBOX_ROOT")) : -1;
	if (done >= 0)
		return done;
	if (parse(argc, argv, &a) != 0)
		return 64;
	if (a.on[OPT_HELP])
		return usage(stdout), fflush(stdout) != 0;
	if (a.on[OPT_VERSION])
		return printf("rustbox-tui %s\n", RUSTBOX_VERSION) < 0;
	if (a.on[OPT_WALKTHROUGH] && !or_env(NULL, "RUSTBOX_DRILL"))
		return walkthrough(a.value[OPT_WALKTHROUGH]);
	if (paths_init(&paths, or_env(a.value[OPT_ROOT], "RUSTBOX_ROOT"), &e) != 0)
		return complain(&e, 64);
	if (*paths.root && setenv("RUSTBOX_ROOT", paths.root, 1) != 0) /* for the programs it starts */
		return 64;
	char books[PATH_MAX];
	books_find(books, sizeof books);
	(void)setlocale(LC_ALL, "");
	if (a.on[OPT_SCRIPT])
		return script_main(a.value[OPT_SCRIPT], a.value[OPT_FIXTURE], a.value[OPT_SIZE], a.value[OPT_DUMP], books,
				   wants_utf8(&a), a.on[OPT_LIGHT]);
	/* A console that stands in a directory holds it; it must not be what keeps a leftover busy. */
	if (chdir("/") != 0)
		return 64;
	return a.on[OPT_ONCE] ? once_run(&paths, a.on[OPT_JSON]) : console(&a, &paths, books);
}
