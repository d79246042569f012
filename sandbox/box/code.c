/* See code.h. */
#include "sandbox/box/code.h"

#include <string.h>

#include "sandbox/box/toolchain.h"

/* The words of one step, its program replaced by where it was found. "./main" is the box's own. */
static int words_of(const struct language *l, const char *command, const struct limits *limits, const char *callers_path,
		    struct arena *a, char ***ret, struct err *e)
{
	char **words = language_words(command, limits, a);
	struct tool tool;
	if (!words[0])
		return err_say(e, EINVAL, "language %s has an empty command", l->word);
	if (!strchr(words[0], '/')) {
		tool_find(l, words[0], callers_path, a, &tool);
		if (!tool.path)
			return err_say(e, ENOENT, "no compiler or interpreter for %s: %s", l->word, tool.why);
		words[0] = arena_strdup(a, tool.path);
	}
	*ret = words;
	return 0;
}

/* The language's own variables first: what was asked for replaces them. */
static int surroundings(const struct language *l, const struct spec *asked, struct arena *a, struct spec *s, struct err *e)
{
	struct limits unused = { { 0 } };
	char **words = language_words(l->env ? l->env : "", &unused, a);
	int rc = 0;
	s->env = NULL;
	s->binds = NULL;
	s->nbinds = 0;
	for (; rc == 0 && *words; words++)
		rc = spec_add_env(s, a, *words, NULL, e);
	for (char **v = asked->env; rc == 0 && v && *v; v++)
		rc = spec_add_env(s, a, *v, NULL, e);
	for (words = language_words(l->binds ? l->binds : "", &unused, a); rc == 0 && *words; words++)
		rc = spec_add_bind(s, a, *words, e);
	for (size_t i = 0; rc == 0 && i < asked->nbinds; i++)
		*(struct bind *)arena_push(a, &s->binds, &s->nbinds, sizeof *s->binds) = asked->binds[i];
	return rc;
}

static int make_compile(const struct config *c, const struct language *l, const struct spec *asked,
			const char *callers_path, struct arena *a, struct spec *ret, struct err *e)
{
	struct spec s;
	spec_init(&s, c->profiles);
	s.profile = PROFILE_COMPILER;
	s.limits = c->profiles[PROFILE_COMPILER];
	s.permissive = asked->permissive;
	s.force_v1 = asked->force_v1;
	s.box = asked->box;
	s.capture = true;
	s.stdin_text = "";
	int rc = words_of(l, l->compile, &s.limits, callers_path, a, &s.argv, e);
	if (rc == 0)
		rc = surroundings(l, asked, a, &s, e);
	if (rc == 0)
		*ret = s;
	return rc;
}

int code_make(const struct config *config, const struct spec *asked, const char *callers_path, struct arena *a,
	      struct code *ret, struct err *e)
{
	const struct language *l = config_language(config, asked->language);
	struct code c = { .run = *asked };
	int rc = 0;
	if (!l)
		return err_say(e, EINVAL, "'%.40s' is none of %s", asked->language, config_language_words(config, a));
	if (l->compile)
		rc = make_compile(config, l, asked, callers_path, a, &c.compile, e);
	if (rc == 0)
		rc = words_of(l, l->run, &asked->limits, callers_path, a, &c.run.argv, e);
	if (rc == 0)
		rc = surroundings(l, asked, a, &c.run, e);
	if (rc < 0)
		return rc;
	*ret = c;
	ret->steps = (struct box_code){ .compile = l->compile ? &ret->compile : NULL, .run = &ret->run, .file = l->file,
					.text = asked->source };
	return 0;
}
