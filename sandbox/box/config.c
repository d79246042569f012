/* Reading the configuration; see config.h. */
#include "sandbox/box/config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "probes/base/json.h"
#include "probes/base/own.h"
#include "probes/base/text.h"
#include "probes/places.h"

/* A misspelt key would silently leave a limit as it was: every object is read strictly. */
static int only_keys(const json_t *obj, const char *path, const char *const *keys, size_t n, struct err *e)
{
	char known[160] = "", shown[80];
	struct text t = TEXT_ON(known);
	const char *key;
	json_t *v;
	if (!json_is_object(obj))
		return err_say(e, EINVAL, "%s: expected an object, got %s", path, json_type_word(obj));
	for (size_t i = 0; i < n; i++)
		text_add(&t, "%s%s", i ? ", " : "", keys[i]);
	json_object_foreach((json_t *)(uintptr_t)obj, key, v) {
		size_t i = 0;
		while (i < n && strcmp(keys[i], key) != 0)
			i++;
		if (i == n)
			return err_say(e, EINVAL, "%s: expected %s, got '%s'", path, known, text_escape(key, shown, sizeof shown));
	}
	return 0;
}

static int profiles_from(const json_t *obj, struct config *c, struct err *e)
{
	const char *words[PROFILE_COUNT];
	for (int i = 0; i < PROFILE_COUNT; i++)
		words[i] = profile_word((enum profile)i);
	int rc = obj ? only_keys(obj, "profiles", words, PROFILE_COUNT, e) : 0;
	for (int i = 0; rc == 0 && obj && i < PROFILE_COUNT; i++) {
		char path[40];
		const json_t *limits = json_object_get(obj, words[i]);
		(void)snprintf(path, sizeof path, "profiles.%s", words[i]);
		rc = limits ? limits_from_json(limits, path, &c->profiles[i], e) : 0;
	}
	return rc;
}

/* "limits" holds for all profiles, then each profile's own. */
static int limits_from(const json_t *obj, struct config *c, struct err *e)
{
	const json_t *all = json_object_get(obj, "limits"), *ceilings = json_object_get(obj, "ceilings");
	int rc = 0;
	for (int i = 0; rc == 0 && all && i < PROFILE_COUNT; i++)
		rc = limits_from_json(all, "limits", &c->profiles[i], e);
	if (rc == 0)
		rc = profiles_from(json_object_get(obj, "profiles"), c, e);
	if (rc == 0 && ceilings)
		rc = limits_from_json(ceilings, "ceilings", &c->ceilings, e);
	return rc;
}

/* The texts of a language: a string, or an array of words joined by `comma`. */
static const struct {
	const char *key;
	size_t at;
	const char *comma;
} texts[] = {
	{ "file", offsetof(struct language, file), NULL },   { "compile", offsetof(struct language, compile), " " },
	{ "run", offsetof(struct language, run), " " },	     { "env", offsetof(struct language, env), " " },
	{ "least", offsetof(struct language, least), " " },  { "path", offsetof(struct language, path), ":" },
	{ "binds", offsetof(struct language, binds), " " },  { "package", offsetof(struct language, package), NULL },
};
enum { TEXTS = sizeof texts / sizeof texts[0] };

static int text_from(const json_t *v, const char *path, size_t i, struct arena *a, struct language *l, struct err *e)
{
	const char *comma = texts[i].comma, *text = NULL;
	size_t at;
	json_t *word;
	if (json_is_string(v)) {
		text = arena_strdup(a, json_string_value(v));
	} else if (comma && json_is_array(v)) {
		text = "";
		json_array_foreach(v, at, word) {
			if (!json_is_string(word) || strpbrk(json_string_value(word), comma))
				return err_say(e, EINVAL, "%s.%s[%zu]: expected a word without '%s', got %s", path, texts[i].key, at,
					       comma, json_is_string(word) ? "one with it" : json_type_word(word));
			text = arena_printf(a, "%s%s%s", text, at ? comma : "", json_string_value(word));
		}
	} else if (!json_is_null(v) || !comma) {
		return err_say(e, EINVAL, "%s.%s: expected a string%s, got %s", path, texts[i].key,
			       comma ? " or an array of words" : "", json_type_word(v));
	}
	memcpy((char *)l + texts[i].at, &text, sizeof text);
	return 0;
}

static struct language *language_slot(struct config *c, const char *word, struct arena *a)
{
	for (size_t i = 0; i < c->nlanguages; i++)
		if (strcmp(c->languages[i].word, word) == 0)
			return &c->languages[i];
	struct language *l = arena_push(a, &c->languages, &c->nlanguages, sizeof *l);
	*l = (struct language){ .word = arena_strdup(a, word), .env = "PATH=/usr/local/bin:/usr/bin:/bin", .least = "",
				.path = "/usr/local/bin:/usr/bin:/bin" };
	return l;
}

static int language_from(const json_t *obj, const char *word, struct config *c, struct arena *a, struct err *e)
{
	const char *keys[TEXTS];
	char path[80];
	struct limits none;
	if (!text_is_box_name(word))
		return err_say(e, EINVAL, "languages: expected a name of A-Z a-z 0-9 _ -, got another");
	(void)snprintf(path, sizeof path, "languages.%s", word);
	for (size_t i = 0; i < TEXTS; i++)
		keys[i] = texts[i].key;
	int rc = only_keys(obj, path, keys, TEXTS, e);
	if (rc < 0)
		return rc;
	struct language *l = language_slot(c, word, a);
	for (size_t i = 0; rc == 0 && i < TEXTS; i++)
		if (json_object_get(obj, texts[i].key))
			rc = text_from(json_object_get(obj, texts[i].key), path, i, a, l, e);
	if (rc == 0 && (!l->file || !l->run || !*l->run || strchr(l->file, '/') || *l->file == '.'))
		return err_say(e, EINVAL, "%s: expected a file name and a run command, got none", path);
	limits_default(PROFILE_JUDGE, &none);
	rc = rc == 0 ? language_raise(l, &none, &none, e) : rc;
	return rc < 0 ? err_wrap(e, "%s.least", path) : 0;
}

static int languages_from(const json_t *obj, struct config *c, struct arena *a, struct err *e)
{
	const char *word;
	json_t *v;
	int rc = 0;
	if (obj && !json_is_object(obj))
		return err_say(e, EINVAL, "languages: expected an object, got %s", json_type_word(obj));
	json_object_foreach((json_t *)(uintptr_t)obj, word, v) {
		rc = language_from(v, word, c, a, e);
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int count_from(const json_t *obj, const char *key, unsigned *ret, struct err *e)
{
	const json_t *v = json_object_get(obj, key);
	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > UID_POOL)
		return err_say(e, EINVAL, "%s: expected a number from 1 to %d, got %s", key, UID_POOL,
			       json_is_integer(v) ? "one outside" : json_type_word(v));
	*ret = (unsigned)json_integer_value(v);
	return 0;
}

static int parent_from(const json_t *v, struct arena *a, const char **ret, struct err *e)
{
	if (v && !json_is_string(v))
		return err_say(e, EINVAL, "cgroup_parent: expected a string, got %s", json_type_word(v));
	if (v && place_check(json_string_value(v), e) < 0)
		return err_wrap(e, "cgroup_parent");
	*ret = v ? arena_strdup(a, json_string_value(v)) : NULL;
	return 0;
}

int config_from_json(const json_t *obj, struct arena *a, struct config *ret, struct err *e)
{
	static const char *const keys[] = { "schema", "profiles", "limits", "ceilings", "languages", "slots", "boxes", "cgroup_parent" };
	struct config c = { .slots = UID_POOL, .kept_boxes = UID_POOL, .nlanguages = 0 };
	for (int i = 0; i < PROFILE_COUNT; i++)
		limits_default((enum profile)i, &c.profiles[i]);
	for (int l = 0; l < LIMIT_COUNT; l++)
		c.ceilings.of[l] = LIMIT_NONE;
	for (size_t i = 0; i < language_row_count; i++)
		*(struct language *)arena_push(a, &c.languages, &c.nlanguages, sizeof *c.languages) = language_rows[i];
	int rc = obj ? only_keys(obj, "config", keys, sizeof keys / sizeof keys[0], e) : 0;
	uint64_t schema = 1;
	if (rc == 0 && obj)
		rc = json_opt_u64(obj, "config", "schema", &schema, e);
	if (rc == 0 && schema != 1)
		return err_say(e, EINVAL, "schema: expected 1, got %llu", (unsigned long long)schema);
	if (rc == 0)
		rc = limits_from(obj, &c, e);
	if (rc == 0)
		rc = languages_from(json_object_get(obj, "languages"), &c, a, e);
	if (rc == 0)
		rc = count_from(obj, "slots", &c.slots, e);
	if (rc == 0)
		rc = count_from(obj, "boxes", &c.kept_boxes, e);
	if (rc == 0)
		rc = parent_from(json_object_get(obj, "cgroup_parent"), a, &c.cgroup_parent, e);
	if (rc == 0)
		*ret = c;
	return rc;
}

int config_load(const struct paths *paths, struct arena *a, struct config *ret, struct err *e)
{
	const char *file = paths->of[PATH_CONFIG];
	json_error_t where;
	struct stat st;
	autofile FILE *f = fopen(file, "re");
	if (!f && errno == ENOENT)
		return config_from_json(NULL, a, ret, e);
	if (!f || fstat(fileno(f), &st) < 0)
		return err_set(e, errno, "%s", file);
	if (geteuid() == 0 && (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH)))
		return err_say(e, EINVAL, "%s: expected a file that only root can write: chown root, chmod go-w", file);
	autojson json_t *obj = json_loadf(f, JSON_REJECT_DUPLICATES, &where);
	if (!obj)
		return err_say(e, EINVAL, "%s: line %d: %.100s", file, where.line, where.text);
	int rc = config_from_json(obj, a, ret, e);
	return rc < 0 ? err_wrap(e, "%s", file) : 0;
}

const struct language *config_language(const struct config *c, const char *word)
{
	for (size_t i = 0; i < c->nlanguages; i++)
		if (strcmp(c->languages[i].word, word) == 0)
			return &c->languages[i];
	return NULL;
}

const char *config_language_words(const struct config *c, struct arena *a)
{
	const char *text = "";
	for (size_t i = 0; i < c->nlanguages; i++)
		text = arena_printf(a, "%s%s%s", text, i ? ", " : "", c->languages[i].word);
	return text;
}

int config_check(const struct config *c, const struct limits *limits, struct err *e)
{
	char asked[80], most[80];
	for (int l = 0; l < LIMIT_COUNT; l++) {
		uint64_t ceiling = c->ceilings.of[l], v = limits->of[l];
		bool over = limit_rows[l].unit == UNIT_CPU_LIST ? v & ~ceiling : v > ceiling;
		if (ceiling != LIMIT_NONE && over)
			return err_say(e, EINVAL, "--%s %s is over this host's ceiling of %s (config.json)", limit_rows[l].flag,
				       limit_format((enum limit)l, v, asked, sizeof asked),
				       limit_format((enum limit)l, ceiling, most, sizeof most));
	}
	return 0;
}
