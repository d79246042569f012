/* Building and checking a spec, one wish at a time; its JSON form is in spec_json.c. */
#include "sandbox/box/spec.h"

#include <string.h>

#include "probes/base/text.h"

static const char *const bind_words[BIND_OPTION_COUNT] = {
#define X(id, word, help) [BIND_##id] = word,
	BIND_OPTIONS(X)
#undef X
};

static void take_profile(struct spec *s, enum profile profile)
{
	s->profile = profile;
	if (s->defaults)
		s->limits = s->defaults[profile];
	else
		limits_default(profile, &s->limits);
}

void spec_init(struct spec *ret, const struct limits *defaults)
{
	*ret = (struct spec){ .defaults = defaults };
	take_profile(ret, PROFILE_JUDGE);
}

const char *bind_option_word(enum bind_option o)
{
	return bind_words[o];
}

int spec_set_profile(struct spec *s, const char *word, struct err *e)
{
	int profile = profile_parse(word);
	if (profile < 0)
		return err_say(e, EINVAL, "--profile: '%.40s' is none of judge, agent, compiler", word);
	take_profile(s, (enum profile)profile);
	return 0;
}

/* One spelling per path: "/a//b/./c/" is "/a/b/c". ".." is refused: where it leads depends on symlinks. */
static int normal_path(struct arena *a, const char *path, const char **ret, struct err *e)
{
	char shown[80];
	char *out = arena_alloc(a, strlen(path) + 2), *end = out;
	if (path[0] != '/')
		return err_say(e, EINVAL, "'%s' must be an absolute path", text_escape(path, shown, sizeof shown));
	for (const char *p = path; *p;) {
		size_t slashes = strspn(p, "/"), n = strcspn(p + slashes, "/");
		const char *part = p + slashes;
		if (n == 2 && part[0] == '.' && part[1] == '.')
			return err_say(e, EINVAL, "'%s' must not contain '..'", text_escape(path, shown, sizeof shown));
		if (n && !(n == 1 && part[0] == '.')) {
			*end++ = '/';
			memcpy(end, part, n);
			end += n;
		}
		p = part + n;
	}
	*ret = end > out ? out : "/";
	return 0;
}

static bool beneath(const char *path, const char *top)
{
	size_t n = strlen(top);
	return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int check_inside(const char *inside, struct err *e)
{
	static const char *const reserved[] = { "/proc", "/dev", "/sys" };
	char shown[80];
	if (strcmp(inside, "/") == 0)
		return err_say(e, EINVAL, "the box's own / can't be replaced; bind below it");
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (beneath(inside, reserved[i]))
			return err_say(e, EINVAL, "'%s': nothing can be bound in %s",
				       text_escape(inside, shown, sizeof shown), reserved[i]);
	return 0;
}

static int parse_options(const char *text, unsigned *ret, struct err *e)
{
	unsigned options = 0;
	for (const char *p = text;;) {
		size_t n = strcspn(p, ",");
		int o = 0;
		while (o < BIND_OPTION_COUNT && (strlen(bind_words[o]) != n || strncmp(bind_words[o], p, n) != 0))
			o++;
		if (o == BIND_OPTION_COUNT)
			return err_say(e, EINVAL, "'%.*s' is no option; there are rw, noexec, maybe, norec, tmp",
				       (int)(n < 40 ? n : 40), p);
		options |= BIND_BIT(o);
		if (!p[n])
			break;
		p += n + 1;
	}
	*ret = options;
	return 0;
}

static int parse_bind(struct arena *a, const char *text, struct bind *ret, struct err *e)
{
	struct bind b = { 0 };
	const char *colon = strrchr(text, ':'), *equals = strchr(text, '=');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);
	int rc = colon ? parse_options(colon + 1, &b.options, e) : 0;
	if (rc < 0)
		return rc;
	if (equals && (size_t)(equals - text) >= n)
		equals = NULL;
	size_t inside = equals ? (size_t)(equals - text) : n;
	rc = normal_path(a, arena_strndup(a, text, inside), &b.inside, e);
	if (rc == 0)
		rc = check_inside(b.inside, e);
	if (rc < 0)
		return rc;
	if (b.options & BIND_BIT(BIND_TMP)) {
		if (equals)
			return err_say(e, EINVAL, "'tmp' is empty: it takes no outside path");
		b.options |= BIND_BIT(BIND_RW);
	} else {
		const char *outside = equals ? arena_strndup(a, equals + 1, n - inside - 1) : b.inside;
		rc = normal_path(a, outside, &b.outside, e);
	}
	if (rc == 0)
		*ret = b;
	return rc;
}

int spec_add_bind(struct spec *s, struct arena *a, const char *text, struct err *e)
{
	struct bind b = { 0 };
	int rc = parse_bind(a, text, &b, e);
	if (rc) {
		(void)err_wrap(e, "--dir");
		return rc;
	}
	for (size_t i = 0; i < s->nbinds; i++)
		if (strcmp(s->binds[i].inside, b.inside) == 0)
			return err_say(e, EINVAL, "--dir: %.80s is bound twice", b.inside);
	*(struct bind *)arena_push(a, &s->binds, &s->nbinds, sizeof b) = b;
	return 0;
}

static size_t count(char **list)
{
	size_t n = 0;
	while (list && list[n])
		n++;
	return n;
}

/* The same name again replaces: the last one asked for counts, and the program sees it once. */
static void put_env(struct spec *s, struct arena *a, char *entry, size_t name)
{
	size_t n = count(s->env);
	for (size_t i = 0; i < n; i++) {
		if (strncmp(s->env[i], entry, name + 1) == 0) {
			s->env[i] = entry;
			return;
		}
	}
	char **more = arena_alloc(a, (n + 2) * sizeof *more);
	if (n)
		memcpy(more, s->env, n * sizeof *more);
	more[n] = entry;
	s->env = more;
}

int spec_add_env(struct spec *s, struct arena *a, const char *text, const char *own, struct err *e)
{
	size_t name = strcspn(text, "=");
	if (name == 0)
		return err_say(e, EINVAL, "--env: '%.40s' has no name; write NAME=value, or NAME to pass your own", text);
	if (text[name] == '=')
		put_env(s, a, arena_strdup(a, text), name);
	else if (own)
		put_env(s, a, arena_printf(a, "%s=%s", text, own), name);
	return 0;
}

int spec_check(const struct spec *s, struct err *e)
{
	const char *files[] = { s->stdin_file, s->stdout_file, s->stderr_file };
	if (!s->language != !s->source)
		return err_say(e, EINVAL, "a language needs a source (--code or --source), and a source its --language");
	if (s->language && s->argv && s->argv[0])
		return err_say(e, EINVAL, "a program and a source exclude each other");
	if (!s->language && (!s->argv || !s->argv[0] || !*s->argv[0]))
		return err_say(e, EINVAL, "no program given; write: rustbox run [OPTIONS] -- PROGRAM [ARG...]");
	if (s->box && !text_is_box_name(s->box))
		return err_say(e, EINVAL, "a box id is 1 to 64 characters of A-Z a-z 0-9 _ -");
	if (s->chdir && s->chdir[0] != '/')
		return err_say(e, EINVAL, "--chdir: '%.80s' must be an absolute path in the box", s->chdir);
	if (s->stdin_file && s->stdin_text)
		return err_say(e, EINVAL, "--stdin and --stdin-text exclude each other");
	if (s->merge && s->stderr_file)
		return err_say(e, EINVAL, "--stderr and --stderr-to-stdout exclude each other");
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (files[i] && !*files[i])
			return err_say(e, EINVAL, "an empty file name for stdin, stdout or stderr");
	return 0;
}
