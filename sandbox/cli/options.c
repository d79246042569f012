/* Parsing the options of `rustbox run`; see options.h. */
#include "sandbox/cli/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/kfile.h"
#include "probes/base/own.h"

const struct option_row run_option_rows[OPTION_COUNT] = {
#define X(id, n, a, h) [OPTION_##id] = { .name = n, .arg = a, .help = h },
	RUN_OPTIONS(X)
#undef X
};

/* One word of the command line, taken apart: an option, a limit, or neither. */
struct word {
	int option, limit; /* -1 when it is not one */
	const char *value; /* "" for a switch */
	int next;	   /* where to go on */
};

static int find_option(const char *name)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strcmp(run_option_rows[i].name, name) == 0)
			return i;
	return -1;
}

static int read_word(int argc, char **argv, int at, struct word *ret, struct err *e)
{
	char name[40];
	const char *text = argv[at] + 2;
	size_t n = strcspn(text, "=");
	if (strncmp(argv[at], "--", 2) != 0 || n == 0 || n >= sizeof name)
		return err_say(e, EINVAL, "'%.40s' is no option; `rustbox run --help` lists them", argv[at]);
	memcpy(name, text, n);
	name[n] = '\0';
	struct word w = { .option = find_option(name), .limit = limit_by_flag(name), .value = "", .next = at + 1 };
	if (w.option < 0 && w.limit < 0)
		return err_say(e, EINVAL, "--%s is no option; `rustbox run --help` lists them", name);
	bool takes = w.limit >= 0 || run_option_rows[w.option].arg;
	if (!takes && text[n] == '=')
		return err_say(e, EINVAL, "--%s takes no value", name);
	if (takes && text[n] == '=') {
		w.value = text + n + 1;
	} else if (takes) {
		if (at + 1 >= argc)
			return err_say(e, EINVAL, "--%s needs a value", name);
		w.value = argv[at + 1];
		w.next = at + 2;
	}
	*ret = w;
	return 0;
}

static int load_spec(const char *file, struct arena *a, struct spec *ret, struct err *e)
{
	json_error_t where;
	autojson json_t *obj = json_load_file(file, JSON_REJECT_DUPLICATES, &where);
	if (!obj)
		return err_say(e, EINVAL, "--spec %.60s: line %d: %.100s", file, where.line, where.text);
	int rc = spec_from_json(obj, ret->defaults, a, ret, e);
	return rc < 0 ? err_wrap(e, "--spec %.60s", file) : 0;
}

/* What other options build upon comes first, wherever it stands. */
static int apply_base(const struct word *w, struct arena *a, struct run_options *o, struct err *e)
{
	if (w->option == OPTION_SPEC)
		return load_spec(w->value, a, &o->spec, e);
	if (w->option == OPTION_LANGUAGE)
		o->spec.language = w->value;
	return w->option == OPTION_PROFILE ? spec_set_profile(&o->spec, w->value, e) : 0;
}

static int read_source(const char *file, struct arena *a, const char **ret, struct err *e)
{
	enum { SOURCE_MAX = 4 << 20 };
	autofree char *text = NULL;
	bool own = strcmp(file, "-") == 0;
	ssize_t n = own ? kfile_read_fd(STDIN_FILENO, &text) : kfile_read_all(AT_FDCWD, file, &text);
	if (n < 0)
		return err_set(e, (int)-n, "--source %.100s", file);
	if (n > SOURCE_MAX || strlen(text) != (size_t)n)
		return err_say(e, EINVAL, "--source %.100s: %s", file, n > SOURCE_MAX ? "longer than 4 MiB" : "no text: it holds a NUL");
	*ret = arena_strdup(a, text);
	return 0;
}

static int belongs(const struct run_options *o, const struct word *w, struct err *e)
{
	bool codes = w->option == OPTION_LANGUAGE || w->option == OPTION_CODE || w->option == OPTION_SOURCE;
	if (codes && !o->code)
		return err_say(e, EINVAL, "--%s belongs to `rustbox execute-code`", run_option_rows[w->option].name);
	return 0;
}

static int apply(const struct word *w, struct arena *a, struct run_options *o, struct err *e)
{
	struct spec *s = &o->spec;
	if (w->limit >= 0)
		return limit_parse((enum limit)w->limit, w->value, &s->limits.of[w->limit], e);
	int rc = belongs(o, w, e);
	if (rc < 0)
		return rc;
	switch ((enum run_option)w->option) {
	case OPTION_PROFILE:
	case OPTION_LANGUAGE:
	case OPTION_SPEC: break; /* done already */
	case OPTION_CODE: s->source = w->value; break;
	case OPTION_SOURCE: return read_source(w->value, a, &s->source, e);
	case OPTION_JSON: o->json = w->value; break;
	case OPTION_BOX_ID: s->box = w->value; break;
	case OPTION_DIR: return spec_add_bind(s, a, w->value, e);
	case OPTION_ENV: return spec_add_env(s, a, w->value, getenv(w->value), e);
	case OPTION_CHDIR: s->chdir = w->value; break;
	case OPTION_STDIN: s->stdin_file = strcmp(w->value, "-") == 0 ? NULL : w->value; break;
	case OPTION_STDIN_TEXT: s->stdin_text = w->value; break;
	case OPTION_STDOUT: s->stdout_file = w->value; break;
	case OPTION_STDERR: s->stderr_file = w->value; break;
	case OPTION_MERGE: s->merge = true; break;
	case OPTION_STRICT: s->permissive = false; break;
	case OPTION_PERMISSIVE: s->permissive = true; break;
	case OPTION_CGROUP_V1: s->force_v1 = true; break;
	case OPTION_CGROUP_PARENT: o->cgroup_parent = w->value; break;
	case OPTION_DRY_RUN: o->dry_run = true; break;
	case OPTION_TIMINGS: o->timings = true; break;
	case OPTION_WORKER: o->worker = w->value; break;
	case OPTION_QUIET: o->quiet = true; break;
	case OPTION_HELP: o->help = true; break;
	case OPTION_COUNT: break;
	}
	return 0;
}

typedef int (*apply_fn)(const struct word *, struct arena *, struct run_options *, struct err *);

/* Walks the options; *ret is where the program begins. */
static int walk(int argc, char **argv, apply_fn use, struct arena *a, struct run_options *o, int *ret, struct err *e)
{
	int at = 1;
	while (at < argc && argv[at][0] == '-' && strcmp(argv[at], "--") != 0) {
		struct word w;
		int rc = read_word(argc, argv, at, &w, e);
		if (rc == 0)
			rc = use(&w, a, o, e);
		if (rc < 0)
			return rc;
		at = w.next;
	}
	*ret = at < argc && strcmp(argv[at], "--") == 0 ? at + 1 : at;
	return 0;
}

/* What the language needs at least, where the profile has less and nothing else was asked for. */
static int raise_limits(struct run_options *o, struct arena *a, struct err *e)
{
	struct spec *s = &o->spec;
	if (!s->language)
		return 0;
	const struct language *l = config_language(o->config, s->language);
	if (!l)
		return err_say(e, EINVAL, "--language: '%.40s' is none of %s", s->language,
			       config_language_words(o->config, a));
	return language_raise(l, &o->config->profiles[s->profile], &s->limits, e);
}

int options_parse(int argc, char **argv, const struct config *config, struct arena *a, struct run_options *ret,
		  struct err *e)
{
	struct run_options o = { .config = config, .cgroup_parent = config->cgroup_parent,
				 .code = strcmp(argv[0], "execute-code") == 0 };
	int program = argc;
	spec_init(&o.spec, config->profiles);
	int rc = walk(argc, argv, apply_base, a, &o, &program, e);
	if (rc == 0)
		rc = raise_limits(&o, a, e);
	if (rc == 0)
		rc = walk(argc, argv, apply, a, &o, &program, e);
	if (rc == 0 && o.code && !o.help && !o.spec.language)
		rc = err_say(e, EINVAL, "execute-code needs --language, one of %s", config_language_words(config, a));
	if (rc == 0 && !o.help)
		rc = config_check(config, &o.spec.limits, e);
	if (rc < 0)
		return rc;
	if (program < argc)
		o.spec.argv = argv + program;
	if (o.json && strcmp(o.json, "-") == 0)
		o.spec.capture = true;
	if (!o.help)
		rc = spec_check(&o.spec, e);
	if (rc == 0)
		*ret = o;
	return rc;
}

void options_usage(const struct config *config, const char *command)
{
	char left[80], judge[40], agent[40];
	bool code = strcmp(command, "execute-code") == 0;
	(void)printf("usage: rustbox %s\n\nLimits (judge, agent):\n",
		     code ? "execute-code --language NAME (--code TEXT | --source FILE) [LIMITS] [OPTIONS]"
			  : "run [LIMITS] [OPTIONS] -- PROGRAM [ARG...]");
	for (int i = 0; i < LIMIT_COUNT; i++) {
		const struct limit_row *row = &limit_rows[i];
		(void)limit_format((enum limit)i, config->profiles[PROFILE_JUDGE].of[i], judge, sizeof judge);
		(void)limit_format((enum limit)i, config->profiles[PROFILE_AGENT].of[i], agent, sizeof agent);
		(void)printf("  --%-14s %s (%s, %s)\n", row->flag, row->help, judge, agent);
	}
	(void)printf("  sizes take k, M, G; times take ms, s, m; `none` lifts a limit\n\nOptions:\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &run_option_rows[i];
		if (!code && (i == OPTION_LANGUAGE || i == OPTION_CODE || i == OPTION_SOURCE))
			continue;
		(void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
		(void)printf("  %-30s %s\n", left, row->help);
	}
	(void)printf("\nExit status: 0 OK, 1 another verdict, 2 usage, 3 IE, 4 worker quarantined.\n");
}
