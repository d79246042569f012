/* See languages.h. */
#include "sandbox/policy/languages.h"

#include <string.h>

const struct language language_rows[] = {
#define LANGUAGE(w, f, c, r, e, l, p, pk)                                                              \
	{ .word = w, .file = f, .compile = c, .run = r, .env = e, .least = l, .path = p, .package = pk },
#include "sandbox/policy/languages.def"
#undef LANGUAGE
};
const size_t language_row_count = sizeof language_rows / sizeof language_rows[0];

static char *fill_in(const char *word, size_t n, const struct limits *limits, struct arena *a)
{
	char *text = arena_strndup(a, word, n);
	char *hole = strstr(text, "{mem}");
	uint64_t memory = limits->of[LIMIT_MEMORY];
	if (!hole)
		return text;
	unsigned long long mib = memory == LIMIT_NONE ? 1024 : memory >> 20;
	return arena_printf(a, "%.*s%llu%s", (int)(hole - text), text, mib, hole + strlen("{mem}"));
}

char **language_words(const char *command, const struct limits *limits, struct arena *a)
{
	char **words = NULL;
	size_t n = 0;
	for (const char *p = command + strspn(command, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");
		*(char **)arena_push(a, &words, &n, sizeof *words) = fill_in(p, len, limits, a);
		p += len;
	}
	*(char **)arena_push(a, &words, &n, sizeof *words) = NULL;
	return words;
}

int language_raise(const struct language *l, const struct limits *profile, struct limits *ret, struct err *e)
{
	autoarena struct arena a = { 0 };
	char **words = language_words(l->least ? l->least : "", profile, &a);
	for (; *words; words++) {
		char *value = strchr(*words, '=');
		uint64_t least;
		if (value)
			*value++ = '\0';
		int limit = limit_by_flag(*words);
		if (limit < 0 || !value)
			return err_say(e, EINVAL, "language %s: '%.40s' is no limit", l->word, *words);
		int rc = limit_parse((enum limit)limit, value, &least, e);
		if (rc < 0)
			return rc;
		if (ret->of[limit] == profile->of[limit] && ret->of[limit] < least)
			ret->of[limit] = least;
	}
	return 0;
}
