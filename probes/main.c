/*
 * rustbox-probe: look, and change nothing. One table of commands gives dispatch and help; every command
 * speaks JSON to programs and text to people, and its exit status says what was seen.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/diff.h"
#include "probes/holders.h"
#include "probes/host.h"
#include "probes/pressure.h"
#include "probes/show.h"
#include "probes/watch.h"

enum { EXIT_CLEAN, EXIT_DIFFERS, EXIT_USAGE, EXIT_BLIND };

struct options {
	struct paths paths;
	struct scope scope;
	bool json;
};

struct command {
	const char *name, *args, *help;
	int (*run)(const struct options *o, char **args, int nargs);
	int least, most; /* arguments */
};

static int blind(const struct err *e)
{
	char shown[400];
	(void)fprintf(stderr, "rustbox-probe: %s\n", text_escape(e->text, shown, sizeof shown));
	return EXIT_BLIND;
}

/* Prints and releases one JSON value as one line. */
static void print_json(json_t *j)
{
	(void)json_dumpf(j, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(j);
}

static int run_snapshot(const struct options *o, char **args, int nargs)
{
	autoarena struct arena a = { 0 };
	struct snapshot s;
	(void)args;
	(void)nargs;
	snapshot_take(&o->scope, 0, &a, &s);
	if (o->json)
		print_json(snapshot_to_json(&s));
	else
		show_snapshot(stdout, &s);
	return snapshot_all_leftovers(&s) ? EXIT_DIFFERS : snapshot_complete(&s) ? EXIT_CLEAN : EXIT_BLIND;
}

static int baseline_capture(const struct options *o)
{
	autoarena struct arena a = { 0 };
	struct snapshot s;
	struct err e;
	snapshot_take(&o->scope, 0, &a, &s);
	if (baseline_write(&s, stdout, &e))
		return blind(&e);
	if (snapshot_complete(&s))
		return EXIT_CLEAN;
	for (int k = 0; k < RES_KINDS; k++)
		if (!s.of[k].complete)
			(void)blind(&s.of[k].why);
	return EXIT_BLIND;
}

static int baseline_compare(const struct options *o, const char *path)
{
	autoarena struct arena a = { 0 };
	struct snapshot base, now;
	struct diff d;
	struct err e;
	int rc = baseline_read(path, &a, &base, &e);
	if (rc && rc != -ENOENT)
		return blind(&e);
	snapshot_take(&o->scope, 0, &a, &now);
	diff_make(rc ? NULL : &base, &now, &a, &d);
	if (o->json)
		print_json(diff_to_json(&d));
	else
		show_diff(stdout, &d);
	return !d.trusted ? EXIT_BLIND : d.n ? EXIT_DIFFERS : EXIT_CLEAN;
}

static int run_baseline(const struct options *o, char **args, int nargs)
{
	if (strcmp(args[0], "capture") == 0 && nargs == 1)
		return baseline_capture(o);
	if (strcmp(args[0], "diff") == 0)
		return baseline_compare(o, nargs > 1 ? args[1] : o->paths.of[PATH_BASELINE]);
	(void)fprintf(stderr, "rustbox-probe: baseline takes 'capture' or 'diff [FILE]'\n");
	return EXIT_USAGE;
}

/* A mount id, a ghost's device, or the mount point itself: every mount stacked on it. */
static bool is_meant(const struct resource *r, const char *word)
{
	if (strcmp(r->id, word) == 0)
		return true;
	return r->kind == RES_MOUNT && strcmp(r->name, word) == 0;
}

static int run_holders(const struct options *o, char **args, int nargs)
{
	autoarena struct arena a = { 0 };
	struct snapshot s;
	size_t found = 0, held = 0;
	bool complete = true;
	char *word = args[0];
	(void)nargs;
	for (size_t n = strlen(word); n > 1 && word[n - 1] == '/'; n--)
		word[n - 1] = '\0';
	snapshot_take(&o->scope, 1u << RES_MOUNT | 1u << RES_GHOST, &a, &s);
	for (int k = 0; k < RES_KINDS; k++)
		for (size_t i = 0; i < s.of[k].n; i++) {
			const struct resource *r = &s.of[k].v[i];
			struct holders h;
			if (!is_meant(r, word))
				continue;
			found++;
			holders_find(&o->scope, r, &a, &h);
			held += h.n;
			complete &= h.complete;
			if (o->json)
				print_json(holders_to_json(r, &h));
			else
				show_holders(stdout, r, &h);
		}
	struct err e;
	if (!found) {
		char shown[200];
		(void)err_say(&e, ENOENT, "no mount '%s' here; `rustbox-probe snapshot` lists ids and mount points",
			      text_escape(word, shown, sizeof shown));
		return blind(&e);
	}
	return held ? EXIT_DIFFERS : complete ? EXIT_CLEAN : EXIT_BLIND;
}

static int run_host(const struct options *o, char **args, int nargs)
{
	autoarena struct arena a = { 0 };
	struct host h;
	(void)args;
	(void)nargs;
	host_look(&o->scope, &a, &h);
	if (o->json)
		print_json(show_host_json(&h));
	else
		show_host(stdout, &h);
	return EXIT_CLEAN;
}

static int run_pressure(const struct options *o, char **args, int nargs)
{
	struct pressure p;
	(void)args;
	(void)nargs;
	pressure_look(&o->scope, &p);
	if (o->json)
		print_json(pressure_to_json(&p));
	else
		show_pressure(stdout, &p);
	bool known = true;
	for (int i = 0; i < PRESSURE_DISKS; i++)
		known &= p.disk[i].known;
	return known ? EXIT_CLEAN : EXIT_BLIND;
}

static int run_space(const struct options *o, char **args, int nargs)
{
	enum { BUDGET_MS = 3000 };
	autoarena struct arena a = { 0 };
	struct space s;
	struct err e;
	(void)nargs;
	if (space_look(&o->scope, args[0], BUDGET_MS, &a, &s, &e)) {
		if (o->json)
			print_json(json_pack("{s:s,s:o}", "op", "error", "why", json_text(e.text)));
		return blind(&e);
	}
	autojson json_t *lines = space_to_json(&s);
	for (size_t i = 0; o->json && i < json_array_size(lines); i++)
		print_json(json_incref(json_array_get(lines, i)));
	if (!o->json)
		show_space(stdout, &s);
	return s.ndeleted ? EXIT_DIFFERS : s.complete ? EXIT_CLEAN : EXIT_BLIND;
}

static int run_watch(const struct options *o, char **args, int nargs)
{
	struct err e;
	(void)args;
	(void)nargs;
	return watch_run(&o->scope, STDOUT_FILENO, &e) ? blind(&e) : EXIT_CLEAN;
}

static const struct command commands[] = {
	{ "snapshot", "", "all of rustbox's resources and the host's mounts, now", run_snapshot, 0, 0 },
	{ "baseline", "capture | diff [FILE]", "print what is normal, or compare with it", run_baseline, 1, 2 },
	{ "holders", "PATH | ID", "who keeps a mount or ghost busy, in every mount namespace", run_holders, 1, 1 },
	{ "host", "", "what this kernel and host offer", run_host, 0, 0 },
	{ "pressure", "", "disk, inodes, file handles, memory, stalls, kernel log", run_pressure, 0, 0 },
	{ "space", "PATH", "where the space of its file system went: found by walking, deleted but open, neither", run_space, 1, 1 },
	{ "watch", "", "a snapshot that stays true, as JSON lines, until interrupted", run_watch, 0, 0 },
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static int usage(FILE *out)
{
	(void)fputs("usage: rustbox-probe [--root DIR] [--json | --text] COMMAND\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++) {
		char left[48];
		(void)snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].args);
		(void)fprintf(out, "  %-32s %s\n", left, commands[i].help);
	}
	(void)fputs("\nJSON when the output is not a terminal, else text; a captured baseline is always text.\n"
		    "--root DIR (or RUSTBOX_ROOT) looks at the world below DIR.\n"
		    "exit status: 0 clean, 1 leftovers, differences or holders, 2 usage, 3 could not look everywhere\n",
		    out);
	return out == stdout ? EXIT_CLEAN : EXIT_USAGE;
}

static int dispatch(const struct options *o, char **words, int n)
{
	for (size_t i = 0; n > 0 && i < COMMANDS; i++) {
		const struct command *c = &commands[i];
		if (strcmp(words[0], c->name) != 0)
			continue;
		if (n - 1 >= c->least && n - 1 <= c->most)
			return c->run(o, words + 1, n - 1);
		(void)fprintf(stderr, "rustbox-probe: usage: rustbox-probe %s %s\n", c->name, c->args);
		return EXIT_USAGE;
	}
	char shown[100];
	if (n > 0)
		(void)fprintf(stderr, "rustbox-probe: unknown command '%s'\n", text_escape(words[0], shown, sizeof shown));
	return usage(stderr);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "root", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
		{ "text", no_argument, NULL, 't' },	  { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },	  { NULL, 0, NULL, 0 },
	};
	struct options o = { .json = !isatty(STDOUT_FILENO) };
	const char *root = getenv("RUSTBOX_ROOT");
	struct err e;
	for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;) {
		switch (c) {
		case 'r': root = optarg; break;
		case 'j': o.json = true; break;
		case 't': o.json = false; break;
		case 'h': return usage(stdout);
		case 'v': return printf("rustbox-probe %s\n", RUSTBOX_VERSION) < 0;
		default: return EXIT_USAGE;
		}
	}
	if (paths_init(&o.paths, root, &e)) {
		(void)blind(&e);
		return EXIT_USAGE;
	}
	o.scope = scope_host(&o.paths);
	int rc = dispatch(&o, argv + optind, argc - optind);
	if (fflush(stdout) || ferror(stdout)) {
		(void)err_set(&e, errno ? errno : EIO, "write the answer");
		return blind(&e);
	}
	return rc;
}
