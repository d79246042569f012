/* rustbox-tui report, bundle, verify-journal, attach, incidents: what the console's R and ! start, and people type. */
#include <dirent.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "tui/bundle.h"
#include "tui/journal.h"
#include "tui/keep.h"
#include "tui/report.h"

enum { BAD = 1, USAGE = 64 };

struct asked {
	bool json, save, help;
	const char *root, *id;
};

static int complain(const struct err *e, int code)
{
	char safe[700];
	(void)fprintf(stderr, "rustbox-tui: %s\n", text_escape(e->text, safe, sizeof safe));
	return code;
}

/* Atomic: the report is the one before or this one, never half of it. */
static int save(const struct paths *paths, const char *id, bool json, const char *text, size_t n, char *path, size_t cap, struct err *e)
{
	char partial[PATH_ROOM + 140];
	journal_path(paths, id, json ? "report.json" : "report.md", path, cap);
	(void)snprintf(partial, sizeof partial, "%s.%d", path, (int)getpid());
	autofd int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n || fsync(fd) != 0 || rename(partial, path) != 0) {
		int code = errno;
		(void)!unlink(partial);
		return err_set(e, code ? code : ENOSPC, "write %s", path);
	}
	return 0;
}

static int report(const struct paths *paths, const struct asked *a)
{
	struct err e = { 0 };
	char path[PATH_ROOM + 96];
	autojson json_t *r = report_make(paths, a->id, &e);
	autofree char *text = NULL;
	size_t n = 0;
	FILE *f = r ? open_memstream(&text, &n) : NULL;
	if (!f)
		return complain(&e, BAD);
	if (a->json)
		(void)(json_dumpf(r, f, JSON_INDENT(2) | JSON_PRESERVE_ORDER) == 0 && fputc('\n', f));
	else
		report_markdown(r, f);
	(void)fclose(f);
	int bad = a->save ? save(paths, a->id, a->json, text, n, path, sizeof path, &e) : 0;
	if (bad)
		return complain(&e, BAD);
	if (a->save)
		(void)printf("saved %s\n\n", path);
	return fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0 ? 0 : BAD;
}

static int bundle(const struct paths *paths, const struct asked *a)
{
	struct err e = { 0 };
	char path[PATH_ROOM + 140], page[1200];
	if (bundle_make(paths, a->id, path, sizeof path, &e) != 0)
		return complain(&e, BAD);
	bundle_page(paths, a->id, path, page, sizeof page);
	return printf("PAGE TEXT (also in page.txt):\n%s", page) < 0 || fflush(stdout) != 0;
}

static int verify(const struct paths *paths, const struct asked *a)
{
	struct err e = { 0 };
	struct journal_check c;
	if (journal_verify(paths, a->id, &c, &e) != 0)
		return complain(&e, BAD);
	if (c.bad)
		(void)printf("%s: CHAIN BROKEN at line %llu of %llu: it, or the line before, is not what was written\n", a->id,
			     (unsigned long long)c.bad, (unsigned long long)c.lines);
	else if (c.cut)
		(void)printf("%s: CUT OFF: %llu lines are here, and journal.head says %llu were written\n", a->id,
			     (unsigned long long)c.lines, (unsigned long long)c.written);
	else
		(void)printf("%s: chain whole, %llu lines, last %s%s%s\n", a->id, (unsigned long long)c.lines, c.last,
			     c.written ? "" : "; no journal.head: whether its end was cut off is not known",
			     c.torn ? "; its writer died in a line after that" : "");
	return fflush(stdout) != 0 || c.bad != 0 || c.cut;
}

static int list(const struct paths *paths, const struct asked *a)
{
	(void)a;
	autodir DIR *dir = opendir(paths->of[PATH_INCIDENTS]);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		struct err e = { 0 };
		autofree char *text = NULL;
		char safe[300];
		if (d->d_name[0] != '.' && journal_read(paths, d->d_name, &text, &e) == 0)
			(void)printf("%s\n", text_escape(d->d_name, safe, sizeof safe));
	}
	return fflush(stdout) != 0;
}

static int attach(const struct paths *paths, const struct asked *a)
{
	return keep_attach(paths, a->id);
}

static const struct {
	const char *word, *args;
	bool needs_id;
	int (*run)(const struct paths *paths, const struct asked *a);
} commands[] = {
	{ "report", "ID [--md|--json] [--save]", true, report },
	{ "bundle", "ID", true, bundle },
	{ "verify-journal", "ID", true, verify },
	{ "attach", "ID", true, attach },
	{ "incidents", "", false, list },
};

static int parse(int argc, char **argv, struct asked *a)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "md", no_argument, NULL, 'm' }, { "save", no_argument, NULL, 's' },
		{ "root", required_argument, NULL, 'r' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	int c;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		a->json = c == 'j' || (a->json && c != 'm');
		a->save = a->save || c == 's';
		a->help = a->help || c == 'h';
		a->root = c == 'r' ? optarg : a->root;
		if (c == '?')
			return USAGE;
	}
	a->id = argv[optind];
	return 0;
}

int incident_command(int argc, char **argv, const char *root)
{
	struct asked a = { .root = root };
	struct paths paths;
	struct err e = { 0 };
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[0], commands[i].word) != 0)
			continue;
		int bad = parse(argc, argv, &a);
		if (bad || a.help || (commands[i].needs_id && (!a.id || strchr(a.id, '/') || a.id[0] == '.')))
			return fprintf(a.help ? stdout : stderr, "usage: rustbox-tui %s %s [--root DIR]\n", commands[i].word,
				       commands[i].args) < 0 || !a.help ? USAGE : 0;
		if (paths_init(&paths, a.root, &e) != 0)
			return complain(&e, USAGE);
		return commands[i].run(&paths, &a);
	}
	return -1;
}
